//! Which file has which kernel.

/// The name of the file that has a kernel.
pub fn file_of(_kernel: &str) -> Option<&'static str> {
    None
}
