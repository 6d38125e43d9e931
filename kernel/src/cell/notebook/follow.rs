//! What a cell's definitions mean for earlier ones: which have to be compiled again, and which stay as they
//! are because values would be lost.

use std::collections::{BTreeMap, BTreeSet};

use super::held::{Held, Origin, paths};
use super::living::Living;
use super::state::State;
use super::wave::{Among, Change, Wave, change_of};
use crate::cell::source::items::{Impl, ItemKind, ItemPart};
use crate::cell::source::names::mentions;
use crate::cell::source::split::{Part, Split};
use crate::cell::source::statics::Static;
use crate::cell::source::uses;

/// Something earlier that goes on using the old definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// The type, trait or module whose code it is, and the cell of that code.
    pub(crate) home: String,
    pub(crate) cell: u32,
    pub(crate) changed: String,
    /// The variable that would be lost.
    pub(crate) variable: String,
}

impl Left {
    /// One sentence: what still uses the old definition, why, and the remedy.
    pub(crate) fn explain(&self) -> String {
        let Self { home, cell, changed, variable } = self;
        format!(
            "`{home}` of cell [{cell}] still uses the earlier `{changed}`, since `{variable}` has a value of it that would be lost; run cell [{cell}] again to have it follow"
        )
    }
}

/// What is compiled again with a cell.
#[derive(Debug, Default)]
pub(crate) struct Follow {
    /// The earlier crate that the cell's crate takes the name of.
    pub(crate) krate: Option<String>,
    pub(crate) carried: Vec<Held>,
    /// What the cell itself defines.
    pub(crate) own: Vec<Held>,
    pub(crate) left: Vec<Left>,
    /// Names whose code is another one, with what is called so.
    pub(crate) changed: BTreeMap<String, String>,
    /// Statics that lose their value, a sentence for each.
    pub(crate) anew: Vec<String>,
}

impl State {
    /// Items of earlier cells that `split` compiles again: those that it adds an `impl` to, and those that
    /// depend on what it redefines. An `impl` must stand in the crate of its type or trait, so that a method
    /// follows only with its type: not while a variable has a value of that type that would be lost.
    pub(crate) fn follow(&self, split: &Split, origin: &Origin) -> Follow {
        let own: Vec<&ItemPart> = split.items().collect();
        let defined: BTreeSet<&str> = own.iter().filter_map(|part| part.kind.name()).collect();
        let used = self.all_used();
        let among = Among { split, text: &origin.text, own: &own, defined: &defined, used: &used };
        let (patient, mut left) = self.wave(among, false);
        let lost = self.lost(among, &patient, &BTreeSet::new());
        if lost.is_empty() && left.is_empty() {
            return self.settle(among, origin, &patient, &Living::default(), left);
        }
        // Everything follows, if no value is lost by that.
        let (eager, _) = self.wave(among, true);
        if let Some((whole, living)) = self.keep_living(among, &eager)
            && self.lost(among, &whole, &living.kept).keys().all(|name| lost.contains_key(name))
        {
            return self.settle(among, origin, &whole, &living, Vec::new());
        }
        let Some((whole, living)) = self.keep_living(among, &patient) else {
            return self.settle(among, origin, &patient, &Living::default(), left);
        };
        left.retain(|it| whole.changed.get(it.home.as_str()) != Some(&Change::Identity));
        self.settle(among, origin, &whole, &living, left)
    }

    /// The same as if nothing that the cell defines were there: what it was compiled to when it was first run.
    pub(crate) fn follow_at_first(&self, split: &Split, origin: &Origin) -> Follow {
        let own: Vec<&ItemPart> = split.items().collect();
        let defined: BTreeSet<&str> = own.iter().filter_map(|part| part.kind.name()).collect();
        let used = self.all_used();
        let among = Among { split, text: &origin.text, own: &own, defined: &defined, used: &used };
        let (wave, _) = self.wave(among, false);
        let mut follow = self.settle(among, origin, &wave, &Living::default(), Vec::new());
        follow.own = own.iter().map(|part| Held::new(origin, part)).collect();
        follow.anew.clear();
        follow
    }

