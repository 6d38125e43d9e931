//! The cells of a run and how they ended, and what its processes were seen to use.

use std::fmt::Write;
use tracker::session::{Spot, Use};
use tracker::{Cell, Outcome, RunRecord, Session, Status, format};

/// Uses that are listed; seeds may be many.
const LISTED: usize = 24;

/// What is said of a session that an earlier version recorded.
const EARLIER: &str = "recorded by an earlier assay: no outcomes of cells, no lines, no working folder";

/// The first line of each cell, or all of them; with its outcome, unless it ended well.
pub(super) fn cells(run: &RunRecord, sessions: &[Session], cells: &[Cell], in_full: bool) -> String {
    let mut text = String::new();
    for session in sessions {
        let own: Vec<&Cell> = cells.iter().filter(|cell| cell.session == session.position).collect();
        if sessions.len() > 1 {
            let folder = session.folder.as_ref().map(|folder| format!(", in {folder}")).unwrap_or_default();
            let line = format!("session {}: process {} on {}{folder}", session.position + 1, session.pid, session.host);
            let _ = writeln!(text, "  {}", format::plain(&line));
        }
        for cell in &own {
            source(&mut text, cell, in_full);
            let is_running = session.status.is_none() && run.status == Status::Running && is_last(session, sessions);
            if let Some(outcome) = outcome(cell, is_running).filter(|_| session.assay.is_some()) {
                let _ = writeln!(text, "      {}", format::plain(&outcome));
            }
        }
        if session.assay.is_none() && !own.is_empty() {
            let _ = writeln!(text, "  {EARLIER}");
        }
    }
    text
}

fn is_last(session: &Session, sessions: &[Session]) -> bool {
    sessions.last().is_some_and(|last| last.position == session.position)
}

fn source(text: &mut String, cell: &Cell, in_full: bool) {
    let label = format!("[{}]", cell.execution_count);
    let source = format::plain_lines(cell.source.trim());
    let mut lines = source.lines();
    let _ = writeln!(text, "{label:>5} {}", lines.next().unwrap_or_default());
    if in_full {
        lines.for_each(|line| text.push_str(&format!("      {line}\n")));
        return;
    }
    match lines.count() {
        0 => {}
        1 => text.push_str("      ... 1 more line\n"),
        more => text.push_str(&format!("      ... {more} more lines\n")),
    }
}

/// What there is to say of how a cell ended.
fn outcome(cell: &Cell, is_running: bool) -> Option<String> {
    let line = cell.line.filter(|line| *line > 0).map(|line| format!(" at line {line}")).unwrap_or_default();
    let said = match cell.outcome {
        Some(Outcome::Ok) => String::new(),
        Some(outcome) => {
            // Of an error the first line: what follows is for the page in full.
            let message = cell.message.as_deref().and_then(|message| message.lines().next());
            format!("{outcome}{line}{}", message.map(|message| format!(": {message}")).unwrap_or_default())
        }
        None if is_running => format!("running{line}"),
        None => format!("its process ended in it{line}"),
    };
    let earlier = if cell.is_earlier { "in an earlier process" } else { "" };
    let parts: Vec<&str> = [earlier, &said].into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Where a run began or ended, as the notebook numbers its cells.
pub(super) fn place(spot: Option<Spot>, session: &Session, cells: &[Cell]) -> Option<String> {
    let spot = spot?;
    let cell = cells.iter().find(|cell| cell.session == session.position && cell.position == spot.cell)?;
    let line = spot.line.filter(|line| *line > 0).map(|line| format!(", line {line}")).unwrap_or_default();
    Some(format!("cell [{}]{line}", cell.execution_count))
}

/// Files, seeds, what drew without a seed, and answers.
pub(super) fn uses(sessions: &[Session]) -> String {
    let uses: Vec<&Use> = sessions.iter().flat_map(|session| &session.uses).collect();
    let mut text = String::new();
    for used in uses.iter().take(LISTED) {
        let value = used.value.as_deref().unwrap_or_default();
        let line = match (used.kind.as_str(), used.size) {
            ("file", Some(size)) => format!("{} ({}, sha256 {})", used.name, format::size(size), super::short(value)),
            ("unseeded", _) => used.name.clone(),
            _ => format!("{}: {value}", used.name),
        };
        let _ = writeln!(text, "  {:<9} {}", used.kind, format::plain(&line));
    }
    match uses.len().saturating_sub(LISTED) {
        0 => {}
        more => text.push_str(&format!("  ... {more} more\n")),
    }
    text
}
