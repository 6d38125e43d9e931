//! Everything that can go wrong, each with what to do about it.

use std::path::PathBuf;

/// An error of recording or reading; its text is one sentence for the person who made the call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "there is no run database at {}: record a run first, or name another file with --db or ASSAY_DB",
        path.display()
    )]
    Missing { path: PathBuf },

    #[error("the folder {} for the run database does not exist: create it, or choose another file", path.display())]
    NoFolder { path: PathBuf },

    #[error("the {what} {} may not be {act}: get the permission, or name another file with --db or ASSAY_DB", path.display())]
    NoPermission { act: &'static str, what: &'static str, path: PathBuf },

    #[error("{} is not an SQLite database: name the file that runs were recorded in", path.display())]
    NotADatabase { path: PathBuf },

    #[error(
        "{} is an SQLite database of another program: name the file that runs were recorded in",
        path.display()
    )]
    Foreign { path: PathBuf },

    #[error(
        "{} was written by a newer assay (schema {found}, this one knows {known}): update assay to read it",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },

    #[error("{} cannot be opened: {source}; check that you may read and write it and its folder", path.display())]
    Unopened { path: PathBuf, source: sqlx::Error },

    #[error(
        "{} cannot be brought to this version's schema: {source}; restore the file from a backup",
        path.display()
    )]
    Migration { path: PathBuf, source: sqlx::migrate::MigrateError },

    #[error("{} stayed locked by another program for {seconds} s: close it and try again", path.display())]
    Busy { path: PathBuf, seconds: u64 },

    #[error("could not {doing} in {}: {source}; check the disk and the file", path.display())]
    Sql { doing: &'static str, path: PathBuf, source: sqlx::Error },

    #[error("{what} of run {run} in {} is damaged: {source}; restore the file from a backup", path.display())]
    Damaged { what: &'static str, run: String, path: PathBuf, source: serde_json::Error },

    #[error("the points of run {run} in {} are damaged: restore the file from a backup", path.display())]
    DamagedPoints { run: String, path: PathBuf },

    #[error("run {run} goes on in process {pid} on {host}: end it first")]
    StillRunning { run: String, pid: i64, host: String },

    #[error("no run is called {wanted:?} in {}; {}", path.display(), candidates(known, "it holds", "it holds no run"))]
    UnknownRun { wanted: String, path: PathBuf, known: Vec<String> },

    #[error("{wanted:?} fits {} runs: {}; give more of the uid", fitting.len(), listed(fitting))]
    AmbiguousRun { wanted: String, fitting: Vec<String> },

    #[error("run {run} has no artifact {wanted:?}; {}", candidates(known, "it has", "it has none"))]
    UnknownArtifact { run: String, wanted: String, known: Vec<String> },

    #[error("run {run} has no metric {wanted:?}; {}", candidates(known, "it has", "it has none"))]
    UnknownMetric { run: String, wanted: String, known: Vec<String> },

    #[error("none of the runs has a metric {wanted:?}; {}", candidates(known, "they have", "they have none"))]
    NoMetric { wanted: String, known: Vec<String> },

    #[error("the runs have nothing called {wanted:?} to draw; {}", candidates(known, "try", "they have nothing"))]
    NoKey { wanted: String, known: Vec<String> },

    #[error("there is nothing to draw: {why}")]
    NothingToDraw { why: String },

    #[error("the weight of smoothing is from 0 to below 1, such as 0.9, not {weight}")]
    Smoothing { weight: f64 },

    #[error("{mistake}")]
    Query { mistake: crate::query::Mistake },

    #[error(
        "the SQL was refused: {why}; the views to read from are runs, params, tags, metrics, points, inputs and artifacts"
    )]
    Refused { why: String },

    #[error("{} exists already: name another file", path.display())]
    Exists { path: PathBuf },

    #[error("runs cannot be sorted by {key:?}; {}", candidates(known, "try", "there is nothing to sort by"))]
    UnknownSortKey { key: String, known: Vec<String> },

    #[error("a run needs a name: pass one that says what is tried, such as \"digits-mlp\"")]
    NoName,

    #[error("the configuration of run {run:?} cannot be written as JSON: {source}")]
    Config { run: String, source: serde_json::Error },

    #[error("the file {} cannot be attached to the run: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },

    #[error("{name:?} has {size} bytes, more than the {limit} that one artifact may have: store it in parts")]
    TooLarge { name: String, size: usize, limit: usize },

    #[error("{name:?} is not {what}: attach it with `bytes` and its media type")]
    NotMedia { name: String, what: &'static str },

    #[error("the thread that stores runs could not be started: {source}")]
    Thread { source: std::io::Error },

    #[error("the thread that stores run {run} has ended: what was logged since the last flush is lost")]
    WriterGone { run: String },

    #[error("{unstored} values of run {run} were not stored: {source}")]
    Unstored { run: String, unstored: usize, source: Box<Error> },
}

/// Names to choose from, at most ten of them.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(10).map(String::as_str);
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.len() > 10 {
        text.push_str(&format!(" and {} more", names.len() - 10));
    }
    text
}

fn candidates(names: &[String], lead: &str, none: &str) -> String {
    match names {
        [] => none.to_owned(),
        names => format!("{lead} {}", listed(names)),
    }
}

/// Whether SQLite said that another connection holds the lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    primary_code(error).is_some_and(|code| matches!(code, 5 | 6))
}

/// Whether SQLite said that the file is no database (or an encrypted one).
pub(crate) fn is_not_a_database(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(26)
}

/// Whether SQLite said that the statement is wrong: there is no such table.
pub(crate) fn is_refused(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(1)
}

/// Whether SQLite said that it may not write.
pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(8)
}

/// SQLite's result code without the extension in the upper bits.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
