//! What a notebook holds of earlier cells: items and imports, where they were written and which crate has them now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cell::source::imports::Leaf;
use crate::cell::source::items::{ItemKind, ItemPart};

/// A cell that was run: what its parts are ranges of.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) cell: u32,
    pub(crate) text: Arc<str>,
}

/// An item, and the crate that holds it now.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) krate: String,
    /// The module of that crate which it stands in; none for its root.
    pub(crate) module: Option<String>,
    /// Where its statics are that have been made already, in the order in which they stand in it.
    pub(crate) memory: Vec<Option<Memory>>,
    pub(crate) origin: Origin,
    pub(crate) part: ItemPart,
    /// The level of optimisation that it was given; 0 where none was.
    pub(crate) opt: u8,
    /// What the names that it uses led to when it was compiled.
    pub(crate) saw: BTreeMap<String, String>,
    /// It no longer compiles with what a later cell defined; it is tried again when that changes.
    pub(crate) broken: bool,
}

impl Held {
    /// A new item, not yet in any crate.
    pub(crate) fn new(origin: &Origin, part: &ItemPart) -> Self {
        Self {
            krate: String::new(),
            module: None,
            memory: vec![None; part.statics.len()],
            origin: origin.clone(),
            part: part.clone(),
            opt: 0,
            saw: BTreeMap::new(),
            broken: false,
        }
    }

    /// What its name is written after.
    pub(crate) fn path(&self) -> String {
        match &self.module {
            Some(module) => format!("{}::{module}", self.krate),
            None => self.krate.clone(),
        }
    }

    /// Where it was written.
    pub(crate) fn key(&self) -> Key {
        (self.origin.cell, self.part.range.start)
    }

    /// What to call it.
    pub(crate) fn title(&self) -> String {
        match &self.part.kind {
            ItemKind::Impl(it) => format!("`impl {}`", it.target),
            kind => format!("`{}`", kind.name().unwrap_or_default()),
        }
    }

    /// Whether a part of it was defined anew elsewhere.
    pub(crate) fn is_cut(&self) -> bool {
        self.part.edits.iter().any(|(_, with)| with.is_empty())
    }
}

/// A place in a cell: its count and a byte.
pub(crate) type Key = (u32, usize);

/// An import that holds for all later cells.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) origin: Origin,
    pub(crate) leaf: Leaf,
    /// The name that it binds.
    pub(crate) binds: Option<String>,
}

/// Stands for the hash of a crate's text until that is complete; as long as the hash, and nothing that a person
/// writes.
pub(crate) const HASH: &str = "q7xz0vkw2mjp9ghd";

/// Where a static is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The library, as its file is called.
    pub(crate) file: String,
    pub(crate) symbol: String,
}

/// The symbol of an item's static in the crate whose text has the hash `hash`.
pub(crate) fn static_symbol(hash: &str, part: &ItemPart, index: usize) -> String {
    // FNV-1a: the same in every session, since compiled cells are kept.
    let item = part
        .tokens
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("assay_static_{hash}_{item:016x}_{index}")
}

/// What the modules of changed types are called, before a hash.
pub(crate) const MODULE: &str = "assay_version_";

/// An item in the name of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemPath<'a> {
    pub(crate) krate: &'a str,
    pub(crate) module: Option<&'a str>,
    pub(crate) item: &'a str,
}

/// Each `cell_<hash>::Item` in a type.
pub(crate) fn paths(ty: &str) -> impl Iterator<Item = ItemPath<'_>> {
    fn word(text: &str) -> &str {
        &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
    }
    ty.match_indices("cell_").filter_map(|(at, _)| {
        let (krate, rest) = ty[at..].split_once("::")?;
        let first = word(rest);
        let inside = first.starts_with(MODULE).then(|| rest[first.len()..].strip_prefix("::")).flatten();
        let (module, item) = match inside {
            Some(rest) => (Some(first), word(rest)),
            None => (None, first),
        };
        (krate.len() == 21).then_some(ItemPath { krate, module, item })
    })
}