    /// What changes with the cell; with `eager`, whatever is lost by it. What does not follow.
    fn wave<'a>(&'a self, among: Among<'a>, eager: bool) -> (Wave<'a>, Vec<Left>) {
        let Among { split, own, defined, used, .. } = among;
        let mut wave = self.start(split, own);
        self.reach(&mut wave, defined, used);
        self.add_homes(&mut wave, split, own, defined, used);
        let mut left: Vec<Left> = Vec::new();
        while let Some((home, cell, changed)) = self.next_code(&wave, defined, used, &left) {
            let mut attempt = wave.clone();
            attempt.changed.insert(home, Change::Identity);
            attempt.carried.insert(home);
            self.reach(&mut attempt, defined, used);
            match self.loses(split, &wave, &attempt).filter(|_| !eager) {
                None => wave = attempt,
                Some(variable) => left.push(Left {
                    home: home.to_owned(),
                    cell,
                    changed: changed.to_owned(),
                    variable: variable.to_owned(),
                }),
            }
        }
        (wave, left)
    }

    fn all_used(&self) -> BTreeMap<&str, BTreeSet<String>> {
        self.items.iter().map(|(name, held)| (name.as_str(), self.used(held))).collect()
    }

    /// What the cell itself changes.
    fn start<'a>(&'a self, split: &'a Split, own: &[&'a ItemPart]) -> Wave<'a> {
        let mut wave = Wave::default();
        for part in own {
            if let Some((name, held)) = part.kind.name().and_then(|name| self.items.get_key_value(name)) {
                let change = change_of(&part.kind).max(change_of(&held.part.kind));
                wave.changed.insert(name, change);
            }
        }
        for part in &split.parts {
            if let Part::Macro { name, .. } = part
                && let Some((name, _)) = self.macros.get_key_value(name)
            {
                wave.changed.entry(name).or_insert(Change::Value);
            }
        }
        wave
    }

    /// Whether compiling `home` again with the cell would lose the value of a variable.
    pub(crate) fn is_needed(&self, split: &Split, home: &str) -> bool {
        let own: Vec<&ItemPart> = split.items().collect();
        let defined: BTreeSet<&str> = own.iter().filter_map(|part| part.kind.name()).collect();
        let used = self.all_used();
        let mut wave = self.start(split, &own);
        self.reach(&mut wave, &defined, &used);
        let mut attempt = wave.clone();
        if let Some((home, _)) = self.items.get_key_value(home) {
            attempt.changed.insert(home, Change::Identity);
            self.reach(&mut attempt, &defined, &used);
        }
        self.loses(split, &wave, &attempt).is_some()
    }

    /// Adds what the cell's own `impl`s have to stand beside: their type, or their trait if the notebook has
    /// it and a value of the type would be lost.
    fn add_homes<'a>(
        &'a self,
        wave: &mut Wave<'a>,
        split: &Split,
        own: &[&ItemPart],
        defined: &BTreeSet<&str>,
        used: &BTreeMap<&str, BTreeSet<String>>,
    ) {
        for part in own {
            let ItemKind::Impl(new) = &part.kind else { continue };
            let homes = if new.inherent { &new.homes[..new.homes.len().min(1)] } else { &new.homes[..] };
            // With a type or trait of this cell it stands here anyway.
            if homes.iter().any(|home| defined.contains(home.as_str())) {
                continue;
            }
            let homes = homes.iter().filter_map(|name| self.items.get_key_value(name)).map(|(name, _)| name.as_str());
            let with = |home| {
                let mut attempt = wave.clone();
                for name in self.behind(home, used) {
                    attempt.changed.insert(name, Change::Identity);
                    attempt.carried.insert(name);
                }
                self.reach(&mut attempt, defined, used);
                attempt
            };
            let mut attempts = homes.map(with).collect::<Vec<_>>().into_iter();
            let Some(first) = attempts.next() else { continue };
            let harmless = |attempt: &Wave<'a>| self.loses(split, wave, attempt).is_none();
            *wave = match harmless(&first) {
                true => first,
                false => attempts.find(harmless).unwrap_or(first),
            };
        }
    }

    /// Adds what depends on what has changed and can follow it.
    pub(super) fn reach<'a>(
        &'a self,
        wave: &mut Wave<'a>,
        defined: &BTreeSet<&str>,
        used: &BTreeMap<&str, BTreeSet<String>>,
    ) {
        loop {
            let mut more: Vec<(&str, Change)> = Vec::new();
            for (name, held) in &self.items {
                if wave.changed.contains_key(name.as_str()) || defined.contains(name.as_str()) {
                    continue;
                }
                let least = match &held.part.kind {
                    _ if held.part.is_static() => Change::Constant,
                    ItemKind::Value(_) | ItemKind::Constant(_) => Change::Value,
                    ItemKind::Type(_) | ItemKind::Alias(_) => Change::Constant,
                    ItemKind::Module(_) | ItemKind::Trait { .. } | ItemKind::Impl(_) => Change::Identity,
                };
                let depends = |(other, change): (&&str, &Change)| {
                    let named = used.get(name.as_str()).is_some_and(|used| mentions(used, other));
                    (named && *change >= least) || (least == Change::Value && self.calls(held, other))
                };
                if wave.changed.iter().any(depends) {
                    more.push((name, change_of(&held.part.kind)));
                }
            }
            if more.is_empty() {
                return;
            }
            for (name, change) in more {
                wave.changed.insert(name, change);
                wave.carried.insert(name);
            }
        }
    }

    /// Whether the item calls what a trait of this name makes callable.
    fn calls(&self, held: &Held, name: &str) -> bool {
        matches!(self.items.get(name).map(|held| &held.part.kind), Some(ItemKind::Trait { members, .. })
            if !members.is_disjoint(&held.part.names))
    }

    /// Code of a type, trait or module that uses something changed and does not follow yet: the name of the
    /// type, the code's cell, and what has changed.
    fn next_code<'a>(
        &'a self,
        wave: &Wave<'a>,
        defined: &BTreeSet<&str>,
        used: &BTreeMap<&str, BTreeSet<String>>,
        left: &[Left],
    ) -> Option<(&'a str, u32, &'a str)> {
        let stays = |home: &str| {
            !defined.contains(home)
                && wave.changed.get(home) != Some(&Change::Identity)
                && !left.iter().any(|it| it.home == home)
        };
        let changed = |uses: &BTreeSet<String>| wave.changed.keys().copied().find(|name| mentions(uses, name));
        let impls = self.impls.iter().filter_map(|held| match &held.part.kind {
            ItemKind::Impl(it) => Some((self.home(it)?, held.origin.cell, changed(&self.used(held))?)),
            _ => None,
        });
        let others = self.items.iter().filter_map(|(name, held)| match &held.part.kind {
            ItemKind::Module(_) | ItemKind::Trait { .. } => {
                Some((name.as_str(), held.origin.cell, changed(used.get(name.as_str())?)?))
            }
            _ => None,
        });
        impls.chain(others).find(|(home, ..)| stays(home))
    }

    /// A variable that would be lost if the types of `attempt` changed, and is not if those of `wave` do.
    fn loses(&self, split: &Split, wave: &Wave<'_>, attempt: &Wave<'_>) -> Option<&str> {
        let lost = |name: &str| {
            attempt.changed.get(name) == Some(&Change::Identity) && wave.changed.get(name) != Some(&Change::Identity)
        };
        let kept = self.variables.iter().filter(|(name, _)| !split.bindings.iter().any(|it| it.name == **name));
        let mut variables =
            kept.filter(|(_, variable)| paths(&variable.ty).any(|path| lost(path.item))).map(|(name, _)| name.as_str());
        variables.next().or_else(|| {
            let statics = self.items.values().chain(&self.impls).flat_map(|held| held.part.statics.iter());
            let of_lost = |it: &&Static| self.items.keys().any(|name| lost(name) && self.is_in_static(it, name));
            statics.filter(of_lost).flat_map(|it| &it.variables).map(|it| it.name.as_str()).next()
        })
    }

    /// The name, and for an alias the types that it stands for.
    fn behind<'a>(&'a self, name: &'a str, used: &BTreeMap<&str, BTreeSet<String>>) -> Vec<&'a str> {
        let mut names = vec![name];
        if matches!(self.items.get(name).map(|held| &held.part.kind), Some(ItemKind::Alias(_)))
            && let Some(used) = used.get(name)
        {
            let types = self.items.iter().filter(|(_, held)| matches!(held.part.kind, ItemKind::Type(_)));
            names.extend(types.map(|(name, _)| name.as_str()).filter(|name| mentions(used, name)));
        }
        names
    }

    /// The `impl`s that go with the types and traits that are compiled again.
    pub(super) fn impls_of(&self, wave: &Wave<'_>, own: &[&ItemPart], defined: &BTreeSet<&str>) -> Vec<Held> {
        let replaced: BTreeSet<u32> = self
            .items
            .iter()
            .filter(|(name, _)| defined.contains(name.as_str()))
            .map(|(_, it)| it.origin.cell)
            .collect();
        let mut found = Vec::new();
        for held in &self.impls {
            let ItemKind::Impl(old) = &held.part.kind else { continue };
            let moves = old.homes.iter().any(|name| wave.changed.get(name.as_str()) == Some(&Change::Identity));
            // A cell whose type is defined anew is taken as replaced by this one, its `impl`s included.
            let gone =
                replaced.contains(&held.origin.cell) && self.home(old).is_some_and(|home| defined.contains(home));
            if moves
                && !gone
                && let Some(held) = without(held, old, own)
            {
                found.push(held);
            }
        }
        found
    }

    /// The item in whose crate an `impl` has to stand.
    fn home(&self, it: &Impl) -> Option<&str> {
        it.homes.iter().find_map(|name| self.items.get_key_value(name)).map(|(name, _)| name.as_str())
    }

    /// What an item changes with, through macros of the notebook as well. A static has been given its value:
    /// only its type counts.
    fn used(&self, held: &Held) -> BTreeSet<String> {
        let of_static = held.part.statics.first().filter(|_| held.part.is_static());
        self.through_macros(of_static.map_or(&held.part.uses, |it| &it.uses).clone())
    }

    /// Whether the type of a static names an item.
    pub(super) fn is_in_static(&self, it: &Static, name: &str) -> bool {
        mentions(&self.through_macros(it.uses.clone()), name)
    }

    pub(crate) fn through_macros(&self, mut used: BTreeSet<String>) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        while let Some((name, (origin, range))) =
            self.macros.iter().find(|(name, _)| mentions(&used, name) && !seen.contains(name.as_str()))
        {
            seen.insert(name.as_str());
            if let Ok(tokens) = origin.text[range.clone()].parse() {
                used.extend(uses::in_tokens(tokens));
            }
        }
        used
    }
}

/// An earlier `impl` beside the cell's own: without the members that these define anew; `None` if nothing is
/// left of it.
fn without(held: &Held, old: &Impl, own: &[&ItemPart]) -> Option<Held> {
    let mut held = held.clone();
    let mut rest = old.members.clone();
    for part in own {
        let ItemKind::Impl(new) = &part.kind else { continue };
        if new.head != old.head || new.inherent != old.inherent {
            continue;
        }
        if !old.inherent {
            return None;
        }
        for (name, range) in old.members.iter().filter(|(name, _)| new.members.contains_key(*name)) {
            if rest.remove(name).is_some() {
                held.part.edits.retain(|(edit, _)| edit.start < range.start || edit.start >= range.end);
                held.part.edits.push((range.clone(), "".into()));
            }
        }
    }
    if rest.is_empty() && !old.members.is_empty() {
        return None;
    }
    held.part.edits.sort_by_key(|(range, _)| range.start);
    if let ItemKind::Impl(it) = &mut held.part.kind {
        it.members = rest;
    }
    Some(held)
}
