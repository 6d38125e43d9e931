//! The items of a cell, and what has to be made public in them: a later cell is another crate, and in a
//! notebook everything at the top level is there for what follows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use quote::ToTokens;
use syn::{Fields, ForeignItem, ImplItem, Item, Visibility};

use super::heads;
use super::layout::{Layout, layout};
use super::locals::{Local, locals};
use super::methods::{self, Method};
use super::names::{self, written};
use super::span::range;
use super::statics::{Static, statics};
use super::tokens::canonical;
use super::uses;

/// A place in the text, and what is written there instead.
pub(crate) type Edit = (Range<usize>, Cow<'static, str>);

/// One item.
#[derive(Debug, Clone)]
pub(crate) struct ItemPart {
    pub(crate) range: Range<usize>,
    pub(crate) kind: ItemKind,
    /// What is written in place of parts of it, in ascending order: `pub ` at the empty range before a field, and
    /// what asks whether to stop.
    pub(crate) edits: Vec<Edit>,
    /// What stands around it: `thread_local! {` and `}`, `extern "C" {` and `}`.
    pub(crate) around: Option<(Range<usize>, Range<usize>)>,
    /// The item without space and comments: what it is known again by.
    pub(crate) tokens: String,
    /// Every identifier in the item.
    pub(crate) names: BTreeSet<String>,
    /// Those of them that other items may be meant by.
    pub(crate) uses: BTreeSet<String>,
    /// What decides the layout of a type.
    pub(crate) layout: Option<Layout>,
    /// Memory that the item has.
    pub(crate) statics: Vec<Static>,
}

/// What an item defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// A function or static: no type changes meaning when it does.
    Value(String),
    /// A constant or constant function, which a type may have as a length.
    Constant(String),
    /// A type.
    Type(String),
    /// Another name of a type.
    Alias(String),
    Module(String),
    /// A trait, and what it makes callable without its name.
    Trait {
        name: String,
        members: BTreeSet<String>,
    },
    Impl(Impl),
}

/// An `impl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impl {
    /// Its type and its trait, by the last names of their paths, then whatever else its head names: one of
    /// them has to be defined in the same crate.
    pub(crate) homes: Vec<String>,
    /// Trait and type as they are written.
    pub(crate) target: String,
    /// The same, whatever its parameters are called: two `impl`s of one head exclude each other.
    pub(crate) head: String,
    pub(crate) inherent: bool,
    pub(crate) members: BTreeMap<String, Range<usize>>,
    /// Its associated types and constants, which a type's layout may depend on.
    pub(crate) associated: BTreeSet<String>,
    /// Its methods, if traits could have them instead.
    pub(crate) methods: Option<Vec<Method>>,
}

impl ItemKind {
    /// The name that the item defines.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Value(name) | Self::Constant(name) | Self::Module(name) => Some(name),
            Self::Type(name) | Self::Alias(name) => Some(name),
            Self::Trait { name, .. } => Some(name),
            Self::Impl(_) => None,
        }
    }
}

impl ItemPart {
    /// What decides whether it is another one to types that depend on it, and what that depends on.
    pub(crate) fn identity(&self) -> (&str, &BTreeSet<String>) {
        self.layout.as_ref().map_or((&self.tokens, &self.uses), |layout| (&layout.tokens, &layout.uses))
    }

    /// Whether it is a static that can change.
    pub(crate) fn is_static(&self) -> bool {
        matches!(self.statics.as_slice(), [it] if it.range == self.range)
    }

    /// Whether types stand inside it, which no name tells apart from those of an earlier version.
    pub(crate) fn hides_types(&self) -> bool {
        matches!(self.kind, ItemKind::Value(_) | ItemKind::Constant(_) | ItemKind::Impl(_))
            && ["struct", "enum", "union"].iter().any(|word| self.names.contains(*word))
    }

    fn new(kind: ItemKind, it: &impl ToTokens, uses: BTreeSet<String>, mut edits: Vec<Edit>) -> Option<Self> {
        edits.sort_by_key(|(range, _)| range.start);
        let mut names = BTreeSet::new();
        names::collect(it.to_token_stream(), &mut names);
        Some(Self {
            range: range(it)?,
            kind,
            edits,
            around: None,
            tokens: canonical(it.to_token_stream()),
            names,
            uses,
            layout: None,
            statics: Vec::new(),
        })
    }

    /// Adds what is inserted into its code.
    pub(super) fn insert(&mut self, edits: Vec<Edit>) {
        self.edits.extend(edits);
        self.edits.sort_by_key(|(range, _)| range.start);
    }
}

