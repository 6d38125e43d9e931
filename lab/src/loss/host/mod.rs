//! Losses that the processor computes.

mod binary;
mod classes;
mod contrastive;
mod distance;
mod divergence;
mod fused;
mod softmax;

pub(super) use binary::{binary_cross_entropy, binary_focal};
pub(super) use classes::{cross_entropy, focal};
pub(super) use contrastive::{contrastive, nt_xent};
pub(super) use distance::distance;
pub(super) use divergence::{divergence, divergence_of_scores};
