//! What can follow `value.` or `Type::`. The compiler is asked: candidates are tried in a crate that is only
//! type-checked, so what is offered is right, traits in scope and dereferencing included.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cell::compiler::diagnostics::Diagnostic;
use crate::cell::generated::krate::{Generated, How, line_number};
use crate::cell::generated::text::{Surroundings, generate};
use crate::cell::notebook::held::Origin;
use crate::cell::notebook::plan::Plan;
use crate::cell::source::names;
use crate::cell::source::split::split;
use crate::session::Known;

/// Members of the standard library's common types: the names that its documentation lists.
const STD: &str = include_str!("std_members.txt");

/// How many ends of statements are tried; someone waits for the answer.
const ATTEMPTS: usize = 200;

/// Where a member is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The cell before the expression.
    pub(super) before: &'a str,
    pub(super) receiver: &'a str,
    /// `.` or `::`.
    pub(super) separator: &'a str,
}

/// Reads backwards from the word that starts at byte `start`; `None` where no member can stand.
pub(super) fn place(code: &str, start: usize) -> Option<Place<'_>> {
    let head = &code[..start];
    let (end, separator) = match head.strip_suffix('.') {
        Some(rest) => (rest.len(), "."),
        None => (head.strip_suffix("::")?.len(), "::"),
    };
    let from = expression_start(code[..end].trim_end());
    let receiver = code[from..end].trim();
    let number = receiver.chars().next().is_none_or(|first| first.is_ascii_digit());
    (!number).then(|| Place { before: &code[..from], receiver, separator })
}

/// Where the expression begins that ends at the end of `text`: names, calls, indexing and paths.
fn expression_start(text: &str) -> usize {
    let mut at = text.len();
    loop {
        let rest = &text[..at];
        let Some(last) = rest.chars().next_back() else { return at };
        let begin = match last {
            ')' | ']' | '}' => match opening(rest) {
                Some(open) => open,
                None => return at,
            },
            c if c.is_alphanumeric() || c == '_' => rest
                .rfind(|c: char| !c.is_alphanumeric() && c != '_')
                .map_or(0, |before| before + rest[before..].chars().next().map_or(1, char::len_utf8)),
            '"' => match rest[..at - 1].rfind('"') {
                Some(open) => open,
                None => return at,
            },
            '?' | '!' => at - 1,
            _ => return at,
        };
        // A call's name, and what a dot or a path joins.
        let joined = text[..begin].trim_end();
        at = match joined.strip_suffix("::").or_else(|| joined.strip_suffix('.')) {
            Some(rest) => rest.trim_end().len(),
            None if matches!(last, ')' | ']' | '?' | '!')
                && text[..begin]
                    .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '?' | '!')) =>
            {
                begin
            }
            None => return begin,
        };
    }
}

