//! What decides how a run ends that nobody has ended.

use crate::status::Status;

/// What a cell does.
#[derive(Clone)]
pub(super) enum Verdict {
    Begins,
    /// How a run ends that the cell recorded in and left open, if nothing follows; `None`: it ended well.
    Ended(Option<(Status, Option<String>)>),
}

/// How a run ends that nobody has ended, and why.
pub(super) type Reason = (Status, &'static str);
