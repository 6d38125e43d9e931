//! Whether a cell could be run as it stands.

use syn::Block;
use syn::parse::Parser;

use crate::cell::source::brackets::{Open, open};
use crate::cell::source::depth;
use crate::language::Completeness;

/// Judges a cell: brackets, strings and comments that are open may be closed by what follows, and so may a
/// statement that ends too early.
pub(crate) fn completeness(code: &str) -> Completeness {
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with(':')).collect::<Vec<_>>().join("\n");
    let indent = match open(&code) {
        // Of what is too deep, running it says what is wrong.
        Open::Closed => return depth::parse(&code, closed).unwrap_or(Completeness::Invalid),
        Open::Bracket(_) => "    ",
        Open::Text => "",
        Open::Mismatch => return Completeness::Invalid,
    };
    Completeness::Incomplete { indent: indent.to_owned() }
}

/// Judges a cell in which nothing is open.
fn closed(code: &str) -> Completeness {
    match Block::parse_within.parse_str(code) {
        Ok(_) => Completeness::Complete,
        Err(error) if error.to_string().contains("unexpected end of input") => {
            Completeness::Incomplete { indent: String::new() }
        }
        // The next line may end the statement.
        Err(_) if Block::parse_within.parse_str(&format!("{code};")).is_ok() => {
            Completeness::Incomplete { indent: String::new() }
        }
        Err(_) => Completeness::Invalid,
    }
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
