//! What is corrected in dfdx's kernels, and why.

/// A text that is replaced by another.
#[derive(Debug)]
pub struct Patch {
    /// The file.
    pub file: &'static str,
    /// What stands there, exactly once.
    pub find: &'static str,
    /// What stands there for us.
    pub replace: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// All of them.
pub const PATCHES: [Patch; 0] = [];

/// The text with all corrections of its file, or the one that does not fit.
pub(super) fn patched(file: &str, text: String) -> Result<String, &'static Patch> {
    PATCHES.iter().filter(|patch| patch.file == file).try_fold(text, |text, patch| {
        match text.matches(patch.find).count() {
            1 => Ok(text.replacen(patch.find, patch.replace, 1)),
            _ => Err(patch),
        }
    })
}
