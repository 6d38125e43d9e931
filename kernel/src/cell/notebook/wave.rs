//! What of earlier cells a change reaches.

use std::collections::{BTreeMap, BTreeSet};

use crate::cell::source::items::{ItemKind, ItemPart};
use crate::cell::source::split::Split;

/// How much of what uses a changed item changes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// The code that calls it.
    Value,
    /// The types that have it as a length, too.
    Constant,
    /// Everything that names it: it is another type now.
    Identity,
}

/// Earlier items that change with a cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Wave<'a> {
    pub(super) changed: BTreeMap<&'a str, Change>,
    /// Those that the cell does not define itself.
    pub(super) carried: BTreeSet<&'a str>,
}

/// What a cell's definitions stand among.
#[derive(Clone, Copy)]
pub(super) struct Among<'a> {
    pub(super) split: &'a Split,
    pub(super) text: &'a str,
    pub(super) own: &'a [&'a ItemPart],
    pub(super) defined: &'a BTreeSet<&'a str>,
    pub(super) used: &'a BTreeMap<&'a str, BTreeSet<String>>,
}

pub(super) fn change_of(kind: &ItemKind) -> Change {
    match kind {
        ItemKind::Value(_) => Change::Value,
        ItemKind::Constant(_) => Change::Constant,
        _ => Change::Identity,
    }
}
