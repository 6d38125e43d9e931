//! Which values live on when their types are compiled again. A crate of the name that an earlier one has gives
//! its types the identity that they have there: new code meets old values. So this is done only to types whose
//! values lie in memory as before, and with all that the earlier crate holds, which nothing can use any more.

use std::collections::{BTreeMap, BTreeSet};

use super::held::{Held, Memory, paths};
use super::state::State;
use super::wave::{Among, Change, Wave, change_of};
use crate::cell::source::items::{Impl, ItemKind, ItemPart};

/// An earlier crate that a cell's crate takes the name of.
#[derive(Debug, Clone, Default)]
pub(super) struct Living {
    pub(super) krate: Option<String>,
    /// Its types and traits that are the same ones in both.
    pub(super) kept: BTreeSet<String>,
}

impl State {
    /// How what a wave would lose can live on: everything that has to be compiled again then, and the crate.
    /// `None` where nothing is lost or more would be.
    pub(super) fn keep_living<'a>(&'a self, among: Among<'a>, wave: &Wave<'a>) -> Option<(Wave<'a>, Living)> {
        let lost = self.lost(among, wave, &BTreeSet::new());
        let mut crates: BTreeMap<&str, usize> = BTreeMap::new();
        for held in lost.values().flatten().filter_map(|name| self.items.get(*name)) {
            *crates.entry(&held.krate).or_default() += 1;
        }
        let mut crates: Vec<(&str, usize)> = crates.into_iter().collect();
        crates.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        crates.into_iter().find_map(|(krate, _)| {
            let whole = self.with_crate(among, wave, krate);
            let kept = self.kept(among, &whole, krate);
            let still = self.lost(among, &whole, &kept);
            (still.len() < lost.len()).then(|| (whole, Living { krate: Some(krate.to_owned()), kept }))
        })
    }

    /// Variables, and statics, that have a value of a type which is another one after the wave; and these types.
    pub(super) fn lost<'a>(
        &'a self,
        among: Among<'_>,
        wave: &Wave<'_>,
        kept: &BTreeSet<String>,
    ) -> BTreeMap<String, Vec<&'a str>> {
        let goes = |name: &&str| wave.changed.get(*name) == Some(&Change::Identity) && !kept.contains(*name);
        let mut lost: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, variable) in &self.variables {
            if among.split.bindings.iter().any(|it| it.name == *name) {
                continue;
            }
            let types: Vec<&str> = paths(&variable.ty).map(|path| path.item).filter(goes).collect();
            if !types.is_empty() {
                lost.insert(name.clone(), types);
            }
        }
        for held in self.items.values().chain(&self.impls) {
            for (it, _) in held.part.statics.iter().zip(&held.memory).filter(|(_, memory)| memory.is_some()) {
                let replaced = held.part.kind.name().is_some_and(|name| among.defined.contains(name))
                    && !among.own.iter().any(|part| part.statics.iter().any(|own| own.tokens == it.tokens));
                let types: Vec<&str> = self.items.keys().map(String::as_str).filter(goes).collect();
                let types: Vec<&str> = types.into_iter().filter(|name| self.is_in_static(it, name)).collect();
                if !replaced && !types.is_empty() {
                    lost.insert(format!("static {}", it.tokens), types);
                }
            }
        }
        lost
    }

    /// The wave with everything that the crate holds, and what depends on that.
    fn with_crate<'a>(&'a self, among: Among<'a>, wave: &Wave<'a>, krate: &str) -> Wave<'a> {
        let mut wave = wave.clone();
        loop {
            let before = wave.carried.len();
            for (name, held) in &self.items {
                if !held.broken
                    && !among.defined.contains(name.as_str())
                    && (held.krate == krate || self.links(&held.krate, krate))
                {
                    wave.carried.insert(name);
                    wave.changed.entry(name).or_insert(Change::Value);
                    let change = wave.changed[name.as_str()].max(change_of(&held.part.kind));
                    wave.changed.insert(name, change);
                }
            }
            self.reach(&mut wave, among.defined, among.used);
            if wave.carried.len() == before {
                return wave;
            }
        }
    }

    /// Whether one crate links another, however indirectly.
    fn links(&self, krate: &str, other: &str) -> bool {
        self.crates.get(krate).is_some_and(|it| it.externs.contains(other))
    }

    /// The types, traits and the like of `krate` that are the same after the wave.
    fn kept(&self, among: Among<'_>, wave: &Wave<'_>, krate: &str) -> BTreeSet<String> {
        let carried = self.impls_of(wave, among.own, among.defined);
        let own = among.own.iter().map(|part| &part.kind);
        let new: Vec<&Impl> = own.chain(carried.iter().map(|held| &held.part.kind)).filter_map(as_impl).collect();
        let moves = |it: &&Impl| it.homes.iter().any(|home| wave.changed.contains_key(home.as_str()));
        let old: Vec<&Impl> = self.impls.iter().filter_map(|held| as_impl(&held.part.kind)).filter(moves).collect();
        // A field may be `<T as Trait>::Output`.
        let associated = |it: &&Impl| {
            it.associated
                .iter()
                .all(|member| new.iter().any(|new| new.head == it.head && new.associated.contains(member)))
        };
        if !old.iter().all(associated) {
            return BTreeSet::new();
        }
        let mut kept: BTreeMap<&str, &ItemPart> = BTreeMap::new();
        for name in wave.changed.keys() {
            let Some((name, held)) = self.items.get_key_value(*name) else { continue };
            let part = match among.own.iter().find(|part| part.kind.name() == Some(name)) {
                Some(part) => part,
                None => &held.part,
            };
            let same = held.krate == krate
                && !held.broken
                && std::mem::discriminant(&held.part.kind) == std::mem::discriminant(&part.kind)
                && held.part.identity().0 == part.identity().0
                // What is dropped by code that took it for what need not be dropped, or the reverse.
                && old.iter().any(|it| drops(it, name)) == new.iter().any(|it| drops(it, name));
            if same && !matches!(part.kind, ItemKind::Value(_) | ItemKind::Impl(_)) {
                kept.insert(name, part);
            }
        }
        loop {
            let stays = |name: &str, part: &ItemPart| {
                let uses = self.through_macros(part.identity().1.clone());
                uses.iter().all(|it| {
                    it == name || self.means_the_same(among, wave, &self.items[name], &|it| kept.contains_key(it), it)
                })
            };
            let gone: Vec<&str> =
                kept.iter().filter(|(name, part)| !stays(name, part)).map(|(name, _)| *name).collect();
            if gone.is_empty() {
                return kept.into_keys().map(str::to_owned).collect();
            }
            gone.iter().for_each(|name| {
                kept.remove(name);
            });
        }
    }

    /// Whether what `held` calls `name` is after the wave what it was when `held` was compiled.
    fn means_the_same(
        &self,
        among: Among<'_>,
        wave: &Wave<'_>,
        held: &Held,
        kept: &dyn Fn(&str) -> bool,
        name: &str,
    ) -> bool {
        let saw = held.saw.get(name);
        match self.items.get(name) {
            Some(item) if wave.changed.contains_key(name) => {
                saw == self.resolve(name).as_ref() && (matches!(item.part.kind, ItemKind::Value(_)) || kept(name))
            }
            _ => saw == self.resolve_in(among.split, among.text, &BTreeMap::new(), name).as_ref(),
        }
    }

    /// Where the memory of each static of a part that is compiled again is, and what of it starts anew.
    pub(super) fn memory(
        &self,
        among: Among<'_>,
        wave: &Wave<'_>,
        living: &Living,
        part: &ItemPart,
        old: &Held,
    ) -> (Vec<Option<Memory>>, Vec<String>) {
        let mut anew = Vec::new();
        let memory = part.statics.iter().map(|it| {
            let index = old.part.statics.iter().position(|old| old.tokens == it.tokens)?;
            let memory = old.memory.get(index)?.clone()?;
            let kept = |name: &str| living.kept.contains(name);
            let uses = self.through_macros(it.uses.clone());
            let changed = uses.iter().find(|name| !self.means_the_same(among, wave, old, &kept, name));
            if let Some(changed) = changed {
                let names: Vec<String> = it.variables.iter().map(|it| format!("`{}`", it.name)).collect();
                anew.push(format!(
                    "the static {} of cell [{}] starts anew, since `{changed}` in its type has changed",
                    names.join(", "),
                    old.origin.cell
                ));
                return None;
            }
            Some(memory)
        });
        let memory = memory.collect();
        (memory, anew)
    }
}

fn as_impl(kind: &ItemKind) -> Option<&Impl> {
    match kind {
        ItemKind::Impl(it) => Some(it),
        _ => None,
    }
}

/// Whether it is the `impl Drop` of a type.
fn drops(it: &Impl, name: &str) -> bool {
    !it.inherent && it.homes.first().is_some_and(|home| home == name) && it.homes.get(1).is_some_and(|it| it == "Drop")
}
