//! What a notebook holds between cells. A cell works on a copy, which replaces this one when it succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::items::{ItemKind, ItemPart};
use super::split::{Part, Split};

/// A cell that was run: what its parts are ranges of.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) cell: u32,
    pub(crate) text: Arc<str>,
}

/// A variable that the cell host keeps.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Its type, as it can be written in any later cell.
    pub(crate) ty: String,
    pub(crate) mutable: bool,
    pub(crate) cell: u32,
}

/// Why a name that once was a variable is none now.
#[derive(Debug, Clone)]
pub(crate) enum Gone {
    Moved { cell: u32 },
    Borrows { cell: u32 },
    Unnameable { cell: u32, ty: String },
    Redefined { item: String, made: u32, changed: u32 },
    Lost { cell: u32, how: String },
}

/// An item, and the crate that holds it now.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) krate: String,
    pub(crate) origin: Origin,
    pub(crate) part: ItemPart,
}

/// An import that holds for all later cells.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) origin: Origin,
    pub(crate) range: Range<usize>,
    pub(crate) binds: Vec<String>,
    pub(crate) names: BTreeSet<String>,
}

/// The committed state.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) gone: BTreeMap<String, Gone>,
    pub(crate) items: BTreeMap<String, Held>,
    pub(crate) impls: Vec<Held>,
    pub(crate) imports: Vec<Import>,
    pub(crate) macros: BTreeMap<String, (Origin, Range<usize>)>,
}

impl State {
    /// Items of earlier cells that `split` compiles again: those that it adds an `impl` to, and those that
    /// depend on what it redefines. An `impl` must stand in the crate of its type or trait.
    pub(crate) fn carried(&self, split: &Split) -> Vec<Held> {
        let own: Vec<&ItemPart> = split.items().collect();
        let defined: BTreeSet<&str> = own.iter().filter_map(|part| part.kind.name()).collect();
        let redefined = || self.items.iter().filter(|(name, _)| defined.contains(name.as_str()));
        let mut changed: BTreeMap<&str, bool> =
            redefined().map(|(name, held)| (name.as_str(), is_type(&held.part.kind))).collect();
        for part in &own {
            if let ItemKind::Impl { of, on, .. } = &part.kind {
                let earlier = [on, of].into_iter().flatten().find_map(|name| self.items.get_key_value(name));
                if let Some((name, _)) = earlier.filter(|(name, _)| !defined.contains(name.as_str())) {
                    changed.insert(name, true);
                }
            }
        }
        let mut carried: BTreeSet<&str> = changed.keys().copied().filter(|name| !defined.contains(name)).collect();
        loop {
            let more: Vec<&str> = self
                .items
                .iter()
                .filter(|(name, held)| {
                    !changed.contains_key(name.as_str())
                        && changed.iter().any(|(other, deep)| {
                            held.part.names.contains(*other) && (*deep || !is_type(&held.part.kind))
                        })
                })
                .map(|(name, _)| name.as_str())
                .collect();
            if more.is_empty() {
                break;
            }
            for name in more {
                changed.insert(name, self.items.get(name).is_some_and(|held| is_type(&held.part.kind)));
                carried.insert(name);
            }
        }
        let replaced: BTreeSet<u32> = redefined().map(|(_, held)| held.origin.cell).collect();
        let types = |name: &Option<String>| {
            name.as_ref().is_some_and(|name| changed.get(name.as_str()).copied().unwrap_or(false))
        };
        let impls = self.impls.iter().filter(|held| match &held.part.kind {
            ItemKind::Impl { of, on, .. } => {
                (types(of) || types(on))
                    && !replaced.contains(&held.origin.cell)
                    && !own.iter().any(|part| same_impl(&part.kind, &held.part.kind))
            }
            _ => false,
        });
        let items = carried.iter().filter_map(|name| self.items.get(*name));
        items.chain(impls).cloned().collect()
    }

    /// Takes in what a compiled cell defines.
    pub(crate) fn define(&mut self, split: &Split, carried: &[Held], krate: &str, origin: &Origin) {
        let own =
            split.items().map(|part| Held { krate: krate.to_owned(), origin: origin.clone(), part: part.clone() });
        let carried = carried.iter().map(|held| Held { krate: krate.to_owned(), ..held.clone() });
        let mut impls = Vec::new();
        for held in carried.chain(own) {
            match held.part.kind.name() {
                Some(name) => {
                    self.items.insert(name.to_owned(), held);
                }
                None => impls.push(held),
            }
        }
        let key = |held: &Held| (held.origin.cell, held.part.range.start);
        let new: BTreeSet<_> = impls.iter().map(key).collect();
        let text = |held: &Held| held.origin.text[held.part.range.clone()].to_owned();
        let texts: BTreeSet<_> = impls.iter().map(text).collect();
        self.impls.retain(|held| !new.contains(&key(held)) && !texts.contains(&text(held)));
        self.impls.extend(impls);
        for part in &split.parts {
            match part {
                Part::Use { range, binds } => self.import(origin, range, binds),
                Part::Macro { name, range } => {
                    self.macros.insert(name.clone(), (origin.clone(), range.clone()));
                }
                _ => {}
            }
        }
    }

    fn import(&mut self, origin: &Origin, range: &Range<usize>, binds: &[String]) {
        let text = &origin.text[range.clone()];
        let mut names = BTreeSet::new();
        if let Ok(tokens) = text.parse() {
            super::names::collect(tokens, &mut names);
        }
        self.imports.retain(|import| {
            &import.origin.text[import.range.clone()] != text && !import.binds.iter().any(|name| binds.contains(name))
        });
        self.imports.push(Import { origin: origin.clone(), range: range.clone(), binds: binds.to_vec(), names });
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
        crate_paths(ty).find_map(|(krate, item)| {
            let held = self.items.get(item)?;
            (held.krate != krate).then(|| item.to_owned())
        })
    }
}

/// Each `cell_<hash>::Item` in a type: the crate, and the item.
pub(crate) fn crate_paths(ty: &str) -> impl Iterator<Item = (&str, &str)> {
    ty.match_indices("cell_").filter_map(|(at, _)| {
        let (krate, rest) = ty[at..].split_once("::")?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        (krate.len() == 21).then(|| (krate, &rest[..end]))
    })
}

fn is_type(kind: &ItemKind) -> bool {
    !matches!(kind, ItemKind::Value(_))
}

fn same_impl(new: &ItemKind, old: &ItemKind) -> bool {
    match (new, old) {
        (ItemKind::Impl { of, on, members }, ItemKind::Impl { of: old_of, on: old_on, members: old_members }) => {
            of == old_of && on == old_on && (of.is_some() || !members.is_disjoint(old_members))
        }
        _ => false,
    }
}
