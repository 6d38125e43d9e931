//! Mistakes in kernels that dfdx has as text in its Rust code, mended on their way to the compiler.

/// In `reshape_bwd`, which gives the gradient of a tensor that was moved into row-major order: the loop ends at the
/// size of the *memory* of the input, and an input that was broadcast has less memory than elements. What comes
/// after is lost: broadcasting `[5]` to `[4, 5]` would give the gradient of the first row only. It must end at the
/// number of elements, which is the product of the output's sizes.
const RESHAPE: (&str, &str, &str) = (
    "__global__ void reshape_bwd(",
    "    for (unsigned int i =",
    "    size_t elements = 1;
    for (unsigned int d = 0; d < out_num_dims; d++) {
        elements *= out_dims[d];
    }
    for (unsigned int i =",
);

/// A text without the mistake.
pub(super) fn mended(text: String) -> String {
    let (kernel, before, after) = RESHAPE;
    match text.split_once(kernel) {
        Some((head, body)) if body.contains("atomicAdd(grad_inp") => {
            let body = body.replacen(before, after, 1).replacen("i < numel", "i < elements", 1);
            format!("{head}{kernel}{body}")
        }
        _ => text,
    }
}
