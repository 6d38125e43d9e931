//! Completion of the word at the cursor.

use crate::language::Completions;
use crate::session::Known;

/// Candidates for the word before `cursor`, a count of code points.
pub(crate) async fn complete(known: &Known, code: &str, cursor: usize) -> Completions {
    let before: Vec<char> = code.chars().take(cursor).collect();
    let start = before.iter().rposition(|c| !(c.is_alphanumeric() || *c == '_')).map_or(0, |at| at + 1);
    let word: String = before[start..].iter().collect();
    let state = &known.state;
    let names = state.variables.keys().chain(state.items.keys()).chain(state.macros.keys());
    let matches = names.filter(|name| name.starts_with(&word)).cloned().collect();
    Completions { matches, cursor_start: start, cursor_end: before.len(), metadata: Default::default() }
}
