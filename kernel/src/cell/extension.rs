//! New methods for a type whose values the notebook keeps. An `impl` must stand in the crate of its type, and
//! compiled there again the type is another one; a trait for each method can stand anywhere.

use std::collections::BTreeSet;
use std::ops::Range;

use quote::ToTokens;
use syn::{FnArg, ImplItem, Visibility};

use super::items::{Impl, ItemKind, ItemPart};
use super::split::{Part, Split, range};
use super::state::State;

/// A method, and the trait that could have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    name: String,
    range: Range<usize>,
    /// `pub`, where that is written.
    public: Option<Range<usize>>,
    /// The signature as a trait declares it.
    signature: String,
    head: Head,
}

/// What an `impl` says before its members.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    /// `<T: Clone>`
    declared: String,
    /// `<T>`
    named: String,
    on: String,
    /// `where T: Copy`
    bounds: String,
}

/// The methods of an `impl`; `None` where a trait could not have one of them.
pub(super) fn methods(it: &syn::ItemImpl) -> Option<Vec<Method>> {
    if it.trait_.is_some() {
        return None;
    }
    let (declared, named, bounds) = it.generics.split_for_impl();
    let head = Head {
        declared: declared.to_token_stream().to_string(),
        named: named.to_token_stream().to_string(),
        on: it.self_ty.to_token_stream().to_string(),
        bounds: bounds.to_token_stream().to_string(),
    };
    it.items.iter().map(|member| method(member, &head)).collect()
}

fn method(member: &ImplItem, head: &Head) -> Option<Method> {
    let ImplItem::Fn(it) = member else { return None };
    if it.sig.constness.is_some() {
        return None;
    }
    let mut signature = it.sig.clone();
    for argument in &mut signature.inputs {
        match argument {
            // A declaration has no patterns.
            FnArg::Typed(it) => *it.pat = syn::parse_quote!(_),
            FnArg::Receiver(it) => it.mutability = None,
        }
    }
    let public = match &it.vis {
        Visibility::Inherited => None,
        vis => range(vis),
    };
    Some(Method {
        name: it.sig.ident.to_string(),
        range: range(member)?,
        public,
        signature: signature.to_token_stream().to_string(),
        head: head.clone(),
    })
}

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
        let again = self.impls.iter().any(|held| matches!(&held.part.kind, ItemKind::Impl(old) if old.members.keys().eq(new.members.keys()) && old.target == new.target));
        !own && !redefines && !again && self.items.contains_key(home) && self.is_needed(split, home)
    }
}

/// Each method of an `impl` as a trait with that one method, and its `impl`.
fn as_traits(part: &ItemPart) -> Vec<ItemPart> {
    let ItemKind::Impl(it) = &part.kind else { return Vec::new() };
    let trait_of = |method: &Method| {
        let Method { name, range, public, signature, head: Head { declared, named, on, bounds } } = method;
        let home = it.homes.first().map_or("", String::as_str);
        let called = format!("MethodOf{home}_{name}");
        let open = format!(
            "pub trait {called}{declared}: Sized {bounds} {{ {signature}; }} impl{declared} {called}{named} for {on} {bounds} {{ "
        );
        let mut edits = vec![(range.start..range.start, open.into()), (range.end..range.end, " }".into())];
        edits.extend(public.iter().map(|public| (public.clone(), " ".into())));
        edits.sort_by_key(|(range, _)| range.start);
        ItemPart {
            range: range.clone(),
            kind: ItemKind::Trait { name: called, members: BTreeSet::from([name.clone()]) },
            edits,
            around: None,
            names: part.names.clone(),
            uses: part.uses.clone(),
        }
    };
    it.methods.iter().flatten().map(trait_of).collect()
}
