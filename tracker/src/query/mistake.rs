//! What is wrong with a query, and where.

use std::fmt;

/// A mistake in a query. Its text points at the place:
/// ```text
/// in the query at column 10: a value is expected, such as 0.9 or "finished"
///   status = and
///            ^^^
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The query.
    pub query: String,
    /// The column of the first character that is wrong, from 1.
    pub column: usize,
    /// How many characters are wrong.
    pub width: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Where a word of a query is, in characters from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Mistake {
    pub(crate) fn new(query: &str, span: Span, message: impl Into<String>) -> Self {
        let width = span.end.saturating_sub(span.start).max(1);
        Self { query: query.to_owned(), column: span.start + 1, width, message: message.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = crate::format::plain(&self.query);
        let (indent, carets) = (" ".repeat(self.column - 1), "^".repeat(self.width));
        write!(f, "in the query at column {}: {}\n  {line}\n  {indent}{carets}", self.column, self.message)
    }
}

impl std::error::Error for Mistake {}

/// `; did you mean accuracy?`, or what there is when nothing is near.
pub(crate) fn suggestion(wanted: &str, known: &[String]) -> String {
    let near = known.iter().map(|name| (distance(wanted, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + wanted.chars().count() / 4 => format!("; did you mean {name}?"),
        Some(_) => {
            let shown: Vec<_> = known.iter().take(8).map(String::as_str).collect();
            let more = if known.len() > shown.len() { ", ..." } else { "" };
            format!("; there is {}{more}", shown.join(", "))
        }
        None => String::new(),
    }
}

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein), without
/// regard to case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let letters: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=letters.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in letters.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[letters.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_others_listed() {
        let known = ["accuracy", "loss", "lr"].map(str::to_owned);
        assert_eq!(suggestion("acuracy", &known), "; did you mean accuracy?");
        assert_eq!(suggestion("LOSS", &known), "; did you mean loss?");
        assert_eq!(suggestion("temperature", &known), "; there is accuracy, loss, lr");
        assert_eq!(suggestion("x", &[]), "");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
