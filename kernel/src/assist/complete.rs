//! Completion of the word at the cursor. It reads what the last cell left, so it is answered while one runs.

use std::collections::BTreeSet;

use super::members::{members, place};
use crate::cell::source::names;
use crate::command::NAMES;
use crate::language::Completions;
use crate::session::Known;

const KEYWORDS: [&str; 28] = [
    "as", "async", "await", "break", "const", "continue", "else", "enum", "false", "fn", "for", "if", "impl", "in",
    "let", "loop", "match", "mod", "move", "mut", "pub", "return", "static", "struct", "trait", "true", "type",
    "while",
];

/// Candidates for the word before `cursor`, a count of code points.
pub(crate) async fn complete(known: &Known, code: &str, cursor: usize) -> Completions {
    let end = code.char_indices().nth(cursor).map_or(code.len(), |(byte, _)| byte);
    let head = &code[..end];
    let start = head
        .rfind(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
    let word = &code[start..end];
    let line = head.rsplit('\n').next().unwrap_or_default().trim_start();
    let matches = if line.starts_with(':') && !line.contains(' ') {
        NAMES.iter().map(|name| (*name).to_owned()).filter(|name| name.starts_with(word)).collect()
    } else if let Some(place) = place(code, start) {
        members(known, &place, word).await
    } else {
        names_in_scope(known, code, word)
    };
    Completions {
        matches,
        cursor_start: code[..start].chars().count(),
        cursor_end: head.chars().count(),
        metadata: Default::default(),
    }
}

/// Variables, items, macros and imports of the notebook, names of this cell, keywords.
fn names_in_scope(known: &Known, code: &str, word: &str) -> Vec<String> {
    if word.is_empty() {
        return Vec::new();
    }
    let state = &known.state;
    let mut names = BTreeSet::new();
    // A cell that does not parse yet may still be cut into words.
    names::of_text(code, &mut names);
    // The word itself is no candidate, unless it names something.
    names.remove(word);
    names.extend(state.variables.keys().cloned());
    names.extend(state.items.keys().cloned());
    names.extend(state.macros.keys().cloned());
    names.extend(state.imports.iter().flat_map(|import| import.binds.iter().cloned()));
    names.extend(KEYWORDS.map(str::to_owned));
    names.into_iter().filter(|name| name.starts_with(word)).collect()
}
