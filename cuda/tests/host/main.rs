//! This machine's processor as a device: it computes what a GPU computes, and notices what a GPU notices.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod compiling;
mod dfdx;
mod faults;
mod handles;
mod language;
mod memory;
#[path = "../support/package.rs"]
mod package;
mod product;
mod rig;
