//! New methods for a type whose values the notebook keeps. An `impl` must stand in the crate of its type, and
//! compiled there again the type is another one; a trait for each method can stand anywhere.

use std::collections::BTreeSet;

use super::state::State;
use crate::cell::source::items::{Edit, Impl, ItemKind, ItemPart};
use crate::cell::source::methods::{Head, Method};
use crate::cell::source::split::{Part, Split};

impl State {
    /// The cell with traits in place of those of its `impl`s that would cost a variable its value.
    pub(crate) fn with_extensions(&self, mut split: Split) -> Split {
        let extended: Vec<usize> = split
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| matches!(part, Part::Item(it) if self.is_better_extended(&split, it)))
            .map(|(index, _)| index)
            .collect();
        for index in extended.into_iter().rev() {
            if let Part::Item(part) = split.parts.remove(index) {
                let traits: Vec<Part> = as_traits(&part).into_iter().map(Part::Item).collect();
                split.parts.splice(index..index, traits);
            }
        }
        split
    }

    fn is_better_extended(&self, split: &Split, part: &ItemPart) -> bool {
        let ItemKind::Impl(new) = &part.kind else { return false };
        let (Some(methods), Some(home)) = (&new.methods, new.homes.first()) else { return false };
        let own = split.items().any(|it| it.kind.name() == Some(home));
        // A method that the type has already goes before one of a trait.
        let has = |old: &Impl| {
            old.homes.first() == Some(home)
                && old.inherent
                && methods.iter().any(|it| old.members.contains_key(&it.name))
        };
        let redefines = self.impls.iter().any(|held| matches!(&held.part.kind, ItemKind::Impl(old) if has(old)));
        let again = self.impls.iter().any(|held| matches!(&held.part.kind, ItemKind::Impl(old) if old.members.keys().eq(new.members.keys()) && old.head == new.head));
        !own && !redefines && !again && self.items.contains_key(home) && self.is_needed(split, home)
    }
}

/// Each method of an `impl` as a trait with that one method, and its `impl`.
fn as_traits(part: &ItemPart) -> Vec<ItemPart> {
    let ItemKind::Impl(it) = &part.kind else { return Vec::new() };
    let trait_of = |method: &Method| {
        let Method { name, tokens, range, public, signature, head: Head { declared, named, on, bounds } } = method;
        let home = it.homes.first().map_or("", String::as_str);
        let called = format!("MethodOf{home}_{name}");
        let open = format!(
            "pub trait {called}{declared}: Sized {bounds} {{ {signature}; }} impl{declared} {called}{named} for {on} {bounds} {{ "
        );
        let tokens = format!("{open}{tokens}");
        let mut edits = vec![(range.start..range.start, open.into()), (range.end..range.end, " }".into())];
        edits.extend(public.iter().map(|public| (public.clone(), " ".into())));
        // What asks whether to stop; what was made public is not, in a trait.
        let inside = |(at, with): &&Edit| at.start > range.start && at.end < range.end && !with.starts_with("pub");
        edits.extend(part.edits.iter().filter(inside).cloned());
        edits.sort_by_key(|(range, _)| range.start);
        ItemPart {
            range: range.clone(),
            kind: ItemKind::Trait { name: called, members: BTreeSet::from([name.clone()]) },
            edits,
            around: None,
            tokens,
            names: part.names.clone(),
            uses: part.uses.clone(),
            layout: None,
            statics: part.statics.iter().filter(|it| range.contains(&it.range.start)).cloned().collect(),
        }
    };
    it.methods.iter().flatten().map(trait_of).collect()
}
