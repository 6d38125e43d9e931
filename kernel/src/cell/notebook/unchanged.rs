//! What of a cell is defined already, token for token: it is not defined again.

use std::collections::{BTreeMap, BTreeSet};

use super::held::Held;
use super::state::State;
use crate::cell::source::items::{ItemKind, ItemPart};
use crate::cell::source::split::{Part, Split};
use crate::cell::source::tokens::canonical_text;

impl State {
    /// What the names that an item uses lead to.
    pub(crate) fn resolve_all(&self, uses: &BTreeSet<String>) -> BTreeMap<String, String> {
        let used = self.through_macros(uses.clone());
        used.into_iter().filter_map(|name| self.resolve(&name).map(|to| (name, to))).collect()
    }

    pub(super) fn resolve(&self, name: &str) -> Option<String> {
        if let Some(held) = self.items.get(name).or_else(|| self.items.get(&format!("r#{name}"))) {
            return Some(held.path());
        }
        if let Some((origin, range)) = self.macros.get(name) {
            return Some(canonical_text(&origin.text[range.clone()]));
        }
        let import = self.imports.iter().find(|import| import.leaf.binds.as_deref() == Some(name))?;
        Some(import.leaf.text(&import.origin.text))
    }

    /// The cell without the items that are there already, token for token, with everything that they use: their
    /// types keep their values, and their statics what is in them. Code that is asked for at a higher level of
    /// optimisation counts as changed.
    pub(crate) fn without_unchanged(&self, split: &Split, text: &str, opt: u8) -> Split {
        let mut same: BTreeMap<usize, &Held> = BTreeMap::new();
        for (index, part) in split.parts.iter().enumerate() {
            if let Part::Item(part) = part
                && let Some(held) = self.same(part)
                && (held.opt >= opt || matches!(part.kind, ItemKind::Type(_) | ItemKind::Alias(_)))
            {
                same.insert(index, held);
            }
        }
        loop {
            let differs = |held: &&Held| {
                let uses = self.through_macros(held.part.uses.clone());
                uses.iter().any(|name| self.resolve_in(split, text, &same, name) != held.saw.get(name).cloned())
            };
            let changed: Vec<usize> = same.iter().filter(|(_, held)| differs(held)).map(|(index, _)| *index).collect();
            if changed.is_empty() {
                break;
            }
            changed.iter().for_each(|index| {
                same.remove(index);
            });
        }
        let mut rest = split.clone();
        let mut index = 0;
        rest.parts.retain(|_| {
            index += 1;
            !same.contains_key(&(index - 1))
        });
        rest
    }

    /// The same item of an earlier cell.
    pub(crate) fn same(&self, part: &ItemPart) -> Option<&Held> {
        let is = |held: &&Held| {
            !held.broken
                && !held.is_cut()
                && held.part.tokens == part.tokens
                && held.part.around.is_some() == part.around.is_some()
        };
        match part.kind.name() {
            Some(name) => self.items.get(name).filter(is),
            None => self.impls.iter().find(is),
        }
    }

    /// What a name leads to in the cell, if the items in `same` are left out.
    pub(super) fn resolve_in(
        &self,
        split: &Split,
        text: &str,
        same: &BTreeMap<usize, &Held>,
        name: &str,
    ) -> Option<String> {
        for (index, part) in split.parts.iter().enumerate() {
            match part {
                Part::Item(part)
                    if part.kind.name().is_some_and(|item| crate::cell::source::names::plain(item) == name) =>
                {
                    return Some(same.get(&index).map_or_else(|| "new".to_owned(), |held| held.path()));
                }
                Part::Macro { name: other, range } if other == name => {
                    return Some(canonical_text(&text[range.clone()]));
                }
                Part::Use { leaves, .. } => {
                    if let Some(leaf) = leaves.iter().find(|leaf| leaf.binds.as_deref() == Some(name)) {
                        return Some(leaf.text(text));
                    }
                }
                _ => {}
            }
        }
        self.resolve(name)
    }
}
