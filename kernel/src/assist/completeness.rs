//! Whether a cell could be run as it stands.

use syn::Block;
use syn::parse::Parser;

use crate::language::Completeness;

/// Judges a cell: brackets, strings and comments that are open may be closed by what follows, and so may a
/// statement that ends too early.
pub(crate) fn completeness(code: &str) -> Completeness {
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with(':')).collect::<Vec<_>>().join("\n");
    let indent = match open(&code) {
        Open::Closed => match Block::parse_within.parse_str(&code) {
            Ok(_) => return Completeness::Complete,
            Err(error) if error.to_string().contains("unexpected end of input") => "",
            // The next line may end the statement.
            Err(_) if Block::parse_within.parse_str(&format!("{code};")).is_ok() => "",
            Err(_) => return Completeness::Invalid,
        },
        Open::Bracket => "    ",
        Open::Text => "",
        Open::Mismatch => return Completeness::Invalid,
    };
    Completeness::Incomplete { indent: indent.to_owned() }
}

enum Open {
    Closed,
    Bracket,
    /// A string or a comment.
    Text,
    Mismatch,
}

/// Walks over strings, characters and comments, and counts brackets.
fn open(code: &str) -> Open {
    let mut brackets = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '/' if after.starts_with('/') => after.split_once('\n').map_or("", |(_, rest)| rest),
            '/' if after.starts_with('*') => match block_comment(rest) {
                Some(rest) => rest,
                None => return Open::Text,
            },
            '"' => match string(after) {
                Some(rest) => rest,
                None => return Open::Text,
            },
            'r' | 'b' | 'c' => match raw_string(rest) {
                Raw::None => word(rest),
                Raw::Open => return Open::Text,
                Raw::Closed(rest) => rest,
            },
            '\'' => quote(after),
            '(' | '[' | '{' => {
                brackets.push(c);
                after
            }
            ')' | ']' | '}' => match (brackets.pop(), c) {
                (Some('('), ')') | (Some('['), ']') | (Some('{'), '}') => after,
                _ => return Open::Mismatch,
            },
            c if c.is_alphanumeric() || c == '_' => word(rest),
            _ => after,
        };
    }
    if brackets.is_empty() { Open::Closed } else { Open::Bracket }
}

fn word(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
}

/// After the opening quote; `None` where it is not closed.
fn string(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

enum Raw<'a> {
    None,
    Open,
    Closed(&'a str),
}

/// `r"..."`, `r#"..."#`, `br"..."` and the like.
fn raw_string(text: &str) -> Raw<'_> {
    let Some(rest) = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix)) else { return Raw::None };
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let Some(body) = rest[hashes..].strip_prefix('"') else { return Raw::None };
    let end = format!("\"{}", "#".repeat(hashes));
    body.split_once(&end).map_or(Raw::Open, |(_, rest)| Raw::Closed(rest))
}

/// A character or a lifetime; after the quote.
fn quote(text: &str) -> &str {
    if let Some(escaped) = text.strip_prefix('\\') {
        let skipped = escaped.chars().next().map_or(0, char::len_utf8);
        return escaped[skipped..].split_once('\'').map_or("", |(_, rest)| rest);
    }
    let mut chars = text.char_indices();
    match (chars.next(), chars.next()) {
        (Some(_), Some((at, '\''))) => &text[at + 1..],
        _ => text,
    }
}

fn block_comment(text: &str) -> Option<&str> {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(&text[at..]);
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::completeness;
    use crate::language::Completeness;

    #[test]
    fn cells_are_judged_by_whether_more_could_help() {
        for (code, expected) in [
            ("let x = 1;", "complete"),
            ("x + 1", "complete"),
            ("", "complete"),
            (":help", "complete"),
            ("fn f() -> i32 { 1 }", "complete"),
            ("let c = '{'; let s = \"}\"; // (", "complete"),
            ("fn f<'a>(x: &'a str) -> &'a str { x }", "complete"),
            ("r#\"a \" b\"#", "complete"),
            ("fn f() {", "incomplete"),
            ("let x = (1,", "incomplete"),
            ("println!(\"a", "incomplete"),
            ("/* open", "incomplete"),
            ("let x =", "incomplete"),
            ("let x = 1", "incomplete"),
            ("let x = 1\nlet y = 2", "invalid"),
            ("r#\"open", "incomplete"),
            ("let let", "invalid"),
            ("let x = ];", "invalid"),
            ("fn (", "incomplete"),
            ("1 +* 2", "complete"),
            ("x y", "invalid"),
        ] {
            let judged = match completeness(code) {
                Completeness::Complete => "complete",
                Completeness::Incomplete { .. } => "incomplete",
                Completeness::Invalid => "invalid",
            };
            assert_eq!(judged, expected, "{code}");
        }
    }
}
