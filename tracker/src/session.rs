//! In what process, with which cells and by use of what a run was recorded.

use serde::Serialize;
use std::fmt;

use crate::status::Status;

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok,
    /// A `?` left it, or it could not be loaded.
    Error,
    Panicked,
    /// By the interrupt button.
    Interrupted,
}

impl Outcome {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Panicked => "panicked",
            Self::Interrupted => "interrupted",
        }
    }

    /// The outcome behind a stored word; the schema lets no other word in.
    pub(crate) fn from_stored(word: &str) -> Self {
        match word {
            "ok" => Self::Ok,
            "panicked" => Self::Panicked,
            "interrupted" => Self::Interrupted,
            _ => Self::Error,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A notebook cell as it was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The [`Session::position`] that it belongs to.
    pub session: i64,
    /// From 0, in the order of execution.
    pub position: i64,
    /// As the notebook shows it: `[3]`.
    pub execution_count: i64,
    pub source: String,
    /// sha256 of the source.
    pub hash: String,
    /// `None`: it is running, its process died in it, or the session has no [`Session::assay`].
    pub outcome: Option<Outcome>,
    /// The line at which it ended, or was seen last; from 1, and 0 before the first statement.
    pub line: Option<i64>,
    /// Of the error or the panic.
    pub message: Option<String>,
    pub began_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    /// It ran in an earlier process of the notebook: what it defined was there, its variables were gone.
    pub is_earlier: bool,
}

/// A stretch of a run: from its start, or from where it was resumed, to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// From 0.
    pub position: i64,
    /// Of the process; the same for all runs of a notebook's session.
    pub uid: String,
    pub host: String,
    pub pid: i64,
    /// Its working folder when it began.
    pub folder: Option<String>,
    /// The version that recorded it. `None`: one that recorded neither outcomes of cells, nor lines, nor uses.
    pub assay: Option<String>,
    pub began_ms: i64,
    /// Where the run began; `None` outside of cells.
    pub began: Option<Spot>,
    pub ended_ms: Option<i64>,
    /// Where the run ended; `None` outside of cells, while it goes on, and when its process died.
    pub ended: Option<Spot>,
    /// How it ended; `None` while it goes on, and when its process died.
    pub status: Option<Status>,
    pub error: Option<String>,
    /// What the process was seen to use until then, in order.
    pub uses: Vec<Use>,
}

/// A place in a notebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The [`Cell::position`].
    pub cell: i64,
    /// From 1; 0 before the first statement. `None` where lines are not known.
    pub line: Option<i64>,
}

/// Something that decided what a run computed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Use {
    /// `file`, `seed`, `unseeded` or `answer`; more may come.
    pub kind: String,
    /// The path of the file; what was seeded, or drew without a seed; what was asked.
    pub name: String,
    /// sha256 of the file, the seed, the answer.
    pub value: Option<String>,
    /// In bytes, of a file.
    pub size: Option<i64>,
    /// The [`Cell::position`] of the cell that ran then.
    pub cell: Option<i64>,
}
