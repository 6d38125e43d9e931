//! The items of a cell, and what has to be made public in them: a later cell is another crate, and in a
//! notebook everything at the top level is there for what follows.

use std::collections::BTreeSet;
use std::ops::Range;

use quote::ToTokens;
use syn::{Fields, ImplItem, Item, Visibility};

use super::names;
use super::split::range;

/// One item.
#[derive(Debug, Clone)]
pub(crate) struct ItemPart {
    pub(crate) range: Range<usize>,
    pub(crate) kind: ItemKind,
    /// Where `pub ` goes, in ascending order.
    pub(crate) publish: Vec<usize>,
    /// Every identifier in the item.
    pub(crate) names: BTreeSet<String>,
}

/// What an item defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// A function, constant or static: other items do not change meaning when it does.
    Value(String),
    /// A type, trait or module.
    Type(String),
    Trait(String),
    /// An `impl`, of the trait and for the type that are named last in their paths.
    Impl {
        of: Option<String>,
        on: Option<String>,
        members: BTreeSet<String>,
    },
}

impl ItemKind {
    /// The name that the item defines.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Value(name) | Self::Type(name) | Self::Trait(name) => Some(name),
            Self::Impl { .. } => None,
        }
    }
}

/// Describes an item; `None` for one that is left inside the cell's body.
pub(super) fn item(it: &Item, whole: Range<usize>) -> Option<ItemPart> {
    let mut publish = Vec::new();
    let kind = match it {
        Item::Fn(it) => value(&it.vis, &it.sig.ident, it, &mut publish),
        Item::Const(it) => value(&it.vis, &it.ident, it, &mut publish),
        Item::Static(it) => value(&it.vis, &it.ident, it, &mut publish),
        Item::Struct(it) => {
            lift(&it.vis, it, &mut publish);
            lift_fields(&it.fields, &mut publish);
            ItemKind::Type(it.ident.to_string())
        }
        Item::Union(it) => {
            lift(&it.vis, it, &mut publish);
            lift_fields(&Fields::Named(it.fields.clone()), &mut publish);
            ItemKind::Type(it.ident.to_string())
        }
        Item::Enum(it) => {
            lift(&it.vis, it, &mut publish);
            ItemKind::Type(it.ident.to_string())
        }
        Item::Type(it) => {
            lift(&it.vis, it, &mut publish);
            ItemKind::Type(it.ident.to_string())
        }
        Item::Mod(it) => {
            lift(&it.vis, it, &mut publish);
            ItemKind::Type(it.ident.to_string())
        }
        Item::Trait(it) => {
            lift(&it.vis, it, &mut publish);
            ItemKind::Trait(it.ident.to_string())
        }
        Item::Impl(it) => {
            if it.trait_.is_none() {
                lift_methods(&it.items, &mut publish);
            }
            ItemKind::Impl {
                of: it.trait_.as_ref().and_then(|(path, _)| last(path)),
                on: on(&it.self_ty),
                members: it.items.iter().filter_map(member).collect(),
            }
        }
        _ => return None,
    };
    publish.sort_unstable();
    let mut mentioned = BTreeSet::new();
    names::collect(it.to_token_stream(), &mut mentioned);
    Some(ItemPart { range: whole, kind, publish, names: mentioned })
}

fn value(vis: &Visibility, name: &syn::Ident, it: &(impl ToTokens + Clone), publish: &mut Vec<usize>) -> ItemKind {
    lift(vis, it, publish);
    ItemKind::Value(name.to_string())
}

fn lift_fields(fields: &Fields, publish: &mut Vec<usize>) {
    for field in fields {
        lift(&field.vis, field, publish);
    }
}

fn lift_methods(items: &[ImplItem], publish: &mut Vec<usize>) {
    for it in items {
        match it {
            ImplItem::Const(it) => lift(&it.vis, it, publish),
            ImplItem::Fn(it) => lift(&it.vis, it, publish),
            ImplItem::Type(it) => lift(&it.vis, it, publish),
            _ => {}
        }
    }
}

/// Notes the place before the first token that is not part of an attribute.
fn lift(vis: &Visibility, it: &impl ToTokens, publish: &mut Vec<usize>) {
    if !matches!(vis, Visibility::Inherited) {
        return;
    }
    let mut tokens = it.to_token_stream().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            proc_macro2::TokenTree::Punct(mark) if mark.as_char() == '#' => {
                // `#` and its brackets.
                tokens.next();
            }
            token => {
                publish.push(range(token).map_or(0, |range| range.start));
                return;
            }
        }
    }
}

fn member(it: &ImplItem) -> Option<String> {
    match it {
        ImplItem::Const(it) => Some(it.ident.to_string()),
        ImplItem::Fn(it) => Some(it.sig.ident.to_string()),
        ImplItem::Type(it) => Some(it.ident.to_string()),
        _ => None,
    }
}

fn last(path: &syn::Path) -> Option<String> {
    path.segments.last().map(|segment| segment.ident.to_string())
}

fn on(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => last(&path.path),
        syn::Type::Reference(reference) => on(&reference.elem),
        _ => None,
    }
}
