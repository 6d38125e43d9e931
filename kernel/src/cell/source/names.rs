//! The identifiers of a piece of source.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::depth;

/// Adds every identifier in `tokens`, and those that format strings name (`"{loss:.3}"`). It may add too
/// many, never too few: a variable whose name is not here is not loaded. Names are [`plain`].
pub(crate) fn collect(tokens: TokenStream, into: &mut BTreeSet<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(name) => {
                into.insert(plain(&name.to_string()).to_owned());
            }
            TokenTree::Group(group) => collect(group.stream(), into),
            TokenTree::Literal(literal) => in_format_string(&literal.to_string(), into),
            TokenTree::Punct(mark) => {
                if mark.as_char() == '#'
                    && let Some(TokenTree::Group(group)) = tokens.peek()
                    && group.delimiter() == Delimiter::Bracket
                {
                    in_attribute(group.stream(), into);
                }
            }
        }
    }
}

/// Adds the identifiers of a text, which need not parse.
pub(crate) fn of_text(text: &str, into: &mut BTreeSet<String>) {
    let found = depth::parse(text, |text| {
        let mut found = BTreeSet::new();
        if let Ok(tokens) = text.parse() {
            collect(tokens, &mut found);
        }
        found
    });
    into.extend(found.unwrap_or_default());
}

/// `r#type` and `type` are written differently and are one name in a format string; `r#x` and `x` are one
/// name everywhere.
pub(crate) fn plain(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The name as it has to be written: `r#` only before what would be a keyword.
pub(crate) fn written(name: &syn::Ident) -> String {
    let name = name.to_string();
    match syn::parse_str::<syn::Ident>(plain(&name)) {
        Ok(_) => plain(&name).to_owned(),
        Err(_) => name,
    }
}

/// Whether `name`, as it is written, is among collected names.
pub(crate) fn mentions(names: &BTreeSet<String>, name: &str) -> bool {
    names.contains(plain(name))
}

pub(crate) fn in_format_string(literal: &str, into: &mut BTreeSet<String>) {
    if !literal.contains('"') {
        return;
    }
    for piece in literal.split(['{', ':', '$', '.', '}']).skip(1) {
        let piece = piece.trim_end_matches('?');
        if is_word(piece) {
            into.insert(piece.to_owned());
        }
    }
}

/// The paths that attributes name in strings: `#[serde(default = "learning_rate")]`.
pub(crate) fn in_attribute(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                into.extend(text.trim_matches('"').split("::").filter(|word| is_word(word)).map(str::to_owned));
            }
            TokenTree::Group(group) => in_attribute(group.stream(), into),
            _ => {}
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
