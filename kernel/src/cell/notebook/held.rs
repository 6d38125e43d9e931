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
            origin: origin.clone(),
            part: part.clone(),
            opt: 0,
            saw: BTreeMap::new(),
            broken: false,
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

/// Each `cell_<hash>::Item` in a type: the crate, and the item.
pub(crate) fn crate_paths(ty: &str) -> impl Iterator<Item = (&str, &str)> {
    ty.match_indices("cell_").filter_map(|(at, _)| {
        let (krate, rest) = ty[at..].split_once("::")?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        (krate.len() == 21).then(|| (krate, &rest[..end]))
    })
}
