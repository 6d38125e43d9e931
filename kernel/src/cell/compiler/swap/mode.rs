//! When running cells are optimised: `ASSAY_SWAP`, for tests.

use std::env::VarError;

/// When running cells are optimised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Once they have run for some time.
    #[default]
    Running,
    /// Never.
    Off,
    /// All of them, before their first call.
    Force,
    /// As forced, but about every second place keeps calling the plain code.
    Mix,
}

impl Mode {
    /// What `ASSAY_SWAP` says.
    pub(crate) fn of_environment() -> Self {
        match std::env::var("ASSAY_SWAP").as_deref() {
            Ok("off") => Self::Off,
            Ok("force") => Self::Force,
            Ok("mix") => Self::Mix,
            Ok("") | Err(VarError::NotPresent) => Self::Running,
            other => {
                tracing::warn!(?other, "ASSAY_SWAP is ignored: it may be `off`, `force` or `mix`");
                Self::Running
            }
        }
    }

    pub(crate) fn is_forced(self) -> bool {
        matches!(self, Self::Force | Self::Mix)
    }

    /// Whether the calls through `slot` go to optimised code; the same each time.
    pub(super) fn takes(self, slot: u64) -> bool {
        // Spread over all bits, so that neither tables nor vtables go as a whole.
        self != Self::Mix || (slot / 8).wrapping_mul(0x9e37_79b9_7f4a_7c15).count_ones().is_multiple_of(2)
    }
}
