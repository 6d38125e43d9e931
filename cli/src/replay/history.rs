//! The cells that a run has recorded, and which of them are to be run again.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use tracker::{Cell, Outcome, RunRecord, Session, Status, Store};

/// What a run has recorded of its session.
pub(super) struct History {
    cells: Vec<Cell>,
    session: Session,
    /// The cells in which the run went on, as places in `cells`.
    of_run: RangeInclusive<usize>,
    /// How many runs had begun before it in the same cell.
    before: usize,
    lacks: Vec<String>,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoHistory {
    #[error("it has no cells: it was recorded by a program and not by a notebook")]
    NoCells,
    #[error("it is still running: end it first")]
    Running,
    #[error("it was resumed in another process ({sessions} sessions): replay a run that was recorded in one")]
    Resumed { sessions: usize },
    #[error(transparent)]
    Store(#[from] tracker::Error),
}

impl History {
    pub(super) fn of(store: &Store, run: &RunRecord) -> Result<Self, NoHistory> {
        if run.status == Status::Running {
            return Err(NoHistory::Running);
        }
        let (mut sessions, cells) = (store.sessions(run)?, store.cells(run)?);
        let session = match (sessions.pop(), sessions.len()) {
            (Some(session), 0) if !cells.is_empty() => session,
            (Some(_), earlier) if earlier > 0 => return Err(NoHistory::Resumed { sessions: earlier + 1 }),
            _ => return Err(NoHistory::NoCells),
        };
        let last = cells.len() - 1;
        let place = |position: i64| cells.iter().position(|cell| cell.position == position);
        let begins = session.began.and_then(|spot| place(spot.cell));
        let ends = session.ended.and_then(|spot| place(spot.cell)).unwrap_or(last);
        let mut lacks = Vec::new();
        if session.assay.is_none() {
            lacks.push(
                "recorded by an earlier assay: in which cell it began, how cells ended and what they read is not known"
                    .to_owned(),
            );
        }
        let begins = begins.unwrap_or_else(|| cells.iter().rposition(|cell| starts_a_run(&cell.source)).unwrap_or(0));
        let before = began_before(store, run, &session)?;
        Ok(Self { of_run: begins..=ends.max(begins), session, cells, before, lacks })
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn cell(&self, cell: usize) -> &Cell {
        &self.cells[cell]
    }

    /// The cell in which the run began.
    pub(super) fn begins(&self) -> usize {
        *self.of_run.start()
    }

    /// How many runs began before it in the same cell.
    pub(super) fn before(&self) -> usize {
        self.before
    }

    /// The process and what it was seen to use.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// What the person answered to questions of these cells, in order.
    pub(super) fn answers(&self, cells: &BTreeSet<usize>) -> Vec<String> {
        let asked_here = |cell: i64| cells.iter().any(|at| self.cells[*at].position == cell);
        let answers = self.session.uses.iter().filter(|it| it.kind == "answer" && it.cell.is_some_and(asked_here));
        answers.filter_map(|it| it.value.clone()).collect()
    }

    /// What the record does not say, a sentence for each.
    pub(super) fn lacks(&self) -> &[String] {
        &self.lacks
    }

    /// Whether a cell may fail: it did, or that is not known.
    pub(super) fn may_fail(&self, cell: usize) -> bool {
        self.session.assay.is_none() || self.cells[cell].outcome != Some(Outcome::Ok)
    }

    /// The cells to run, in order: those that the run depends on, or all until its end.
    pub(super) fn cells(&self, whole: bool) -> BTreeSet<usize> {
        if whole {
            return (0..=*self.of_run.end()).collect();
        }
        let sources: Vec<&str> = self.cells.iter().map(|cell| cell.source.as_str()).collect();
        kernel::slice(&sources, self.of_run.clone())
    }
}

/// How many runs of the same process had begun before this one in its cell.
fn began_before(store: &Store, run: &RunRecord, session: &Session) -> Result<usize, tracker::Error> {
    let Some(cell) = session.began.map(|spot| spot.cell) else { return Ok(0) };
    let mut before = 0;
    for other in store.runs(&tracker::Query::default())? {
        if other.id < run.id && (other.pid, &other.host) == (run.pid, &run.host) {
            let same = |it: &Session| it.uid == session.uid && it.began.is_some_and(|spot| spot.cell == cell);
            before += usize::from(store.sessions(&other)?.iter().any(same));
        }
    }
    Ok(before)
}

/// Whether it looks as if a run began in a cell.
fn starts_a_run(source: &str) -> bool {
    ["Run::start", "Run::builder", "Builder::"].iter().any(|word| source.contains(word))
}
