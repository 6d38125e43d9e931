//! What is the same here as it was when the run was recorded.

use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use tracker::context::Context;
use tracker::{RunRecord, Session, Store, environment, format};

use super::files::{self, ReadFile};
use crate::table;

/// What decides the values of a run, by its path in [`Store::environment`], and what to do where it differs.
const PARTS: [(&str, &str, &str); 10] = [
    ("environment", "environment", "another build of lab or other crates: use the assay that recorded it"),
    ("rustc", "rustc", "install that version with rustup"),
    ("lockfile", "crates", "use the assay that recorded it"),
    ("commit", "commit", "`git checkout` the run's commit, if cells read files of the repository"),
    ("diff", "uncommitted", "`assay show RUN --print diff` has what was changed"),
    ("cpu", "processor", "values should be equal on any x86-64"),
    ("cpu_flags", "instructions", "values should be equal on any x86-64 with FMA"),
    ("threads", "threads", "values should be equal with any number"),
    ("variables", "variables", "set them as they were"),
    ("gpus", "GPUs", "values on another GPU may differ in their last bits"),
];

/// What is known of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Same,
    Differs,
    Unknown,
}

/// One part, as it was and as it is.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) part: &'static str,
    pub(super) state: State,
    pub(super) was: Value,
    pub(super) is: Value,
    #[serde(skip)]
    remedy: &'static str,
}

/// All parts, and the files that the run read.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    parts: Vec<Row>,
    pub(super) files: Vec<ReadFile>,
    /// Whether the run recorded what it read.
    files_are_known: bool,
}

impl Check {
    /// Looks at this machine, and at the environment that cells would link.
    pub(super) fn of(store: &Store, run: &RunRecord, session: &Session, data: Option<&Path>) -> anyhow::Result<Self> {
        let recorded = store.environment(run)?;
        let mut context = Context::default();
        // Not built: what it would be is not known before it is.
        if let Ok(environment) = kernel::environment::Environment::find() {
            context.environment = Some(environment.hash().to_owned());
            context.toolchain = Some(environment.toolchain().to_owned());
            context.resolved = Some(environment.folder().to_owned());
        }
        let here = environment::here(&context);
        let row = |(path, part, remedy): &(&'static str, &'static str, &'static str)| {
            let (mut was, mut is) = (recorded[*path].clone(), here[*path].clone());
            if *path == "variables" {
                forget_places(&mut was);
                forget_places(&mut is);
            }
            let state = match (&was, &is) {
                // Nothing was changed, or none was set, as far as is known.
                (Value::Null, Value::Null) if matches!(*path, "diff" | "variables" | "gpus") && !recorded.is_null() => {
                    State::Same
                }
                (Value::Null, _) if !matches!(*path, "diff" | "variables") => State::Unknown,
                (_, Value::Null) if !matches!(*path, "diff" | "variables") => State::Unknown,
                (was, is) if was == is => State::Same,
                _ => State::Differs,
            };
            Row { part, state, was, is, remedy }
        };
        let files_are_known = session.assay.is_some();
        Ok(Self { parts: PARTS.iter().map(row).collect(), files: files::read(session, data), files_are_known })
    }

    /// As lines for people.
    pub(super) fn page(&self) -> String {
        let mut table = table::new(["", "", "it was", "it is"]);
        for row in &self.parts {
            let (state, differs) = match row.state {
                State::Same => ("same", false),
                State::Differs => ("differs", true),
                State::Unknown => ("unknown", true),
            };
            let shown = |value: &Value| if differs { short(value) } else { String::new() };
            table.add_row([row.part, state, &shown(&row.was), &shown(&row.is)].map(table::left));
        }
        let row = |state: &str, part: &str, was: &str| [part, state, was, ""].map(table::left);
        let count = |state: State| self.files.iter().filter(|file| file.state == state).count();
        let same = count(State::Same);
        match (self.files_are_known, self.files.len()) {
            (false, _) => drop(table.add_row(row("unknown", "data files", "not recorded"))),
            (true, 0) => drop(table.add_row(row("same", "data files", "none was read"))),
            (true, all) if same == all => {
                drop(table.add_row(row("same", &format!("{all} data file{}", if all == 1 { "" } else { "s" }), "")))
            }
            _ => {}
        }
        for file in self.files.iter().filter(|file| file.state != State::Same) {
            let what = if file.state == State::Differs { ("differs", "other content") } else { ("missing", "") };
            table.add_row(row(what.0, &file.path.to_string_lossy(), what.1));
        }
        let mut page = table::lines(&table);
        if count(State::Unknown) > 0 {
            page += "  missing files: `--data FOLDER` says where they are now\n";
        }
        for row in self.parts.iter().filter(|row| row.state == State::Differs) {
            page += &format!("  {}: {}\n", row.part, row.remedy);
        }
        page
    }
}

/// Variables that say where something is: what is read there is known by its content.
pub(super) const PLACES: [&str; 4] = ["ASSAY_DB", "ASSAY_DATA", "ASSAY_HOME", "ASSAY_LOG"];

fn forget_places(variables: &mut Value) {
    if let Some(set) = variables.as_object_mut() {
        PLACES.iter().for_each(|place| drop(set.remove(*place)));
        if set.is_empty() {
            *variables = Value::Null;
        }
    }
}

/// A value in a few characters.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = format::plain(&text);
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_string(),
    }
}
