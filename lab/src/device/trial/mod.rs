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
    use super::cases;
    use super::values::{Difference, Values};
    use crate::device::{Precision, set_matmul_precision};

    /// Compares all cases at a precision; says all that is off, not only the first, and what is furthest off.
    #[allow(clippy::print_stdout)]
    fn all_equal(precision: Precision, error: f64) {
        set_matmul_precision(precision);
        let expected = Values::read();
        let fp32 = precision == Precision::Fp32;
        let cases = cases().into_iter().filter(|case| fp32 || !case.kinked);
        let mut found: Vec<Difference> =
            cases.flat_map(|case| (case.run)().differences(case.name, &expected.cases[case.name])).collect();
        found.sort_by(|a, b| b.off.total_cmp(&a.off));
        let say = |difference: &Difference| format!("{}: {:.1e}", difference.what, difference.off);
        println!("furthest off in {}: {}", precision.name(), say(&found[0]));
        // NaN is not near anything.
        let off: Vec<String> = found.iter().filter(|difference| !(difference.off <= error)).map(say).collect();
        assert!(
            off.is_empty(),
            "in {} more than {error:.0e} from the processor:\n{}",
            precision.name(),
            off.join("\n")
        );
        let tensor_cores = cuda::gpu::gpu().is_ok_and(|gpu| gpu.properties.capability >= 80);
        assert!(fp32 || !tensor_cores || found[0].off > 1e-5, "{} is none: it is as near as fp32", precision.name());
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
