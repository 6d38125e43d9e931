//! Attention: who may look at what, the product itself, heads, blocks, positions.

mod block;
mod cross;
#[cfg(feature = "gpu")]
mod gpu;
mod heads;
mod mask;
mod position;
mod product;

pub use block::{CausalTransformerBlock, TransformerBlock, TransformerEncoderBlock};
pub use cross::TransformerDecoderBlock;
pub use heads::MultiHeadAttention;
pub use mask::{AttentionError, AttentionMask};
pub use position::{LearnedPositions, SinusoidalPositions};
pub use product::scaled_dot_product_attention;

#[cfg(test)]
mod tests;
