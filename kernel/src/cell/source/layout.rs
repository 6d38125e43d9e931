//! What of a type's declaration decides how its values lie in memory: not what is derived for it, nor
//! documentation, nor who can see its fields.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Item, Visibility};

use super::tokens::canonical;
use super::uses;

/// A type's declaration as far as it decides the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) tokens: String,
    /// What it depends on.
    pub(crate) uses: BTreeSet<String>,
}

/// The layout that `item` declares; none if it is no type.
pub(crate) fn layout(item: &Item) -> Option<Layout> {
    let mut item = item.clone();
    match &mut item {
        Item::Struct(it) => outside(&mut it.attrs),
        Item::Enum(it) => outside(&mut it.attrs),
        Item::Union(it) => outside(&mut it.attrs),
        _ => return None,
    }
    Inside.visit_item_mut(&mut item);
    Some(Layout { tokens: canonical(item.to_token_stream()), uses: uses::uses(&item) })
}

/// Attributes of a type that leave its layout alone.
const HARMLESS: [&str; 16] = [
    "doc",
    "derive",
    "allow",
    "warn",
    "deny",
    "expect",
    "must_use",
    "deprecated",
    "serde",
    "clap",
    "command",
    "arg",
    "error",
    "automatically_derived",
    "diagnostic",
    "rustfmt",
];

fn outside(attributes: &mut Vec<Attribute>) {
    // A derived `Drop` decides what a container does with its values.
    let drops = |it: &Attribute| it.path().is_ident("derive") && it.to_token_stream().to_string().contains("Drop");
    attributes.retain(|it| drops(it) || !HARMLESS.iter().any(|name| it.path().is_ident(name)));
}

struct Inside;

impl VisitMut for Inside {
    fn visit_field_mut(&mut self, it: &mut syn::Field) {
        inside(&mut it.attrs);
        it.vis = Visibility::Inherited;
        syn::visit_mut::visit_field_mut(self, it);
    }

    fn visit_variant_mut(&mut self, it: &mut syn::Variant) {
        inside(&mut it.attrs);
        syn::visit_mut::visit_variant_mut(self, it);
    }

    fn visit_visibility_mut(&mut self, it: &mut Visibility) {
        *it = Visibility::Inherited;
    }
}

/// On a field, what is not the compiler's own is for what is derived.
fn inside(attributes: &mut Vec<Attribute>) {
    attributes.retain(|it| ["cfg", "cfg_attr", "non_exhaustive"].iter().any(|name| it.path().is_ident(name)));
}

#[cfg(test)]
mod tests {
    use super::layout;

    #[test]
    fn fields_count_and_what_is_derived_does_not() {
        let tokens = |text: &str| layout(&syn::parse_str(text).expect("an item")).expect("a type").tokens;
        let one = tokens("struct Net<T> { weights: Vec<T>, rate: f32 }");
        for same in [
            "/// A net.\n#[derive(Debug, Clone)] pub struct Net<T> { pub weights: Vec<T>, pub(crate) rate: f32 }",
            "#[derive(Serialize)] #[serde(default)] struct Net<T> { #[serde(skip)] weights: Vec<T>, /* */ rate: f32 }",
        ] {
            assert_eq!(one, tokens(same));
        }
        for other in [
            "struct Net<T> { rate: f32, weights: Vec<T> }",
            "struct Net<T> { weights: Vec<T>, rate: f64 }",
            "struct Net<T> { weights: Vec<T>, speed: f32 }",
            "struct Net<U> { weights: Vec<U>, rate: f32 }",
            "#[repr(C)] struct Net<T> { weights: Vec<T>, rate: f32 }",
            "#[derive(ZeroizeOnDrop)] struct Net<T> { weights: Vec<T>, rate: f32 }",
        ] {
            assert_ne!(one, tokens(other));
        }
    }
}
