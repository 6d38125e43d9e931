//! What is compiled with a cell, once it is known what changes and what lives on: each item with the module
//! that it stands in and the memory that it goes on using.

use super::follow::{Follow, Left};
use super::held::{HASH, Held, MODULE, Origin};
use super::living::Living;
use super::state::State;
use super::wave::{Among, Wave};
use crate::cell::source::items::{ItemKind, ItemPart};

impl State {
    pub(super) fn settle(
        &self,
        among: Among<'_>,
        origin: &Origin,
        wave: &Wave<'_>,
        living: &Living,
        left: Vec<Left>,
    ) -> Follow {
        let mut anew = Vec::new();
        let mut settled = |held: Held, old: Option<&Held>| {
            let mut held = Held { module: self.module(living, &held.part), ..held };
            if let Some(old) = old {
                let (memory, lost) = self.memory(among, wave, living, &held.part, old);
                held.memory = memory;
                anew.extend(lost);
            }
            held
        };
        let items = wave.carried.iter().filter_map(|name| self.items.get(*name)).cloned();
        let carried = items.chain(self.impls_of(wave, among.own, among.defined));
        let carried: Vec<Held> = carried.map(|held| settled(held.clone(), Some(&held))).collect();
        let changed = self.changed_code(among, &carried);
        let own = among.own.iter().map(|part| settled(Held::new(origin, part), self.former_of(part))).collect();
        Follow { krate: living.krate.clone(), carried, own, left, changed, anew }
    }

    /// Under the name of an earlier crate, what is not the same as there must not have the same path.
    fn module(&self, living: &Living, part: &ItemPart) -> Option<String> {
        living.krate.as_ref()?;
        let fresh = || Some(format!("{MODULE}{HASH}"));
        match &part.kind {
            ItemKind::Type(name) | ItemKind::Module(name) | ItemKind::Trait { name, .. } => {
                match self.items.get(name) {
                    Some(held) if living.kept.contains(name) => held.module.clone(),
                    _ => fresh(),
                }
            }
            _ if part.hides_types() => fresh(),
            _ => None,
        }
    }

    /// What a part replaces.
    fn former_of(&self, part: &ItemPart) -> Option<&Held> {
        match &part.kind {
            ItemKind::Impl(new) => self.impls.iter().find(|held| {
                matches!(&held.part.kind, ItemKind::Impl(old) if old.head == new.head && old.inherent == new.inherent)
                    && held.part.statics.iter().any(|it| part.statics.iter().any(|own| own.tokens == it.tokens))
            }),
            kind => self.items.get(kind.name()?),
        }
    }
}
