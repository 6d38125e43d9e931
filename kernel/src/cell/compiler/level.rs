//! At which optimisation level a cell is compiled.
//!
//! Without a loop: at none, which is quickest. With one: at the highest if that takes hardly longer, as it does
//! for a person's own code (a matrix product written out: 0.33 s instead of 0.18, and it runs 7 times as fast).
//! A training loop instantiates so much of dfdx that it takes seconds: it starts without, and is
//! optimised while it runs (see `swap`).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cell::generated::flags::HIGHEST;
use crate::cell::notebook::state::State;
use crate::cell::source::split::Split;

/// None at first, and the highest for what runs for long; see `swap`.
pub(crate) const AUTO: u8 = u8::MAX;

/// The level for a cell: what it says itself in a `// opt: N` line, else `set`; `None` where it is ours to
/// choose.
pub(crate) fn level(code: &str, set: u8) -> Option<u8> {
    let own = code.lines().find_map(|line| {
        let level = line.trim().strip_prefix("//")?.trim().strip_prefix("opt:")?;
        level.trim().parse::<u8>().ok().filter(|level| *level <= 3)
    });
    own.or((set != AUTO).then_some(set))
}

/// How long a cell with a loop may take to compile at the highest level before it starts without.
pub(crate) const HARDLY: Duration = Duration::from_millis(600);

/// Words and parts of types by which code is known that is costly to optimise.
const COSTLY: [&str; 20] = [
    "dfdx",
    "polars",
    "Tensor",
    "Module",
    "ModuleMut",
    "BuildModule",
    "build_module",
    "forward",
    "forward_mut",
    "backward",
    "traced",
    "Linear",
    "Conv2D",
    "Optimizer",
    "DataFrame",
    "LazyFrame",
    "Series",
    "Expr",
    "df",
    "lazy",
];

/// How a cell is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The level at first, where it is ours to choose.
    pub(crate) level: u8,
    /// Whether it is a few statements, with neither loops nor items nor what is costly.
    pub(crate) is_light: bool,
}

/// Chooses by what the cell contains.
pub(crate) fn choose(state: &State, split: &Split) -> Choice {
    let is_cheap = !is_costly(state, split);
    Choice {
        level: if split.repeats && is_cheap { HIGHEST } else { 0 },
        is_light: !split.repeats && is_cheap && split.items().next().is_none(),
    }
}

/// Whether the cell, or what it names of earlier ones, deals with what is costly.
fn is_costly(state: &State, split: &Split) -> bool {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = split.names.iter().map(String::as_str).collect();
    while let Some(name) = next.pop() {
        if COSTLY.contains(&name) {
            return true;
        }
        if !seen.insert(name) {
            continue;
        }
        if let Some(variable) = state.variables.get(name) {
            next.extend(variable.ty.split(|c: char| !c.is_alphanumeric() && c != '_'));
        }
        if let Some(held) = state.items.get(name) {
            next.extend(held.part.names.iter().map(String::as_str));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{AUTO, level};

    #[test]
    fn a_cell_may_say_its_level() {
        assert_eq!(level("// opt: 3\nlet a = 1;", AUTO), Some(3));
        assert_eq!(level("//opt:2\nlet a = 1;", 0), Some(2));
        assert_eq!(level("// opt: 9", 1), Some(1));
        assert_eq!(level("let a = 1;", AUTO), None);
    }
}
