//! What a notebook holds between cells. A cell works on a copy, which replaces this one when it succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::held::{Held, Import, Origin, paths};

/// A variable that the cell host keeps.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Its type, as it can be written in any later cell.
    pub(crate) ty: String,
    pub(crate) mutable: bool,
    pub(crate) cell: u32,
    /// The names in that cell.
    pub(crate) names: Arc<BTreeSet<String>>,
    /// What the host calls its type: tells whether the host still has this value.
    pub(crate) in_host: String,
}

/// Why a name that once was a variable is none now.
#[derive(Debug, Clone)]
pub(crate) enum Gone {
    Moved {
        cell: u32,
    },
    Borrows {
        cell: u32,
    },
    Unnameable {
        cell: u32,
        ty: String,
    },
    Redefined {
        item: String,
        made: u32,
        changed: u32,
    },
    Lost {
        cell: u32,
        how: String,
    },
    /// It has a value on some ways through its cell only.
    Unset {
        cell: u32,
    },
    /// Its type is defined among the cell's statements.
    Inside {
        cell: u32,
    },
}

/// A compiled cell that others link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crate {
    /// Its library: a crate may be compiled again under its name.
    pub(crate) file: String,
    /// The crates that it links, however indirectly.
    pub(crate) externs: BTreeSet<String>,
    /// Libraries with statics that it or one of these uses.
    pub(crate) memory: BTreeSet<String>,
}

/// What a cell was compiled to.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) krate: String,
    pub(crate) hash: String,
    pub(crate) is: Crate,
}

/// The committed state.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) gone: BTreeMap<String, Gone>,
    pub(crate) items: BTreeMap<String, Held>,
    pub(crate) impls: Vec<Held>,
    /// Methods that went with an earlier definition of their type: what defined them, and in which cell.
    pub(crate) former: BTreeMap<String, (String, u32)>,
    pub(crate) imports: Vec<Import>,
    pub(crate) macros: BTreeMap<String, (Origin, Range<usize>)>,
    pub(crate) crates: BTreeMap<String, Crate>,
}

impl State {
    /// Forgets the variables that the host no longer has as they were, and says which.
    pub(crate) fn keep(&mut self, in_host: &BTreeMap<String, String>, cell: u32, how: &str) -> Vec<String> {
        let lost = |(name, variable): (&String, &Variable)| {
            (in_host.get(name) != Some(&variable.in_host)).then(|| name.clone())
        };
        let names: Vec<String> = self.variables.iter().filter_map(lost).collect();
        for name in &names {
            self.variables.remove(name);
            self.gone.insert(name.clone(), Gone::Lost { cell, how: how.to_owned() });
        }
        names
    }

    /// Whether a draft of this notebook has everything that this has.
    pub(crate) fn is_as(&self, draft: &Self) -> bool {
        self.variables.len() == draft.variables.len() && self.items.len() == draft.items.len()
    }

    /// Drops variables whose type was defined anew, and says which.
    pub(crate) fn drop_stale(&mut self, cell: u32) -> Vec<String> {
        let stale: Vec<(String, String, u32)> = self
            .variables
            .iter()
            .filter_map(|(name, variable)| {
                let item = self.stale_item(&variable.ty)?;
                Some((name.clone(), item, variable.cell))
            })
            .collect();
        for (name, item, made) in &stale {
            self.variables.remove(name);
            self.gone.insert(name.clone(), Gone::Redefined { item: item.clone(), made: *made, changed: cell });
        }
        stale.into_iter().map(|(name, ..)| name).collect()
    }

    /// The first item named in `ty` that is now held by another crate.
    fn stale_item(&self, ty: &str) -> Option<String> {
        paths(ty).find_map(|path| {
            let held = self.items.get(path.item)?;
            let same = held.krate == path.krate && held.module.as_deref() == path.module && !held.broken;
            (!same).then(|| path.item.to_owned())
        })
    }
}