/// The bracket that closes at the end of `text`.
fn opening(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices().rev() {
        match c {
            ')' | ']' | '}' => depth += 1,
            '(' | '[' | '{' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The members of `place` that start with `prefix`.
pub(super) async fn members(known: &Known, place: &Place<'_>, prefix: &str) -> Vec<String> {
    let Some(compiler) = &known.compiler else { return Vec::new() };
    // Items may mention words that cannot be members.
    let can_be = |name: &String| name.starts_with(prefix) && syn::parse_str::<syn::Ident>(name).is_ok();
    let candidates: Vec<String> = candidates(known).into_iter().filter(can_be).collect();
    // What the cell has bound above the cursor counts, as far as it parses.
    let above = whole_statements(place.before);
    for above in [above, ""] {
        let Some((cell, first)) = probe(known, above, place, &candidates) else { continue };
        let Ok(found) = compiler.check(&cell).await else { return Vec::new() };
        let mut refused = BTreeSet::new();
        let mut spoiled = false;
        for error in found.iter().filter(|error| error.is_error()) {
            let Some(line) = error.primary_line(&cell) else { continue };
            spoiled |= line < first;
            // E0615: there is a method of this name.
            if error.code() != Some("E0615") {
                refused.insert(line);
            }
        }
        if !spoiled {
            let all = candidates.iter().enumerate();
            return all.filter(|(at, _)| !refused.contains(&(first + at))).map(|(_, name)| name.clone()).collect();
        }
    }
    Vec::new()
}

fn candidates(known: &Known) -> BTreeSet<String> {
    let environment = known.compiler.as_ref().map(|compiler| compiler.environment.members());
    let own = environment.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let state = &known.state;
    let items = state.items.values().chain(&state.impls).flat_map(|held| held.part.names.iter().cloned());
    STD.lines().chain(own.lines()).map(str::to_owned).chain(items).collect()
}

/// The statements of `before` that are complete.
fn whole_statements(before: &str) -> &str {
    let mut end = before.len();
    for _ in 0..ATTEMPTS {
        if split(&before[..end]).is_some() && before[..end].trim_end().ends_with([';', '}']) {
            return &before[..end];
        }
        end = before[..end].rfind([';', '}']).map_or(0, |at| if at + 1 < end { at + 1 } else { at });
        if end == 0 {
            break;
        }
    }
    ""
}

/// A crate in which each candidate stands on a line of its own; and the first of those lines.
fn probe(known: &Known, above: &str, place: &Place<'_>, candidates: &[String]) -> Option<(Generated, usize)> {
    let mut text = format!("{above}\n");
    let receiver = if place.separator == "." {
        text.push_str(&format!("let assay_value = {};\n", place.receiver.replace('\n', " ")));
        "assay_value"
    } else {
        place.receiver
    };
    let first = line_number(&text, text.len());
    for name in candidates {
        text.push_str(&format!("{receiver}{}{name};\n", place.separator));
    }
    let mut split = split(&text)?;
    names::of_text(place.receiver, &mut split.names);
    let state = &known.state;
    let borrowed = split.names.iter().filter(|name| state.variables.contains_key(*name)).cloned().collect();
    let compiler = known.compiler.as_ref()?;
    let extensions = compiler.extensions.iter().map(|it| it.library().0).collect();
    let surroundings =
        Surroundings { state, extensions, libraries: compiler.libraries(), is_light: false, is_forced: false };
    let origin = Origin { cell: 0, text: Arc::from(text.as_str()) };
    let plan = Plan { borrowed, ..Plan::default() };
    let follow = state.follow(&split, &origin);
    let cell = generate(&surroundings, &split, &follow, &origin, &plan, How::Name);
    Some((cell, first))
}

impl Diagnostic {
    /// The line of the probed text that the message is about.
    fn primary_line(&self, cell: &Generated) -> Option<usize> {
        let (origin, byte) = self.primary(cell)?;
        Some(line_number(&origin.text, byte))
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn the_receiver_is_found_backwards() {
        for (code, receiver, separator) in [
            ("let x = df.", "df", "."),
            ("df.clone().lazy().", "df.clone().lazy()", "."),
            ("f(a, b)[0].", "f(a, b)[0]", "."),
            ("a + v.iter().", "v.iter()", "."),
            ("x?.", "x?", "."),
            ("vec![1, 2].", "vec![1, 2]", "."),
            ("df\n    .clone()\n    .", "df\n    .clone()", "."),
            ("let m = HashMap::", "HashMap", "::"),
            ("std::collections::HashMap::", "std::collections::HashMap", "::"),
            ("\"text\".", "\"text\"", "."),
        ] {
            let found = place(code, code.len()).unwrap_or_else(|| panic!("{code}"));
            assert_eq!((found.receiver, found.separator), (receiver, separator), "{code}");
        }
        for code in ["let x = ", "1.", ".", "x "] {
            assert_eq!(place(code, code.len()), None, "{code}");
        }
    }
}
