//! What follows `:dep`: a line as in Cargo.toml.

use std::path::{Path, PathBuf};

use super::EnvironmentError;

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What the line calls it.
    pub(super) name: String,
    /// The line as cargo reads it wherever it stands: a relative path is made absolute.
    pub(super) requirement: String,
    /// Whether its sources are a folder here, which may change.
    pub(super) is_local: bool,
}

impl Line {
    /// Reads `name`, `name = "1"` or `name = { .. }`; relative paths start in `folder`.
    pub(super) fn parse(line: &str, folder: &Path) -> Result<Self, EnvironmentError> {
        let (name, value) = line.split_once('=').unwrap_or((line, "\"*\""));
        let (name, value) = (name.trim(), value.trim());
        let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !named || !value.starts_with(['"', '\'', '{']) || value.contains('\n') {
            return Err(EnvironmentError::NotADependency { line: line.to_owned() });
        }
        if name == "lab" {
            return Err(EnvironmentError::Reserved);
        }
        let (value, is_local) = match path(value) {
            Some(range) => {
                let given = PathBuf::from(&value[range.clone()]);
                let full = folder.join(given);
                let full = full.canonicalize().unwrap_or(full);
                (format!("{}{}{}", &value[..range.start], full.display(), &value[range.end..]), true)
            }
            None => (value.to_owned(), false),
        };
        Ok(Self { name: name.to_owned(), requirement: format!("{name} = {value}"), is_local })
    }
}

/// The text inside the quotes after `path =` in an inline table.
fn path(table: &str) -> Option<std::ops::Range<usize>> {
    let bytes = table.as_bytes();
    let mut at = 0;
    let mut word = 0..0;
    let mut is_path = false;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                let end = at + 1 + table[at + 1..].find(char::from(quote))?;
                if is_path {
                    return Some(at + 1..end);
                }
                at = end;
            }
            b'=' => is_path = &table[word.clone()] == "path",
            b',' | b'{' => is_path = false,
            byte if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' => {
                word = if word.end == at && !word.is_empty() { word.start..at + 1 } else { at..at + 1 };
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Line;

    #[test]
    fn a_relative_path_is_the_notebooks() {
        for (line, requirement, is_local) in [
            ("regex", "regex = \"*\"", false),
            ("regex = \"1\"", "regex = \"1\"", false),
            (
                "a = { version = \"1\", features = [\"path\", \"b\"] }",
                "a = { version = \"1\", features = [\"path\", \"b\"] }",
                false,
            ),
            ("a = { path = \"../a\" }", "a = { path = \"/book/../a\" }", true),
            ("a = {features=[\"x\"],path='/b'}", "a = {features=[\"x\"],path='/b'}", true),
        ] {
            let read = Line::parse(line, Path::new("/book")).expect(line);
            assert_eq!((read.requirement.as_str(), read.is_local), (requirement, is_local), "{line}");
        }
        for line in ["= 1", "", "a = 1", "two words = \"1\"", "lab = \"1\""] {
            assert!(Line::parse(line, Path::new("/book")).is_err(), "{line}");
        }
    }
}
