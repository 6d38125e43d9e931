//! Runs cells of a run once more, in a fresh kernel, a folder and a database of their own.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use kernel::client::Launch;
use kernel::notebook::{self, Document, Options, Prepared};
use serde_json::json;
use tempfile::TempDir;
use tracker::compare::ParamRow;
use tracker::{Query, RunRecord, Store, Verdict};

use super::check::PLACES;
use super::files::{self, ReadFile};
use super::history::History;
use crate::run::display::Display;
use crate::run::signals::Signals;

/// A run that was run again.
pub(super) struct Again {
    _folder: TempDir,
    store: Store,
    run: RunRecord,
}

impl Again {
    /// Runs the cells to their end; in words why there is no run to compare with, where there is none.
    pub(super) fn run(
        run: &RunRecord,
        history: &History,
        cells: &BTreeSet<usize>,
        files: &[ReadFile],
        data: Option<&Path>,
    ) -> anyhow::Result<Result<Self, String>> {
        crate::env::build()?;
        let folder =
            tempfile::Builder::new().prefix("assay-replay-").tempdir().context("no folder can be made to replay in")?;
        let database = folder.path().join("replay.db");
        let notebook = folder.path().join("replay.ipynb");
        let document = Document::from_value(notebook_of(history, cells)).map_err(anyhow::Error::msg)?;
        let mut kernel = Launch::assay()?;
        kernel.envs.push(("ASSAY_DB".into(), database.clone().into()));
        if let Some(name) = &run.notebook {
            kernel.envs.push(("JPY_SESSION_NAME".into(), name.into()));
        }
        let work = folder.path().join("work");
        std::fs::create_dir(&work)?;
        files::lay_out(files, &work).context("the files that the run read can't be linked")?;
        if let Some(data) = data {
            kernel.envs.push(("ASSAY_DATA".into(), std::path::absolute(data)?.into()));
        }
        kernel.directory = Some(work);
        let signals = Signals::default();
        let options = Options {
            output: notebook.clone(),
            kernel,
            interrupt: signals.interrupt.clone(),
            answers: history.answers(cells),
            end: signals.end.clone(),
        };
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let mut display = Display::new();
        let report = runtime.block_on(async {
            let passed_on = tokio::spawn(signals.clone().pass_on());
            let report = notebook::run(Prepared::new(notebook, document), options, &mut |it| display.show(it)).await;
            passed_on.abort();
            report
        });
        display.end();
        let report = report?;
        if report.ended {
            std::process::exit(signals.code());
        }
        let failed = report.failure.map(|failure| {
            crate::run::display::print_failure(&failure)
                .map(|()| format!("cell {} failed: {}", failure.number, failure.evalue))
        });
        let failed = failed.transpose()?;
        let found = if database.exists() { find(run, history, cells, &database)? } else { None };
        Ok(match (found, failed) {
            (Some((store, run)), _) => Ok(Self { _folder: folder, store, run }),
            (None, Some(failed)) => Err(failed),
            (None, None) => Err("its cells ran and recorded no run of its name".to_owned()),
        })
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn record(&self) -> &RunRecord {
        &self.run
    }

    /// In what the two runs were recorded that differs.
    pub(super) fn differences(&self, store: &Store, run: &RunRecord) -> anyhow::Result<Vec<ParamRow>> {
        let both = [store.environment(run)?, self.store.environment(&self.run)?];
        let mut rows = tracker::environment::compared(&both);
        let is_place = |path: &str| path.strip_prefix("variables.").is_some_and(|name| PLACES.contains(&name));
        rows.retain(|row| row.differs && !is_place(&row.path));
        Ok(rows)
    }

    /// Stores it with the first run, as a replay of it; its uid.
    pub(super) fn keep(self, store: &Store, run: &RunRecord, verdict: &Verdict) -> anyhow::Result<String> {
        for other in self.store.runs(&Query::default())? {
            if other.uid != self.run.uid {
                self.store.delete(&other)?;
            }
        }
        self.store.gc()?;
        store.merge(self.store.path())?;
        let kept = store.run(&self.run.uid)?;
        store.note_replay(&kept, run, verdict)?;
        Ok(kept.uid)
    }
}

/// The cells as a notebook; those that failed may fail again.
fn notebook_of(history: &History, cells: &BTreeSet<usize>) -> serde_json::Value {
    let cell = |at: &usize| {
        let tags: &[&str] = if history.may_fail(*at) { &["raises-exception"] } else { &[] };
        let cell = history.cell(*at);
        json!({
            "cell_type": "code", "id": format!("cell-{at}"), "execution_count": null, "outputs": [],
            "metadata": {"tags": tags}, "source": cell.source,
        })
    };
    json!({
        "nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "assay", "display_name": "Rust (assay)", "language": "rust"}},
        "cells": cells.iter().map(cell).collect::<Vec<_>>(),
    })
}

/// The run of the new database that began in the same cell after as many others; where cells are not known, the last of
/// its name and configuration.
fn find(
    run: &RunRecord,
    history: &History,
    cells: &BTreeSet<usize>,
    database: &Path,
) -> anyhow::Result<Option<(Store, RunRecord)>> {
    let again = Store::open(database)?;
    let mut found = again.runs(&Query::default())?;
    found.sort_by_key(|other| other.id);
    if history.session().began.is_none() {
        found.retain(|other| other.name == run.name && other.config == run.config);
        return Ok(found.pop().map(|run| (again, run)));
    }
    let cell = cells.range(..history.begins()).count();
    let mut alike = Vec::new();
    for other in found {
        let began = again.sessions(&other)?.first().and_then(|session| session.began);
        if began.is_some_and(|spot| usize::try_from(spot.cell) == Ok(cell)) {
            alike.push(other);
        }
    }
    let at = history.before();
    Ok((at < alike.len()).then(|| alike.swap_remove(at)).map(|run| (again, run)))
}
