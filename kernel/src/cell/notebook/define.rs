//! Takes into the notebook what a compiled cell defines.

use std::collections::BTreeSet;

use super::follow::Follow;
use super::held::{HASH, Held, Import, Key, Memory, Origin, static_symbol};
use super::plan::Plan;
use super::state::{Built, State};
use crate::cell::source::imports::Leaf;
use crate::cell::source::items::ItemKind;
use crate::cell::source::split::{Part, Split};

impl State {
    /// Takes in what a compiled cell defines; returns what there is to say of earlier definitions that do not
    /// compile with it.
    pub(crate) fn define(
        &mut self,
        split: &Split,
        follow: &Follow,
        built: &Built,
        origin: &Origin,
        opt: u8,
        plan: &Plan,
    ) -> Vec<String> {
        let mut said = Vec::new();
        self.imports.retain(|import| {
            let text = import.leaf.text(&import.origin.text);
            let stays = !plan.broken_imports.contains(&text);
            if !stays {
                said.push(format!("`{text}` of cell [{}] leads nowhere now and was dropped", import.origin.cell));
            }
            stays
        });
        self.drop_replaced_impls(split, &follow.carried);
        self.crates.insert(built.krate.clone(), built.is.clone());
        let mut new = Vec::new();
        for held in follow.carried.iter().chain(&follow.own).cloned() {
            if let Some(why) = plan.broken.get(&held.key()) {
                self.remember(&held);
                if !held.broken {
                    said.push(format!("{} ({why})", broken(&held.title(), held.origin.cell)));
                }
                self.hold(Held { broken: true, ..held });
            } else {
                new.push(Held { opt, broken: false, ..built.has(held) });
            }
        }
        for held in &new {
            for member in members(&held.part.kind) {
                self.former.remove(member);
            }
            self.hold(held.clone());
        }
        for part in &split.parts {
            match part {
                Part::Use { leaves, .. } => leaves.iter().for_each(|leaf| self.import(origin, leaf)),
                Part::Macro { name, range } => {
                    self.macros.insert(name.clone(), (origin.clone(), range.clone()));
                }
                _ => {}
            }
        }
        // Only now does every name lead to where it led when the crate was compiled.
        for mut held in new {
            held.saw = self.resolve_all(&held.part.uses);
            self.hold(held);
        }
        said
    }

    fn hold(&mut self, held: Held) {
        match held.part.kind.name() {
            Some(name) => {
                self.imports.retain(|import| import.binds.as_deref() != Some(name));
                self.items.insert(name.to_owned(), held);
            }
            None => match self.impls.iter_mut().find(|it| it.key() == held.key()) {
                Some(it) => *it = held,
                None => self.impls.push(held),
            },
        }
    }

    /// An `impl` that goes with a type and was not carried with it has been replaced.
    fn drop_replaced_impls(&mut self, split: &Split, carried: &[Held]) {
        let kept: BTreeSet<Key> = carried.iter().map(Held::key).collect();
        let homes: BTreeSet<&str> = split
            .items()
            .map(|part| &part.kind)
            .chain(carried.iter().map(|held| &held.part.kind))
            .filter_map(identity)
            .collect();
        let moves = |held: &Held| match &held.part.kind {
            ItemKind::Impl(it) => it.homes.iter().any(|home| homes.contains(home.as_str())),
            _ => false,
        };
        let (gone, stay) =
            std::mem::take(&mut self.impls).into_iter().partition(|held| moves(held) && !kept.contains(&held.key()));
        self.impls = stay;
        for held in &gone {
            self.remember(held);
        }
    }

    /// Keeps the names of methods that are gone, to say so when one of them is called.
    fn remember(&mut self, held: &Held) {
        let title = held.title();
        for member in members(&held.part.kind) {
            self.former.insert(member.clone(), (title.clone(), held.origin.cell));
        }
    }

    fn import(&mut self, origin: &Origin, leaf: &Leaf) {
        let text = leaf.text(&origin.text);
        let binds = leaf.binds.clone();
        self.imports.retain(|import| {
            import.leaf.text(&import.origin.text) != text && (binds.is_none() || import.binds != binds)
        });
        if let Some(name) = &binds {
            self.items.remove(name);
        }
        self.imports.push(Import { origin: origin.clone(), leaf: leaf.clone(), binds });
    }
}

impl Built {
    /// The item as this crate has it.
    fn has(&self, held: Held) -> Held {
        let made = |(index, memory): (usize, &Option<Memory>)| {
            let here = || Memory { file: self.is.file.clone(), symbol: static_symbol(&self.hash, &held.part, index) };
            Some(memory.clone().unwrap_or_else(here))
        };
        let memory = held.memory.iter().enumerate().map(made).collect();
        let module = held.module.as_ref().map(|module| module.replace(HASH, &self.hash));
        Held { krate: self.krate.clone(), module, memory, ..held }
    }
}

/// What is said of a definition that no longer compiles.
pub(crate) fn broken(name: &str, cell: u32) -> String {
    format!("{name} of cell [{cell}] no longer fits what a later cell defined; correct cell [{cell}] and run it again")
}

/// The members of an `impl`.
fn members(kind: &ItemKind) -> impl Iterator<Item = &String> {
    let members = match kind {
        ItemKind::Impl(it) => Some(it.members.keys()),
        _ => None,
    };
    members.into_iter().flatten()
}

/// The name of an item that is another one when it is compiled again.
fn identity(kind: &ItemKind) -> Option<&str> {
    match kind {
        ItemKind::Type(name) | ItemKind::Alias(name) | ItemKind::Module(name) => Some(name),
        ItemKind::Trait { name, .. } => Some(name),
        ItemKind::Value(_) | ItemKind::Constant(_) | ItemKind::Impl(_) => None,
    }
}
