//! The names of methods in the sources of the environment's crates. Completion asks the compiler which of
//! them a value has, so a name too many costs a little time and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Crates whose methods people call in cells.
const CRATES: [&str; 7] = ["chrono", "dfdx", "lab", "plotters", "polars", "tracker", "serde_json"];

/// The names, one a line, of all `fn name(self ..)` in those of `sources` that people use.
pub(super) fn of<'a>(sources: impl Iterator<Item = &'a Path>) -> String {
    let mut names = BTreeSet::new();
    let folders: BTreeSet<&Path> = sources.filter(|folder| is_used(folder)).collect();
    for folder in folders {
        collect(&folder.join("src"), &mut names);
    }
    names.into_iter().map(|name| name + "\n").collect()
}

fn is_used(folder: &Path) -> bool {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    CRATES.iter().any(|known| name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
}

fn collect(path: &Path, names: &mut BTreeSet<String>) {
    if let Ok(entries) = fs::read_dir(path) {
        for entry in entries.flatten() {
            collect(&entry.path(), names);
        }
    } else if path.extension().is_some_and(|end| end == "rs")
        && let Ok(text) = fs::read_to_string(path)
    {
        names.extend(methods(&text).map(str::to_owned));
    }
}

/// Functions whose first argument is `self`.
fn methods(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("fn ").filter_map(|(at, _)| {
        let rest = text[at + 3..].trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        let (name, after) = rest.split_at(end);
        let arguments = after.split_once('(')?.1.trim_start();
        let first = arguments.split([',', ')', ':']).next()?;
        let own = first.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "self");
        (own && !name.is_empty() && !name.starts_with('_')).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::methods;

    #[test]
    fn methods_are_told_from_functions() {
        let text = "pub fn lazy(self) -> L {} fn new(x: u8) {} pub fn height(&self) {}\nfn map<F: Fn()>(\n  &'a mut self, f: F) {}";
        assert_eq!(methods(text).collect::<Vec<_>>(), ["lazy", "height", "map"]);
    }
}
