//! The inputs of this session, in memory.

/// What was executed, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: Vec<Entry>,
}

/// One executed cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) line: u32,
    pub(crate) input: String,
    pub(crate) output: Option<String>,
}

impl History {
    pub(crate) fn push(&mut self, line: u32, input: &str) {
        self.entries.push(Entry { line, input: input.to_owned(), output: None });
    }

    /// Notes the text of a cell's result.
    pub(crate) fn set_output(&mut self, line: u32, text: &str) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.line == line) {
            entry.output = Some(text.to_owned());
        }
    }

    /// The last `n` entries, or all.
    pub(crate) fn tail(&self, n: Option<usize>) -> Vec<Entry> {
        last(self.entries.clone(), n)
    }

    /// Entries whose line is in `start..stop`.
    pub(crate) fn range(&self, start: u32, stop: Option<u32>) -> Vec<Entry> {
        let wanted = |entry: &&Entry| entry.line >= start && stop.is_none_or(|stop| entry.line < stop);
        self.entries.iter().filter(wanted).cloned().collect()
    }

    /// The last `n` entries whose whole input matches a glob; with `unique`, the latest of each input.
    pub(crate) fn search(&self, pattern: &str, unique: bool, n: Option<usize>) -> Vec<Entry> {
        let pattern: Vec<char> = pattern.chars().collect();
        let mut found: Vec<Entry> = Vec::new();
        for entry in &self.entries {
            let input: Vec<char> = entry.input.chars().collect();
            if matches(&pattern, &input) {
                if unique {
                    found.retain(|earlier| earlier.input != entry.input);
                }
                found.push(entry.clone());
            }
        }
        last(found, n)
    }
}

fn last(mut entries: Vec<Entry>, n: Option<usize>) -> Vec<Entry> {
    let skipped = entries.len().saturating_sub(n.unwrap_or(usize::MAX));
    entries.drain(..skipped);
    entries
}

/// Whether `text` matches a glob of `*`, `?` and `[a-z]` or `[^a-z]`. Only the last `*` is ever tried
/// again, so a hostile pattern costs pattern times text and no more.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match one(&pattern[p..], text[t]) {
            Some(used) => {
                p += used;
                t += 1;
            }
            None if pattern.get(p) == Some(&'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            None => {
                let Some((after, from)) = star else {
                    return false;
                };
                star = Some((after, from + 1));
                (p, t) = (after, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|symbol| *symbol == '*')
}

/// How much of the pattern one character uses up, if it fits.
fn one(pattern: &[char], character: char) -> Option<usize> {
    match *pattern.first()? {
        '*' => None,
        '?' => Some(1),
        '[' => match set(pattern, character) {
            Some((true, used)) => Some(used),
            Some((false, _)) => None,
            // A bracket that is never closed stands for itself.
            None => (character == '[').then_some(1),
        },
        literal => (literal == character).then_some(1),
    }
}

fn set(pattern: &[char], character: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some('^' | '!'));
    let first = if negated { 2 } else { 1 };
    // A closing bracket right at the start belongs to the set.
    let end = (first + 1..pattern.len()).find(|at| pattern[*at] == ']')?;
    let mut inside = false;
    let mut at = first;
    while at < end {
        if at + 2 < end && pattern[at + 1] == '-' {
            inside |= (pattern[at]..=pattern[at + 2]).contains(&character);
            at += 3;
        } else {
            inside |= pattern[at] == character;
            at += 1;
        }
    }
    Some((inside != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str, text: &str) -> bool {
        matches(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
    }

    fn sample() -> History {
        let mut history = History::default();
        for (line, input) in [(1, "1 + 2"), (2, "let x = 1;"), (3, "1 + 2"), (4, "1 + 3")] {
            history.push(line, input);
        }
        history.set_output(3, "3");
        history
    }

    fn lines(entries: &[Entry]) -> Vec<u32> {
        entries.iter().map(|entry| entry.line).collect()
    }

    #[test]
    fn globs_match_the_whole_input() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("1*", "1 + 2", true),
            ("1", "1 + 2", false),
            ("1 ? [0-9]", "1 + 2", true),
            ("1 ? [^0-9]", "1 + 2", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("[]]", "]", true),
            ("[x", "[x", true),
            ("é?", "éa", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn a_hostile_pattern_does_not_hang() {
        assert!(!glob(&"*a".repeat(500), &"a".repeat(499)));
        assert!(!glob(&format!("{}b", "*a".repeat(200)), &"a".repeat(20_000)));
    }

    #[test]
    fn tail_range_and_search() {
        let history = sample();
        assert_eq!(lines(&history.tail(Some(2))), [3, 4]);
        assert_eq!(lines(&history.tail(None)), [1, 2, 3, 4]);
        assert_eq!(lines(&history.tail(Some(9))), [1, 2, 3, 4]);
        assert_eq!(lines(&history.range(2, Some(4))), [2, 3]);
        assert_eq!(lines(&history.range(0, None)), [1, 2, 3, 4]);
        assert_eq!(lines(&history.search("1 +*", false, None)), [1, 3, 4]);
        assert_eq!(lines(&history.search("1 + 2", true, None)), [3]);
        assert_eq!(lines(&history.search("1 +*", false, Some(1))), [4]);
        assert_eq!(history.range(3, Some(4))[0].output.as_deref(), Some("3"));
    }
}
