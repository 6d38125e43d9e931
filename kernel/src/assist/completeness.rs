//! Whether a cell could be run as it stands.

use syn::Block;
use syn::parse::Parser;

use crate::language::Completeness;

/// Judges by parsing: what ends too early may go on.
pub(crate) fn completeness(code: &str) -> Completeness {
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with(':')).collect::<Vec<_>>().join("\n");
    match Block::parse_within.parse_str(&code) {
        Ok(_) => Completeness::Complete,
        Err(error) => {
            let at_end = error.span().byte_range().end >= code.trim_end().len();
            let early = error.to_string().contains("unexpected end of input") || at_end;
            if early { Completeness::Incomplete { indent: "    ".to_owned() } } else { Completeness::Invalid }
        }
    }
}
