//! Which file defines which kernel, so that a file is compiled when one of its kernels is asked for.
//!
//! The table is by name alone, as the driver is asked by name alone: dfdx loads an empty module and then asks it for
//! its kernels. So two files with a kernel of the same name can't be told apart. There are two: those of dfdx's
//! convolutions (`conv2d.cu`, `convtrans2d.cu`), which dfdx has on nightly compilers only. Their kernels are refused.
//! What a header of dfdx's defines (`fill_with_f32` and its kind) is in nearly all files, and the same in all; it is
//! listed under a file of its own, which consists of that header.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::code::{self, Failure, Outcome};

/// A line for each file of dfdx 0.13.0: its name, then its kernels.
const TABLE: &str = include_str!("entries.txt");

static FILES: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut files: HashMap<_, Vec<_>> = HashMap::new();
    for (file, kernels) in all() {
        for kernel in kernels {
            files.entry(kernel).or_default().push(file);
        }
    }
    files
});

/// Every file with its kernels.
pub fn all() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let line = |line: &'static str| line.split_once(": ").map(|(file, all)| (file, all.split(' ').collect()));
    TABLE.lines().filter_map(line)
}

/// The file that defines a kernel: `sum_to.cu` for `sum_to_fwd_f32`.
///
/// # Errors
/// When none does, or more than one.
pub fn file_of(kernel: &str) -> Outcome<&'static str> {
    let failed = |reason| Err(Failure::because("cuModuleGetFunction", code::NOT_FOUND, reason));
    match FILES.get(kernel).map(Vec::as_slice) {
        Some([file]) => Ok(file),
        Some(files) => failed(format!(
            "the kernel {kernel} is in {}: dfdx's convolutions don't run on the GPU",
            files.join(" and in ")
        )),
        None => failed(format!("dfdx 0.13.0 has no kernel {kernel}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_in_one_file() {
        for (kernel, expected) in [
            ("sum_to_fwd_f32", Ok("sum_to.cu")),
            ("badd_bwd_lhs_f64", Ok("binary_add.cu")),
            ("fill_with_f32", Ok("cuda_utils.cu")),
            ("transpose_filters_f32", Err("is in conv2d.cu and in convtrans2d.cu")),
            ("sum_to", Err("no kernel sum_to")),
        ] {
            match (file_of(kernel), expected) {
                (Ok(file), Ok(expected)) => assert_eq!(file, expected),
                (Err(failure), Err(part)) => assert!(failure.to_string().contains(part), "{failure}"),
                (outcome, expected) => panic!("{kernel}: {outcome:?}, not {expected:?}"),
            }
        }
    }
}
