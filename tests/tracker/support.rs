//! A database of its own for each test, the command, and a raw connection for what the library refuses to do.

use serde_json::Value;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use tracker::{Run, Store};

use crate::child::Recorder;

pub(crate) struct Place {
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// In memory, where the machine has that: no disk is waited for.
    pub(crate) fn in_memory() -> Self {
        Self { folder: tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.folder().join("assay.db")
    }

    pub(crate) fn start(&self, name: &str, config: &impl serde::Serialize) -> Run {
        Run::start_in(self.db(), name, config).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(self.db()).unwrap()
    }

    /// The command in this folder, which finds assay.db by itself.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(args).current_dir(self.folder()).env_remove("ASSAY_DB");
        command
    }

    pub(crate) fn assay(&self, args: &[&str]) -> Said {
        said(self.command(args).output().unwrap())
    }

    /// What a command that must succeed prints.
    pub(crate) fn out(&self, args: &[&str]) -> String {
        let said = self.assay(args);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
        said.out
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.out(args)).unwrap()
    }

    /// The one sentence of a command that must fail.
    pub(crate) fn error(&self, args: &[&str]) -> String {
        let said = self.assay(args);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        said.err.strip_prefix("error: ").unwrap().trim_end().to_owned()
    }
}

/// Sends a signal by name.
pub(crate) fn signal(recorder: &Recorder, name: &str) {
    let kill = Command::new("kill").args(["-s", name, &recorder.child.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The line of a text that holds a word.
pub(crate) fn line<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("no {word:?} in:\n{text}"))
}

/// Changes a file past the library.
pub(crate) fn change(path: &Path, sql: &'static str) {
    let mut raw = Raw::open(path);
    raw.run(sql);
    raw.close();
}

/// A connection past the library.
pub(crate) struct Raw {
    runtime: tokio::runtime::Runtime,
    conn: SqliteConnection,
}

impl Raw {
    pub(crate) fn open(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let conn = runtime.block_on(options.connect()).unwrap();
        Self { runtime, conn }
    }

    /// Closes it and waits for that: only then the file itself holds everything.
    pub(crate) fn close(self) {
        self.runtime.block_on(self.conn.close()).unwrap();
    }

    pub(crate) fn run(&mut self, sql: &'static str) {
        self.runtime.block_on(sqlx::raw_sql(sql).execute(&mut self.conn)).unwrap();
    }

    pub(crate) fn count(&mut self, sql: &'static str) -> i64 {
        self.runtime.block_on(sqlx::query_scalar(sql).fetch_one(&mut self.conn)).unwrap()
    }

    pub(crate) fn text(&mut self, sql: &'static str) -> String {
        self.runtime.block_on(sqlx::query_scalar(sql).fetch_one(&mut self.conn)).unwrap()
    }

    /// All rows of a query with one text parameter.
    pub(crate) fn all<T>(&mut self, sql: &'static str, text: &str) -> Vec<T>
    where
        T: for<'row> sqlx::FromRow<'row, sqlx::sqlite::SqliteRow> + Send + Unpin,
    {
        self.runtime.block_on(sqlx::query_as(sql).bind(text).fetch_all(&mut self.conn)).unwrap()
    }
}
