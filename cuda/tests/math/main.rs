//! Our own kernels compute what their formulas say: on the simulated GPU, against the formulas in `f64`, and their
//! gradients against finite differences of these.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod activation;
mod attention;
mod contrastive;
mod convolution;
mod dense;
mod divergence;
mod dropout;
mod embedding;
mod fills;
mod launches;
mod loss;
mod norm;
mod optimizer;
mod pooling;
mod recurrent;
mod rig;
#[path = "../support/mod.rs"]
mod support;
