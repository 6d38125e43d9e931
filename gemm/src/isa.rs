//! Which instructions products are computed with.

use std::sync::OnceLock;

/// Instructions, from narrow to wide. All but the first give the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// No multiplication and addition with one rounding (x86 before 2013): its bits are its own.
    Baseline,
    /// AVX2 and FMA; NEON elsewhere.
    Avx2,
    /// AVX-512.
    Avx512,
}

impl Isa {
    /// The widest that this machine has.
    #[must_use]
    pub fn of_machine() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
                return Self::Baseline;
            }
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
        }
        Self::Avx2
    }
}

/// What this process uses: the widest that the machine has, or AVX2 with `ASSAY_ISA=avx2`. Decided at the first call.
pub fn isa() -> Isa {
    static ISA: OnceLock<Isa> = OnceLock::new();
    *ISA.get_or_init(|| {
        let machine = Isa::of_machine();
        if std::env::var_os("ASSAY_ISA").is_some_and(|name| name == "avx2") { machine.min(Isa::Avx2) } else { machine }
    })
}