/// Describes an item; nothing for one that is left inside the cell's body.
pub(crate) fn items(it: &Item) -> Vec<ItemPart> {
    let mut edits = Vec::new();
    let kind = match it {
        Item::Fn(it) => {
            lift(&it.vis, it, &mut edits);
            let name = written(&it.sig.ident);
            if it.sig.constness.is_some() { ItemKind::Constant(name) } else { ItemKind::Value(name) }
        }
        // `const _` has no name to be found by.
        Item::Const(it) if it.ident == "_" => return Vec::new(),
        Item::Const(it) => {
            lift(&it.vis, it, &mut edits);
            ItemKind::Constant(written(&it.ident))
        }
        Item::Static(it) => {
            lift(&it.vis, it, &mut edits);
            ItemKind::Value(written(&it.ident))
        }
        Item::Struct(it) => {
            lift(&it.vis, it, &mut edits);
            lift_fields(&it.fields, &mut edits);
            ItemKind::Type(written(&it.ident))
        }
        Item::Union(it) => {
            lift(&it.vis, it, &mut edits);
            lift_fields(&Fields::Named(it.fields.clone()), &mut edits);
            ItemKind::Type(written(&it.ident))
        }
        Item::Enum(it) => {
            lift(&it.vis, it, &mut edits);
            ItemKind::Type(written(&it.ident))
        }
        Item::Type(it) => {
            lift(&it.vis, it, &mut edits);
            ItemKind::Alias(written(&it.ident))
        }
        Item::Mod(it) => {
            lift(&it.vis, it, &mut edits);
            ItemKind::Module(written(&it.ident))
        }
        Item::Trait(it) => {
            lift(&it.vis, it, &mut edits);
            let members = it.items.iter().filter_map(|it| match it {
                syn::TraitItem::Fn(it) => Some(names::plain(&it.sig.ident.to_string()).to_owned()),
                _ => None,
            });
            ItemKind::Trait { name: written(&it.ident), members: members.collect() }
        }
        Item::Impl(it) => {
            if it.trait_.is_none() {
                lift_methods(&it.items, &mut edits);
            }
            ItemKind::Impl(head(it))
        }
        Item::ForeignMod(it) => return foreign(it),
        _ => return Vec::new(),
    };
    let mut part = ItemPart::new(kind, it, uses::uses(it), edits);
    if let Some(part) = &mut part {
        (part.layout, part.statics) = (layout(it), statics(it));
    }
    part.into_iter().collect()
}

/// The items that a macro of the standard library defines: `thread_local!`. What other macros expand to is
/// not known here.
pub(crate) fn items_of_macro(it: &syn::Macro) -> Vec<ItemPart> {
    let locals = locals(it);
    let (Some(whole), Some(inside)) = (range(it), range(&it.tokens)) else { return Vec::new() };
    let describe = |it: &Local| {
        let mut edits = Vec::new();
        lift(&it.vis, it, &mut edits);
        let mut part =
            ItemPart::new(ItemKind::Value(written(&it.name)), it, uses::in_tokens(it.to_token_stream()), edits)?;
        part.around = Some((whole.start..inside.start, inside.end..whole.end));
        part.statics.extend(Static::of_thread(it, written(&it.name), &it.ty));
        Some(part)
    };
    locals.iter().filter_map(describe).collect()
}

/// Each function and static of an `extern` block, in a block of its own.
fn foreign(block: &syn::ItemForeignMod) -> Vec<ItemPart> {
    let (Some(whole), Some(first)) = (range(block), block.items.first().and_then(range)) else { return Vec::new() };
    let end = block.brace_token.span.close().byte_range().start;
    let describe = |it: &ForeignItem| {
        let (name, vis) = match it {
            ForeignItem::Fn(it) => (&it.sig.ident, &it.vis),
            ForeignItem::Static(it) => (&it.ident, &it.vis),
            _ => return None,
        };
        let mut edits = Vec::new();
        lift(vis, it, &mut edits);
        let uses = uses::in_tokens(it.to_token_stream());
        let mut part = ItemPart::new(ItemKind::Value(written(name)), it, uses, edits)?;
        part.around = Some((whole.start..first.start, end..whole.end));
        part.tokens = format!("{}{}", canonical(block.abi.to_token_stream()), part.tokens);
        Some(part)
    };
    let parts: Option<Vec<ItemPart>> = block.items.iter().map(describe).collect();
    parts.unwrap_or_default()
}

fn head(it: &syn::ItemImpl) -> Impl {
    let mut homes: Vec<String> = on(&it.self_ty).into_iter().collect();
    let mut head = it.self_ty.to_token_stream();
    let mut target = String::new();
    if let Some((path, _)) = &it.trait_ {
        homes.extend(path.segments.last().map(|segment| written(&segment.ident)));
        target = format!("{} for ", path.to_token_stream());
        path.to_tokens(&mut head);
    }
    target.push_str(&it.self_ty.to_token_stream().to_string());
    for name in uses::in_tokens(head) {
        if !homes.contains(&name) {
            homes.push(name);
        }
    }
    let members = it.items.iter().filter_map(|item| Some((member(item)?, range(item)?))).collect();
    let associated = it.items.iter().filter(|it| matches!(it, ImplItem::Type(_) | ImplItem::Const(_)));
    let associated = associated.map(|it| canonical(it.to_token_stream())).collect();
    let head = heads::head(it);
    Impl { homes, target, head, associated, inherent: it.trait_.is_none(), members, methods: methods::methods(it) }
}

fn lift_fields(fields: &Fields, edits: &mut Vec<Edit>) {
    for field in fields {
        lift(&field.vis, field, edits);
    }
}

fn lift_methods(items: &[ImplItem], edits: &mut Vec<Edit>) {
    for it in items {
        match it {
            ImplItem::Const(it) => lift(&it.vis, it, edits),
            ImplItem::Fn(it) => lift(&it.vis, it, edits),
            ImplItem::Type(it) => lift(&it.vis, it, edits),
            _ => {}
        }
    }
}

/// Makes an item public: `pub` before the first token that is not part of an attribute, or in place of
/// `pub(crate)`.
fn lift(vis: &Visibility, it: &impl ToTokens, edits: &mut Vec<Edit>) {
    match vis {
        Visibility::Public(_) => return,
        Visibility::Restricted(_) => {
            edits.extend(range(vis).map(|range| (range, "pub".into())));
            return;
        }
        Visibility::Inherited => {}
    }
    let mut tokens = it.to_token_stream().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            proc_macro2::TokenTree::Punct(mark) if mark.as_char() == '#' => {
                // `#` and its brackets.
                tokens.next();
            }
            token => {
                edits.extend(range(token).map(|range| (range.start..range.start, "pub ".into())));
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

fn on(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| written(&segment.ident)),
        syn::Type::Reference(reference) => on(&reference.elem),
        _ => None,
    }
}
