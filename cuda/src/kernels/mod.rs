//! Kernels: their sources, and how they become machine code.

mod cache;
pub mod entries;
mod sources;

use std::borrow::Cow;
use std::sync::Arc;

pub use cache::{Cache, cubin};
pub use sources::{Sources, SourcesError};

/// A file of kernels, with what it includes.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What it is called in messages: `sum_to.cu`.
    pub name: Cow<'static, str>,
    /// Its text.
    pub text: Cow<'static, str>,
    /// Files that `#include "..."` may name: name and text.
    pub headers: Arc<[(Cow<'static, str>, Cow<'static, str>)]>,
}
