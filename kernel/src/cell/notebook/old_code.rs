//! Variables that keep the code of their time: trait objects, closures and function pointers.

use std::collections::{BTreeMap, BTreeSet};

use super::follow::Follow;
use super::held::{Held, paths};
use super::state::State;
use super::wave::Among;
use crate::cell::source::items::{Impl, ItemKind};
use crate::cell::source::names::mentions;
use crate::cell::source::split::Split;

impl State {
    /// The names whose code changes with the cell, and what to call each.
    pub(super) fn changed_code(&self, among: Among<'_>, carried: &[Held]) -> BTreeMap<String, String> {
        let mut changed = BTreeMap::new();
        for part in among.own.iter().filter(|part| self.same(part).is_none()) {
            match &part.kind {
                ItemKind::Impl(new) if self.impls.iter().any(|held| changes(&held.part.kind, new)) => {
                    let named = new.homes.first().into_iter();
                    changed.extend(named.map(|name| (name.clone(), format!("`impl {}`", new.target))));
                }
                kind => {
                    let name = kind.name().filter(|name| self.items.contains_key(*name));
                    changed.extend(name.map(|name| (name.to_owned(), format!("`{name}`"))));
                }
            }
        }
        loop {
            let uses_changed = |held: &&Held| {
                let uses = self.through_macros(held.part.uses.clone());
                changed.keys().any(|name| mentions(&uses, name))
            };
            let name = |held: &Held| match &held.part.kind {
                ItemKind::Impl(it) => it.homes.first().cloned(),
                ItemKind::Value(name) | ItemKind::Constant(name) => Some(name.clone()),
                _ => None,
            };
            let more: Vec<(String, String)> = carried
                .iter()
                .filter(uses_changed)
                .filter_map(|held| Some((name(held)?, held.title())))
                .filter(|(name, _)| !changed.contains_key(name))
                .collect();
            if more.is_empty() {
                return changed;
            }
            changed.extend(more);
        }
    }

    /// A sentence for each variable that may go on running earlier code of what the cell has changed.
    pub(crate) fn old_code(&self, split: &Split, follow: &Follow) -> Vec<String> {
        let stays = |name: &str| !split.bindings.iter().any(|it| it.name == name);
        let variables = self.variables.iter().filter(|(name, it)| stays(name) && self.holds_code(&it.ty));
        let sentences = variables.filter_map(|(name, variable)| {
            let in_type = |changed: &str| paths(&variable.ty).any(|path| path.item == changed);
            let (_, title) =
                follow.changed.iter().find(|(changed, _)| mentions(&variable.names, changed) || in_type(changed))?;
            let cell = variable.cell;
            Some(format!(
                "`{name}` of cell [{cell}] keeps the earlier code of {title}; run cell [{cell}] again to have it follow"
            ))
        });
        sentences.collect()
    }

    /// Whether a value of the type can have code in it.
    fn holds_code(&self, ty: &str) -> bool {
        let is_code = |word: &str| word == "dyn" || word == "fn";
        if ty.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_code) {
            return true;
        }
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = paths(ty).map(|path| path.item).collect();
        while let Some(name) = next.pop() {
            let Some((name, held)) = self.items.get_key_value(name).filter(|(name, _)| seen.insert(name.as_str()))
            else {
                continue;
            };
            if !matches!(held.part.kind, ItemKind::Type(_) | ItemKind::Alias(_)) {
                continue;
            }
            if held.part.names.iter().any(|it| is_code(it)) {
                return true;
            }
            next.extend(held.part.names.iter().filter(|it| *it != name).map(String::as_str));
        }
        false
    }
}

/// Whether an `impl` replaces something of an earlier one.
fn changes(old: &ItemKind, new: &Impl) -> bool {
    let ItemKind::Impl(old) = old else { return false };
    old.head == new.head
        && old.inherent == new.inherent
        && (!old.inherent || old.members.keys().any(|name| new.members.contains_key(name)))
}
