//! Kernels: their sources, and how they become machine code.

pub mod compile;
pub mod entries;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::math::KERNELS;

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

/// dfdx's kernels, as the crate has them: name and text of each file. Whoever is linked with dfdx provides them.
static PROVIDED: OnceLock<&'static [(&'static str, &'static str)]> = OnceLock::new();

/// Provides the texts of dfdx's `.cu` and `.cuh` files, once for the process.
pub fn provide(files: &'static [(&'static str, &'static str)]) {
    PROVIDED.get_or_init(|| files);
}

/// The headers that kernels may include.
pub(crate) fn headers() -> Headers {
    static HEADERS: OnceLock<Headers> = OnceLock::new();
    Arc::clone(HEADERS.get_or_init(|| {
        let files = PROVIDED.get().copied().unwrap_or_default();
        let headers = files.iter().filter(|(name, _)| name.ends_with(".cuh"));
        headers.map(|(name, text)| (Cow::Borrowed(*name), Cow::Borrowed(*text))).collect()
    }))
}

/// The file that has a kernel: one of ours, whose names begin so, or of dfdx's.
pub(crate) fn unit_of(kernel: &str) -> Option<Unit> {
    let unit =
        |(name, text): (&'static str, &'static str), headers| Unit { name: name.into(), text: text.into(), headers };
    if kernel.starts_with("assay_") {
        let wanted = format!(" {kernel}(");
        let file = KERNELS.into_iter().find(|(_, text)| text.contains(&wanted))?;
        return Some(unit(file, Arc::from([])));
    }
    let file = entries::file_of(kernel)?;
    let files = PROVIDED.get().copied().unwrap_or_default();
    Some(unit(*files.iter().find(|(name, _)| *name == file)?, headers()))
}
