//! What a text leaves open: brackets, strings, comments. For text that does not even fall into tokens.

/// What is open at the end of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    Closed,
    /// The innermost open bracket, by its byte.
    Bracket(usize),
    /// A string or a comment.
    Text,
    Mismatch,
}

/// What a text consists of, as far as brackets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Open(char),
    Close(char),
    /// A name, a keyword or a number.
    Word(&'a str),
    /// A string, a character or a lifetime.
    Quoted,
    Mark(char),
    /// A string or a comment that is not closed; nothing comes after it.
    Unclosed,
}

/// The pieces of a text with their bytes; comments are left out.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    code: &'a str,
    rest: &'a str,
}

pub(crate) fn pieces(code: &str) -> Pieces<'_> {
    Pieces { code, rest: code }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = (usize, Piece<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest;
            let c = rest.chars().next()?;
            let after = &rest[c.len_utf8()..];
            let (piece, rest) = match c {
                _ if c.is_whitespace() => (None, after),
                '/' if after.starts_with('/') => (None, after.split_once('\n').map_or("", |(_, rest)| rest)),
                '/' if after.starts_with('*') => match block_comment(rest) {
                    Some(rest) => (None, rest),
                    None => (Some(Piece::Unclosed), ""),
                },
                '"' => string(after).map_or((Some(Piece::Unclosed), ""), |rest| (Some(Piece::Quoted), rest)),
                'r' | 'b' | 'c' => match raw_string(rest) {
                    Raw::None => named(rest),
                    Raw::Open => (Some(Piece::Unclosed), ""),
                    Raw::Closed(rest) => (Some(Piece::Quoted), rest),
                },
                '\'' => (Some(Piece::Quoted), quote(after)),
                '(' | '[' | '{' => (Some(Piece::Open(c)), after),
                ')' | ']' | '}' => (Some(Piece::Close(c)), after),
                c if c.is_alphanumeric() || c == '_' => named(rest),
                c => (Some(Piece::Mark(c)), after),
            };
            let at = self.code.len() - self.rest.len();
            self.rest = rest;
            if let Some(piece) = piece {
                return Some((at, piece));
            }
        }
    }
}

/// Walks over strings, characters and comments, and counts brackets.
pub(crate) fn open(code: &str) -> Open {
    let mut brackets = Vec::new();
    for (at, piece) in pieces(code) {
        match piece {
            Piece::Open(c) => brackets.push((at, c)),
            Piece::Close(c) => match (brackets.pop(), c) {
                (Some((_, '(')), ')') | (Some((_, '[')), ']') | (Some((_, '{')), '}') => {}
                _ => return Open::Mismatch,
            },
            Piece::Unclosed => return Open::Text,
            Piece::Word(_) | Piece::Quoted | Piece::Mark(_) => {}
        }
    }
    brackets.pop().map_or(Open::Closed, |(at, _)| Open::Bracket(at))
}

fn named(text: &str) -> (Option<Piece<'_>>, &str) {
    let rest = word(text);
    (Some(Piece::Word(&text[..text.len() - rest.len()])), rest)
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
