//! The identifiers of a piece of source.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::UseTree;

/// Adds every identifier in `tokens`, and those that format strings name (`"{loss:.3}"`). It may add too
/// many, never too few: a variable whose name is not here is not loaded.
pub(crate) fn collect(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                into.insert(name.to_string().trim_start_matches("r#").to_owned());
            }
            TokenTree::Group(group) => collect(group.stream(), into),
            TokenTree::Literal(literal) => in_format_string(&literal.to_string(), into),
            TokenTree::Punct(_) => {}
        }
    }
}

fn in_format_string(literal: &str, into: &mut BTreeSet<String>) {
    if !literal.contains('"') {
        return;
    }
    for piece in literal.split(['{', ':', '$', '.', '}']).skip(1) {
        let piece = piece.trim_end_matches('?');
        if !piece.is_empty() && piece.chars().all(|c| c.is_alphanumeric() || c == '_') {
            into.insert(piece.to_owned());
        }
    }
}

/// Adds the names that an import brings into scope; none for a glob.
pub(super) fn bound_by_use(tree: &UseTree, into: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => match &*path.tree {
            // `use a::b::{self}` binds `b`.
            UseTree::Name(name) if name.ident == "self" => into.push(path.ident.to_string()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    match tree {
                        UseTree::Name(name) if name.ident == "self" => into.push(path.ident.to_string()),
                        tree => bound_by_use(tree, into),
                    }
                }
            }
            tree => bound_by_use(tree, into),
        },
        UseTree::Name(name) => into.push(name.ident.to_string()),
        UseTree::Rename(rename) => into.push(rename.rename.to_string()),
        UseTree::Glob(_) => {}
        UseTree::Group(group) => group.items.iter().for_each(|tree| bound_by_use(tree, into)),
    }
}
