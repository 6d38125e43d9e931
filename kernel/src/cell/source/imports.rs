//! Imports: one `use` may bring many names, and each of them lives and dies by itself.

use std::collections::BTreeSet;
use std::ops::Range;

use quote::ToTokens;
use syn::UseTree;

use super::names::{self, written};
use super::span::range;

const EXTERN_CRATE: &str = "extern crate ";

/// One name that a `use` brings, or one glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// What stands before it: `std::collections::`.
    pub(crate) path: String,
    /// `HashMap`, `self`, `HashMap as Map` or `*`, in the cell's text.
    pub(crate) range: Range<usize>,
    /// The name that it binds; none for a glob and for `as _`.
    pub(crate) binds: Option<String>,
    /// Every identifier in it.
    pub(crate) names: BTreeSet<String>,
}

impl Leaf {
    /// The import by itself.
    pub(crate) fn text(&self, cell: &str) -> String {
        let [open, close] = self.around();
        format!("{open}{}{close}", &cell[self.range.clone()])
    }

    /// What is written around the leaf to import it by itself.
    pub(crate) fn around(&self) -> [String; 2] {
        if self.path == EXTERN_CRATE {
            return [self.path.clone(), ";".to_owned()];
        }
        [format!("use {}{{", self.path), "};".to_owned()]
    }
}

/// The leaves of a `use`.
pub(crate) fn leaves(it: &syn::ItemUse) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let start = if it.leading_colon.is_some() { "::" } else { "" };
    walk(&it.tree, start.to_owned(), &mut leaves);
    leaves
}

/// `extern crate name;` is the import of a crate.
pub(crate) fn of_crate(it: &syn::ItemExternCrate) -> Option<Leaf> {
    let (first, last) = match &it.rename {
        Some((_, name)) => (&it.ident, name),
        None => (&it.ident, &it.ident),
    };
    let range = first.span().byte_range().start..last.span().byte_range().end;
    Some(Leaf {
        path: EXTERN_CRATE.to_owned(),
        range,
        binds: bound(last),
        names: BTreeSet::from([it.ident.to_string()]),
    })
}

fn walk(tree: &UseTree, path: String, into: &mut Vec<Leaf>) {
    let binds = match tree {
        UseTree::Path(it) => {
            // A segment keeps its `r#`.
            let path = format!("{path}{}::", it.ident);
            return walk(&it.tree, path, into);
        }
        UseTree::Group(it) => {
            for tree in &it.items {
                walk(tree, path.clone(), into);
            }
            return;
        }
        // `use a::b::{self}` binds `b`.
        UseTree::Name(it) if it.ident == "self" => {
            path.trim_end_matches("::").rsplit("::").next().map(|name| names::plain(name).to_owned())
        }
        UseTree::Name(it) => bound(&it.ident),
        UseTree::Rename(it) => bound(&it.rename),
        UseTree::Glob(_) => None,
    };
    let Some(range) = range(tree) else { return };
    let mut named: BTreeSet<String> = path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names::collect(tree.to_token_stream(), &mut named);
    into.push(Leaf { path, range, binds, names: named });
}

fn bound(name: &syn::Ident) -> Option<String> {
    (name != "_").then(|| written(name))
}
