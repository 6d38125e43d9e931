//! Kernels: their sources, and how they become machine code.

mod cache;
mod compile;
pub mod entries;
mod mended;
mod sources;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

pub use cache::{Cache, cubin};
pub use compile::{Compiler, Progress};
pub use sources::{Sources, SourcesError};

use crate::code::{Failure, NOT_FOUND, Outcome};
use crate::math::{HEADERS, KERNELS};

/// A file of kernels, with what it includes.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What it is called in messages: `sum_to.cu`.
    pub name: Cow<'static, str>,
    /// Its text.
    pub text: Cow<'static, str>,
    /// Files that `#include "..."` may name: name and text.
    pub headers: Headers,
}

/// Files that others include: name and text.
pub type Headers = Arc<[(Cow<'static, str>, Cow<'static, str>)]>;

/// dfdx's kernels. Whoever is linked with dfdx provides them.
static PROVIDED: OnceLock<Sources> = OnceLock::new();

/// Provides dfdx's kernels, once for the process.
pub fn provide(sources: Sources) {
    PROVIDED.get_or_init(|| sources);
}

/// A text that dfdx made at run time, which may include its headers.
pub(crate) fn unit(name: &'static str, text: String) -> Unit {
    let text = mended::mended(text);
    match PROVIDED.get() {
        Some(sources) => sources.with(name, text),
        None => Unit { name: name.into(), text: text.into(), headers: Arc::from([]) },
    }
}

/// The file that has a kernel: one of ours, whose names begin with `assay_`, or of dfdx's.
///
/// # Errors
/// When none has.
pub(crate) fn unit_of(kernel: &str) -> Outcome<Unit> {
    if kernel.starts_with("assay_") {
        let wanted = format!(" {kernel}(");
        return ours().find(|unit| unit.text.contains(&wanted)).ok_or_else(|| missing(kernel));
    }
    let file = entries::file_of(kernel)?;
    PROVIDED.get().and_then(|sources| sources.unit(file)).cloned().ok_or_else(|| missing(kernel))
}

/// All files of our own kernels.
pub fn ours() -> impl Iterator<Item = Unit> {
    let headers: Headers = HEADERS.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    KERNELS.iter().map(move |(name, text)| Unit {
        name: (*name).into(),
        text: (*text).into(),
        headers: Arc::clone(&headers),
    })
}

fn missing(kernel: &str) -> Failure {
    Failure::because("cuModuleGetFunction", NOT_FOUND, format!("the text of the kernel {kernel} is not there"))
}
