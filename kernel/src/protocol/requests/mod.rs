//! One file per kind of request; each turns a request's content into its reply's content.

pub(crate) mod comm;
pub(crate) mod complete;
pub(crate) mod debug;
pub(crate) mod history;
pub(crate) mod inspect;
pub(crate) mod interrupt;
pub(crate) mod is_complete;
pub(crate) mod kernel_info;
pub(crate) mod shutdown;

/// A cursor from the wire: absent means the end of the code, and nonsense is brought into range.
fn cursor(code: &str, position: Option<i64>) -> usize {
    let end = code.chars().count();
    position.map_or(end, |position| usize::try_from(position).unwrap_or(0).min(end))
}
