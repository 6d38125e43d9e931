//! Which tensor memory is wanted for. The driver is asked for bytes; the shape stands in the types of those who ask,
//! and so in the names of the functions that are being called.

use std::backtrace::Backtrace;

/// The shape of the tensor whose `bytes` this thread is about to allocate, where its type says it.
pub(crate) fn wanted(bytes: usize) -> Option<Vec<usize>> {
    shape_in(&Backtrace::force_capture().to_string(), bytes)
}

/// The first shape in a list of calls, the innermost first, that has so many bytes. One axis of unknown length is what
/// the others leave.
fn shape_in(calls: &str, bytes: usize) -> Option<Vec<usize>> {
    let calls = calls.lines().take_while(|call| !call.contains("cuda::math::")); // its workspaces are no tensors
    calls.flat_map(|call| call.split('(').skip(1)).find_map(|part| fitted(&axes(part.split(')').next()?)?, bytes))
}

/// The axes of a shape's type: `usize, dfdx::shapes::shape::Const<64>`.
fn axes(types: &str) -> Option<Vec<Option<usize>>> {
    let types = types.split(',').map(str::trim).filter(|text| !text.is_empty());
    let axes: Option<Vec<_>> = types.map(axis).collect();
    axes.filter(|axes| !axes.is_empty())
}

fn axis(text: &str) -> Option<Option<usize>> {
    if text == "usize" {
        return Some(None);
    }
    let (_, length) = text.strip_suffix('>')?.split_once("shapes::shape::Const<")?;
    Some(Some(length.parse().ok()?))
}

/// The lengths of all axes, of numbers of 4 or of 8 bytes.
fn fitted(axes: &[Option<usize>], bytes: usize) -> Option<Vec<usize>> {
    let known = axes.iter().flatten().try_fold(1usize, |product, axis| product.checked_mul(*axis))?;
    let open = axes.iter().filter(|axis| axis.is_none()).count();
    let length = |size: usize| {
        let all = known.checked_mul(size)?;
        let whole = all > 0 && bytes.is_multiple_of(all) && (open == 1 || bytes == all);
        whole.then(|| bytes / all)
    };
    let length = length(4).or_else(|| length(8)).filter(|_| open <= 1)?;
    Some(axes.iter().map(|axis| axis.unwrap_or(length)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "
   5: <cudarc::driver::safe::core::CudaDevice>::alloc::<f32>
   9: <dfdx::tensor::cuda::device::Cuda as dfdx::tensor::storage_traits::ZerosTensor<f32>>::try_zeros_like::<(dfdx::shapes::shape::Const<3000>, dfdx::shapes::shape::Const<10000>)>
  11: cell_8a43f6a6a3361a18::assay_body::{closure#0}";

    const LAYER: &str = "
   4: cudarc::driver::result::malloc_async
   6: <lab_gpu::nn::op::Inputs<dfdx::tensor::gradients::NoneTape>>::apply::<(usize, dfdx::shapes::shape::Const<4096>), lab_gpu::nn::dense::affine::Affine>
   7: lab_gpu::nn::dense::linear::linear::<64, 4096, (usize, dfdx::shapes::shape::Const<64>), (usize, dfdx::shapes::shape::Const<4096>)>";

    #[test]
    fn the_innermost_shape_with_so_many_bytes_is_found() {
        for (calls, bytes, expected) in [
            (ZEROS, 120_000_000, Some(vec![3000, 10000])),
            (ZEROS, 240_000_000, Some(vec![3000, 10000])),
            (ZEROS, 119_999_996, None),
            (LAYER, 327_680_000, Some(vec![20_000, 4096])),
            (LAYER, 64 * 4, Some(vec![1, 64])),
            (LAYER, 100, None),
            ("2: f::<(dfdx::shapes::shape::Const<7>,)>", 28, Some(vec![7])),
            ("2: f::<(usize, usize)>", 400, None),
            ("2: f::<(), (f32, usize)>(u8)", 400, None),
            ("1: <cuda::math::Room>::new\n2: f::<(dfdx::shapes::shape::Const<7>,)>", 28, None),
        ] {
            assert_eq!(shape_in(calls, bytes), expected, "{bytes} bytes in {calls}");
        }
    }
}
