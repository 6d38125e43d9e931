//! Convolution and pooling, with output sizes stated by the layer and checked by the compiler: stable Rust
//! cannot compute one size from another.

mod conv1d;
mod conv2d;
mod convolution;
#[cfg(feature = "gpu")]
mod gpu;
mod pool;
mod pooling;
mod window;

pub use conv1d::Conv1D;
pub use conv2d::Conv2D;
pub use pool::{AvgPool1D, AvgPool2D, MaxPool1D, MaxPool2D};

#[cfg(test)]
mod tests;
