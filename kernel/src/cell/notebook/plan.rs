//! Which variables a cell borrows, takes, gives back and stores.

use std::collections::{BTreeMap, BTreeSet};

use super::held::Key;
use super::state::State;
use crate::cell::source::names::mentions;
use crate::cell::source::split::Split;

/// Which variables a cell is lent, gives back and stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Lent to the closure by reference where possible, and given back after it, whatever happened.
    pub(crate) lent: BTreeSet<String>,
    /// Taken inside the closure, since the cell moves and then assigns to them; given back at its end.
    pub(crate) taken: BTreeSet<String>,
    /// Of both, those that are given back: the others are moved.
    pub(crate) back: BTreeSet<String>,
    /// New ones.
    pub(crate) put: BTreeSet<String>,
    /// Earlier items that no longer compile with what the cell defines, and why.
    pub(crate) broken: BTreeMap<Key, String>,
    /// Earlier imports that lead nowhere now.
    pub(crate) broken_imports: BTreeSet<String>,
    /// What the cell assigns to.
    pub(crate) assigned: BTreeSet<String>,
}

impl Plan {
    /// Which variables the cell is lent, takes, gives back and stores, as far as its text tells.
    pub(crate) fn new(state: &State, split: &Split) -> Self {
        let constant = |name: &str| {
            split.defined().any(|defined| defined == name)
                || state.items.contains_key(name)
                || state.imports.iter().any(|import| import.binds.as_deref() == Some(name))
        };
        let new = split.bindings.iter().filter(|it| !(it.may_be_constant && constant(&it.name)));
        let put: BTreeSet<String> = new.map(|binding| binding.name.clone()).collect();
        let lent: BTreeSet<String> = state
            .variables
            .keys()
            .filter(|name| mentions(&split.names, name) && !split.anew.contains(*name))
            .cloned()
            .collect();
        Self { back: lent.clone(), lent, put, assigned: split.assigned.clone(), ..Self::default() }
    }

    /// How much there is that the body is compiled with: variables it is lent, definitions left out.
    pub(crate) fn around_body(&self) -> (usize, usize) {
        (self.lent.len() + self.taken.len(), self.broken.len() + self.broken_imports.len())
    }
}
