//! Which variables a cell borrows, takes, gives back and stores.

use std::collections::{BTreeMap, BTreeSet};

use super::held::Key;
use super::state::State;
use crate::cell::source::names::mentions;
use crate::cell::source::split::Split;

/// Which variables a cell borrows, gives back and stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Lent to the closure by reference where possible, and given back after it, whatever happened.
    pub(crate) borrowed: BTreeSet<String>,
    /// Taken inside the closure, since the cell moves and then assigns to them; given back at its end.
    pub(crate) taken: BTreeSet<String>,
    /// Of both, those that are given back: the others are moved.
    pub(crate) back: BTreeSet<String>,
    /// New ones.
    pub(crate) put: BTreeSet<String>,
    /// Of those, names that the cell binds more than once, each of which is stored if the cell gets no further.
    pub(crate) earlier: BTreeSet<String>,
    /// Of those, the ones that the cell moves and then assigns to: stored after what last names them.
    pub(crate) late: BTreeSet<String>,
    /// New ones that are moved on, each with the part that first names it: stored if the cell does not reach that.
    pub(crate) held: BTreeMap<String, usize>,
    /// The first and last of the parts of the cell that are run as one: a reference ties them together.
    pub(crate) together: Option<(usize, usize)>,
    /// Earlier items that no longer compile with what the cell defines, and why.
    pub(crate) broken: BTreeMap<Key, String>,
    /// Earlier imports that lead nowhere now.
    pub(crate) broken_imports: BTreeSet<String>,
    /// What the cell assigns to.
    pub(crate) assigned: BTreeSet<String>,
}

impl Plan {
    /// Which variables the cell borrows, takes, gives back and stores, as far as its text tells.
    pub(crate) fn new(state: &State, split: &Split) -> Self {
        let constant = |name: &str| {
            split.defined().any(|defined| defined == name)
                || state.items.contains_key(name)
                || state.imports.iter().any(|import| import.binds.as_deref() == Some(name))
        };
        let new = split.bindings.iter().filter(|it| !(it.may_be_constant && constant(&it.name)));
        let put: BTreeSet<String> = new.map(|binding| binding.name.clone()).collect();
        let borrowed: BTreeSet<String> = state
            .variables
            .keys()
            .filter(|name| mentions(&split.names, name) && !split.anew.contains(*name))
            .cloned()
            .collect();
        let (earlier, late) = (earlier(split, &put), late(split, &put));
        Self {
            back: borrowed.clone(),
            borrowed,
            put,
            earlier,
            late,
            assigned: split.assigned.clone(),
            ..Self::default()
        }
    }

    /// How much there is that the body is compiled with: variables it borrows, definitions left out.
    pub(crate) fn around_body(&self) -> (usize, usize) {
        (self.borrowed.len() + self.taken.len(), self.broken.len() + self.broken_imports.len())
    }
}

/// Names that are bound more than once, as far as none of their values looks moved by the time of the next one.
fn earlier(split: &Split, put: &BTreeSet<String>) -> BTreeSet<String> {
    let mut bound = BTreeMap::new();
    let (mut earlier, mut moved) = (BTreeSet::new(), BTreeSet::new());
    for (_, step) in split.steps() {
        let copied = |name: &String| bound.get(name) == Some(&true);
        let moves = step.moves.union(&step.calls).filter(|name| !copied(name));
        moved.extend(moves.cloned());
        for name in &step.binds {
            if bound.insert(name.clone(), step.is_literal).is_some() {
                earlier.insert(name.clone());
            }
        }
    }
    earlier.retain(|name| put.contains(name) && !mentions(&moved, name));
    earlier
}

/// Names that are given another value after what looks like a move.
fn late(split: &Split, put: &BTreeSet<String>) -> BTreeSet<String> {
    let assigned = put.iter().filter(|name| mentions(&split.assigned, name));
    let looks_moved = |name: &&String| {
        let copied = split.steps().any(|(_, step)| step.is_literal && step.binds.contains(name));
        !copied && split.steps().any(|(_, step)| mentions(&step.moves, name))
    };
    assigned.filter(looks_moved).cloned().collect()
}
