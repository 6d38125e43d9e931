//! What a GPU is tried with, as `tests/gpu/pack` packs it: all layers, losses and optimizers against the processor,
//! training, memory, speed. There is one device in a build, so the build for the processor writes its values to the
//! file that `ASSAY_VALUES` names, and the build for a GPU reads them.

mod layers;
mod losses;
mod optimizers;
#[cfg(feature = "gpu")]
mod speed;
mod training;
mod values;

use values::Rows;

/// Something that is computed on both devices.
struct Case {
    name: &'static str,
    /// Whether products stand before a kink (ReLU, the largest of a window). Where factors are rounded to fewer bits,
    /// a number near the kink falls on its other side: a share e of the numbers for an error e, and the gradient,
    /// which has other numbers there, is off by the root of e. So these are compared in fp32 only.
    #[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "the build for a GPU compares"))]
    kinked: bool,
    run: fn() -> Rows,
}

fn cases() -> Vec<Case> {
    [layers::cases(), losses::cases(), optimizers::cases()].into_iter().flatten().collect()
}

#[cfg(not(feature = "gpu"))]
mod processor {
    use super::values::Values;
    use super::{cases, training};

    #[test]
    #[ignore = "tests/gpu/pack has it write what a GPU is compared with"]
    fn values_are_written() {
        let cases = cases().into_iter().map(|case| (case.name.to_owned(), (case.run)()));
        let values = Values { cases: cases.collect(), losses: training::losses(training::COMPARED) };
        assert!(values.losses[training::COMPARED - 1] < 0.5 * values.losses[0], "it learns: {:?}", values.losses);
        values.write();
    }
}

#[cfg(feature = "gpu")]
mod graphics {
    use std::panic::catch_unwind;

    use super::cases;
    use super::values::{Difference, Values};
    use crate::device::{Precision, device, set_matmul_precision};

    /// How far all cases are off at a precision, the furthest first, and which could not be computed.
    fn compare(precision: Precision) -> (Vec<Difference>, Vec<&'static str>) {
        device();
        set_matmul_precision(precision);
        let expected = Values::read();
        let (mut found, mut broken) = (Vec::new(), Vec::new());
        for case in cases().iter().filter(|case| precision == Precision::Fp32 || !case.kinked) {
            match catch_unwind(case.run) {
                Ok(rows) => found.extend(rows.differences(case.name, &expected.cases[case.name])),
                Err(_) => broken.push(case.name),
            }
        }
        found.sort_by(|a, b| b.off.total_cmp(&a.off));
        (found, broken)
    }

    /// Says all that is off, not only the first.
    #[allow(clippy::print_stdout)]
    fn all_equal(precision: Precision, error: f64) {
        let (found, broken) = compare(precision);
        let (name, furthest) = (precision.name(), &found[0]);
        println!("furthest off in {name}: {:.1e}, {}", furthest.off, furthest.what);
        let off = found.iter().filter(|difference| difference.off > error || difference.off.is_nan());
        let off: Vec<String> = off.map(|difference| format!("{:.1e}, {}", difference.off, difference.what)).collect();
        let bad = !off.is_empty() || !broken.is_empty();
        assert!(!bad, "in {name} off by more than {error:.0e}:\n{}\nnot computed: {broken:?}", off.join("\n"));
        let tensor_cores = cuda::gpu::gpu().is_ok_and(|gpu| gpu.properties.capability >= 80);
        let rounded = precision == Precision::Fp32 || !tensor_cores || furthest.off > 1e-5;
        assert!(rounded, "products are not in {name}: they are as near as in fp32");
    }

    #[test]
    #[ignore = "it needs the processor's values: tests/gpu/run"]
    fn layers_losses_and_optimizers_in_fp32() {
        all_equal(Precision::Fp32, 1e-5);
    }

    #[test]
    #[ignore = "it needs the processor's values: tests/gpu/run"]
    fn layers_losses_and_optimizers_in_tf32() {
        all_equal(Precision::Tf32, 3e-3);
    }

    #[test]
    #[ignore = "it needs the processor's values: tests/gpu/run"]
    fn layers_losses_and_optimizers_in_bf16() {
        all_equal(Precision::Bf16, 1e-2);
    }
}
