//! Runs: recorded while code trains, kept in one SQLite file, read back, compared and shown.
//!
//! Recording is [`Run`]; reading is [`Store`]. Both are plain blocking calls that may be made from
//! any thread, inside an async runtime or not. SQL lives in `store` alone.

pub mod capture;
pub mod chart;
mod chunk;
pub mod compare;
mod config;
pub mod context;
pub mod data;
#[doc(hidden)]
pub mod draw;
pub mod environment;
mod error;
pub mod format;
pub mod html;
pub mod model;
pub mod query;
mod record;
pub mod report;
pub mod session;
pub mod significance;
mod status;
mod store;
pub mod table;
mod verdict;

pub use chart::{By, Chart, Curves, Parallel, Picture, Scatter, bands, curves, parallel, scatter};
pub use compare::Comparison;
pub use data::Fingerprint;
pub use error::Error;
pub use model::{Artifact, Metric, Param, Replay, RunRecord, Series, Status};
pub use query::Query;
pub use record::{Builder, Run, Scalar, Step, begin_session_end, end_session};
pub use session::{Cell, Outcome, Session, Spot, Use};
pub use store::{Merged, Removed, Rows, SqlCell, Store};
pub use table::{Points, Table};
pub use verdict::{ArtifactVerdict, Difference, SeriesVerdict, Verdict};

/// What every call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The database used when none is named: the `ASSAY_DB` variable, or `assay.db` in the working folder.
pub fn default_path() -> std::path::PathBuf {
    std::env::var_os("ASSAY_DB").filter(|value| !value.is_empty()).map_or_else(|| "assay.db".into(), Into::into)
}
