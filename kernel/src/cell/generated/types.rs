//! The names of types, as later cells can write them.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::visit_mut::VisitMut;

use crate::cell::source::depth;

/// Turns a type as the compiler printed it inside crate `krate` into one that other crates can write.
/// `external` are the crates that every cell can name.
pub(crate) fn in_later_cells(printed: &str, krate: &str, external: &BTreeSet<&str>) -> String {
    // What is not yet decided when the message is printed becomes what it falls back to.
    let printed = printed.replace("{integer}", "i32").replace("{float}", "f64");
    let qualified = depth::parse(&printed, |printed| {
        let mut ty = syn::parse_str::<syn::Type>(printed).ok()?;
        Qualify { krate, external }.visit_type_mut(&mut ty);
        Some(ty.to_token_stream().to_string().replace(" :: ", "::").replace(":: ", "::").replace(" ,", ","))
    });
    qualified.ok().flatten().unwrap_or(printed)
}

/// Whether a later cell can write the type: closures and `impl Trait` have no name, and what is defined
/// inside a cell's body cannot be reached.
pub(crate) fn is_nameable(ty: &str) -> bool {
    let nameable = |ty: &str| {
        syn::parse_str::<syn::Type>(ty).is_ok_and(|ty| {
            let mut found = Unnameable(false);
            syn::visit::Visit::visit_type(&mut found, &ty);
            !found.0
        })
    };
    depth::parse(ty, nameable).unwrap_or(false)
}

/// Whether the type is defined inside a cell's body.
pub(crate) fn is_inside_cell(ty: &str) -> bool {
    ty.match_indices("assay_body::").any(|(at, _)| !ty[at..].starts_with("assay_body::{closure#0}}"))
        && !ty.contains("{closure@")
        && !ty.contains("{async ")
}

/// The type as a person would write it: without the crates that only we know of.
pub(crate) fn for_people(ty: &str) -> String {
    let mut words = String::new();
    let mut path = String::new();
    for c in ty.chars().chain(std::iter::once(' ')) {
        if c.is_alphanumeric() || c == '_' || c == ':' {
            path.push(c);
            continue;
        }
        words.push_str(path.rsplit("::").next().unwrap_or_default());
        path.clear();
        words.push(c);
    }
    words.trim_end().replace("< ", "<").replace(" >", ">").replace(" <", "<").replace("& ", "&").replace(" ;", ";")
}

struct Qualify<'a> {
    krate: &'a str,
    external: &'a BTreeSet<&'a str>,
}

impl VisitMut for Qualify<'_> {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        syn::visit_mut::visit_path_mut(self, path);
        let Some(first) = path.segments.first().map(|segment| segment.ident.to_string()) else { return };
        // The compiler prints foreign types from their crate on, and its own from the crate's root on.
        let foreign = if path.segments.len() == 1 { is_primitive(&first) } else { self.is_crate(&first) };
        if !foreign && let Ok(full) = syn::parse_str(&format!("{}::{}", self.krate, path.to_token_stream())) {
            *path = full;
        } else if path.segments.len() > 1 {
            // A cell may have a module called `std`.
            path.leading_colon.get_or_insert_default();
        }
    }
}

impl Qualify<'_> {
    fn is_crate(&self, name: &str) -> bool {
        matches!(name, "std" | "core" | "alloc" | "lab") || name.starts_with("cell_") || self.external.contains(name)
    }
}

struct Unnameable(bool);

impl<'ast> syn::visit::Visit<'ast> for Unnameable {
    fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
        self.0 = true;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0 |= path.segments.iter().any(|segment| segment.ident == "assay_body" || segment.ident == "{closure");
        syn::visit::visit_path(self, path);
    }

    fn visit_type_infer(&mut self, _: &'ast syn::TypeInfer) {
        self.0 = true;
    }
}

fn is_primitive(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "char"
            | "str"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "f16"
            | "f32"
            | "f64"
            | "f128"
            | "Self"
    )
}
