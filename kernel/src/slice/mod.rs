//! Which cells a stretch of a notebook's history depends on. A slice is run again in place of all cells: it must
//! hold everything that could have had an influence, and should hold little else.
//!
//! Only the text is there. What a cell needs is told by names: who defined each one last, and which cells between
//! could have changed it in place. A variable that is not `mut` and is only borrowed can change by interior
//! mutability alone; whether its type may have that is told by the words of what it was made with
//! ([`changes::may_change_inside`]).

mod changes;
mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use self::facts::Facts;

/// The places in `cells`, which are in the order in which they were run, of those that `wanted` depends on, `wanted`
/// included. Cells that come later are never among them.
pub fn slice(cells: &[&str], wanted: RangeInclusive<usize>) -> BTreeSet<usize> {
    let facts: Vec<Facts> = cells.iter().map(|cell| Facts::of(cell)).collect();
    let mut slice = Slice { facts: &facts, needed: BTreeSet::new(), next: Vec::new(), seen: BTreeMap::new() };
    for cell in wanted.filter(|cell| *cell < facts.len()) {
        slice.need(cell, cell);
    }
    let last = slice.needed.last().copied();
    for (cell, it) in facts.iter().enumerate().take_while(|(cell, _)| last.is_some_and(|last| *cell < last)) {
        if it.is_for_all {
            slice.need(cell, cell);
        }
    }
    while let Some((cell, until)) = slice.next.pop() {
        slice.follow(cell, until);
    }
    slice.needed
}

struct Slice<'a> {
    facts: &'a [Facts],
    needed: BTreeSet<usize>,
    /// Cells whose names are still to be looked up, and as of which cell.
    next: Vec<(usize, usize)>,
    /// As of which cell each was looked up.
    seen: BTreeMap<usize, usize>,
}

impl Slice<'_> {
    /// `cell` is needed by the cell `until`, or by one that is.
    fn need(&mut self, cell: usize, until: usize) {
        self.needed.insert(cell);
        if self.seen.get(&cell).is_none_or(|seen| *seen < until) {
            self.seen.insert(cell, until);
            self.next.push((cell, until));
        }
    }

    /// What a cell names: as it was when the cell ran and, where definitions of the cell follow what they name, as it
    /// was for the cell that needs it.
    fn follow(&mut self, cell: usize, until: usize) {
        for name in &self.facts[cell].uses {
            self.look_up(name, cell);
            if self.facts[cell].has_items {
                self.look_up(name, until);
            }
        }
        for name in &self.facts[cell].defines {
            self.implement(name, until);
        }
    }

    /// Who defined `name` last before `until`, and who may have changed it since.
    fn look_up(&mut self, name: &str, until: usize) {
        let Some(made) = (0..until).rev().find(|cell| self.facts[*cell].defines.contains(name)) else { return };
        self.need(made, until);
        let inside = self.facts[made].may_change_inside(name, self.facts);
        let mutable = self.facts[made].is_mutable(name);
        for cell in made + 1..until {
            if self.facts[cell].may_change(name, mutable, inside) {
                self.need(cell, cell);
            }
        }
    }

    /// What is implemented for a type or a trait until then.
    fn implement(&mut self, name: &str, until: usize) {
        for cell in 0..until {
            if self.facts[cell].implements.contains(name) {
                self.need(cell, until);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::slice;

    /// Cases are separated by `==`, cells by `--`; the first line says which cells the last one needs, from 1.
    #[test]
    fn what_the_last_cell_needs() {
        let mut failed = Vec::new();
        for case in include_str!("cases.txt").split("\n== ").filter(|case| !case.trim().is_empty()) {
            let (head, text) = case.split_once('\n').expect("a head and cells");
            let (name, expected) = head.trim_start_matches("== ").split_once(": ").expect("a name and numbers");
            let cells: Vec<&str> = text.split("\n--\n").collect();
            let last = cells.len() - 1;
            let found: Vec<String> = slice(&cells, last..=last).iter().map(|cell| (cell + 1).to_string()).collect();
            if found.join(" ") != expected {
                failed.push(format!("{name}: {found:?}, not {expected}"));
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
