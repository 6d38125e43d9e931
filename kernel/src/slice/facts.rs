//! What the text of one cell says about names.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{self, Change};
use crate::cell::source::items::ItemKind;
use crate::cell::source::names::plain;
use crate::cell::source::split::{Part, Split, split};
use crate::command::{self, Command};

#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The identifiers of the cell that may be of earlier ones.
    pub(super) uses: BTreeSet<String>,
    /// Variables, items, imports and macros.
    pub(super) defines: BTreeSet<String>,
    /// Types and traits that it has an `impl` for.
    pub(super) implements: BTreeSet<String>,
    /// Whether it defines items, which are compiled again when what they name is.
    pub(super) has_items: bool,
    /// Whether what it does may concern every later cell: a crate that it adds, names that it imports with `*`, what a
    /// macro defines, a function that it calls for its effect.
    pub(super) is_for_all: bool,
    /// Variables that it binds as `mut`.
    mutable: BTreeSet<String>,
    /// What it does to the variables of earlier cells.
    changes: BTreeMap<String, Change>,
    /// The words of what each variable is made with.
    made_with: BTreeMap<String, BTreeSet<String>>,
    /// The words of each item.
    words: BTreeMap<String, BTreeSet<String>>,
}

impl Facts {
    pub(super) fn of(cell: &str) -> Self {
        let mut facts = Self::default();
        // One that was refused has done nothing.
        let Ok((commands, code)) = command::split(cell) else { return facts };
        facts.is_for_all = commands.iter().any(|command| matches!(command, Command::Dep(_)));
        let Some(split) = split(&code) else { return facts };
        facts.take(&split);
        changes::of(&code, &mut facts.changes);
        facts.is_for_all |= changes::acts_on_the_process(&code);
        facts
    }

    fn take(&mut self, split: &Split) {
        let own: BTreeSet<&str> = split.items().filter_map(|item| item.kind.name()).collect();
        let earlier = |name: &&String| !split.anew.contains(*name) && !own.contains(name.as_str());
        self.uses = split.names.iter().filter(earlier).cloned().collect();
        self.defines.extend(split.defined().map(|name| plain(name).to_owned()));
        for binding in &split.bindings {
            self.defines.insert(plain(&binding.name).to_owned());
            if binding.mutable {
                self.mutable.insert(plain(&binding.name).to_owned());
            }
        }
        for part in &split.parts {
            match part {
                Part::Attribute { .. } => self.is_for_all = true,
                Part::Use { leaves, .. } => self.is_for_all |= leaves.iter().any(|leaf| leaf.binds.is_none()),
                Part::Macro { .. } => self.has_items = true,
                Part::Item(item) => {
                    self.has_items = true;
                    match (&item.kind, item.kind.name()) {
                        (ItemKind::Impl(it), _) => self.implements.extend(it.homes.iter().cloned()),
                        // Its methods are called without naming it.
                        (ItemKind::Trait { name, members }, _) => {
                            self.defines.extend(members.iter().cloned());
                            self.words.insert(plain(name).to_owned(), item.names.clone());
                        }
                        (_, Some(name)) => {
                            self.words.insert(plain(name).to_owned(), item.names.clone());
                        }
                        (_, None) => self.is_for_all = true,
                    }
                }
                Part::Statement { step, .. } | Part::Tail { step, .. } => {
                    for name in &step.binds {
                        let words = self.made_with.entry(plain(name).to_owned()).or_default();
                        words.extend(step.names.iter().cloned());
                    }
                }
            }
        }
    }

    /// Whether the variable that the cell made can change where it is only borrowed.
    pub(super) fn may_change_inside(&self, name: &str, all: &[Self]) -> bool {
        let mut next: Vec<&str> = match self.made_with.get(name) {
            Some(words) => words.iter().map(String::as_str).collect(),
            // An item: what is static may change.
            None => self.words.get(name).into_iter().flatten().map(String::as_str).collect(),
        };
        let mut seen = BTreeSet::new();
        while let Some(word) = next.pop() {
            if !seen.insert(word) {
                continue;
            }
            if changes::may_change_inside(word) {
                return true;
            }
            let made = all.iter().flat_map(|facts| facts.words.get(word).into_iter().chain(facts.made_with.get(word)));
            next.extend(made.flatten().map(String::as_str));
        }
        false
    }

    /// Whether it made the variable as `mut`.
    pub(super) fn is_mutable(&self, name: &str) -> bool {
        self.mutable.contains(name)
    }

    /// Whether the cell may change a variable of an earlier cell in place, which is `mut` or can change `inside`: where
    /// it is only borrowed.
    pub(super) fn may_change(&self, name: &str, mutable: bool, inside: bool) -> bool {
        match self.changes.get(name) {
            Some(Change::Changes) => true,
            Some(Change::Calls) => mutable || inside,
            Some(Change::Borrows) => inside,
            None => inside && self.has_items && self.uses.contains(name),
        }
    }
}
