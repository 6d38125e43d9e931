//! The statics in an item: memory that outlives the code around it. When that code is compiled again, it goes on
//! using the same memory.

use std::collections::BTreeSet;
use std::ops::Range;

use quote::ToTokens;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Type};

use super::locals::locals;
use super::names::written;
use super::span::range;
use super::tokens::canonical;
use super::uses;

/// A static, or the statics of one `thread_local!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Static {
    pub(crate) range: Range<usize>,
    /// What it says, without space and comments.
    pub(crate) tokens: String,
    /// Each with its own value in every thread.
    pub(crate) local: bool,
    pub(crate) variables: Vec<Variable>,
    /// What their types name.
    pub(crate) uses: BTreeSet<String>,
}

/// One name and its type, as any crate can write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) mutable: bool,
    pub(crate) ty: String,
}

impl Static {
    fn new(it: &impl ToTokens, local: bool, variables: &[(String, bool, Type)]) -> Option<Self> {
        let mut uses = BTreeSet::new();
        for (.., ty) in variables {
            uses.extend(uses::in_tokens(ty.to_token_stream()));
        }
        let variable = |(name, mutable, ty): &(String, bool, Type)| {
            let mut ty = ty.clone();
            Outlive.visit_type_mut(&mut ty);
            Variable { name: name.clone(), mutable: *mutable, ty: ty.to_token_stream().to_string() }
        };
        let variables = variables.iter().map(variable).collect();
        Some(Self { range: range(it)?, tokens: canonical(it.to_token_stream()), local, variables, uses })
    }

    /// One static of a `thread_local!` at the top level of a cell.
    pub(crate) fn of_thread(it: &impl ToTokens, name: String, ty: &Type) -> Option<Self> {
        Self::new(it, true, &[(name, false, ty.clone())])
    }
}

/// The statics in `item` that can change.
pub(crate) fn statics(item: &syn::Item) -> Vec<Static> {
    let mut found = Statics(Vec::new());
    found.visit_item(item);
    found.0
}

struct Statics(Vec<Static>);

impl<'ast> Visit<'ast> for Statics {
    fn visit_item_static(&mut self, it: &'ast syn::ItemStatic) {
        let mutable = matches!(it.mutability, syn::StaticMutability::Mut(_));
        if is_ours(&it.attrs) && (mutable || !is_constant(&it.ty)) {
            let variable = (written(&it.ident), mutable, (*it.ty).clone());
            self.0.extend(Static::new(it, false, &[variable]));
        }
    }

    fn visit_stmt_macro(&mut self, it: &'ast syn::StmtMacro) {
        self.thread_local(it, &it.mac);
    }

    fn visit_item_macro(&mut self, it: &'ast syn::ItemMacro) {
        self.thread_local(it, &it.mac);
    }
}

impl Statics {
    fn thread_local(&mut self, it: &impl ToTokens, mac: &syn::Macro) {
        let variables: Vec<_> = locals(mac).into_iter().map(|it| (written(&it.name), false, it.ty)).collect();
        if !variables.is_empty() {
            self.0.extend(Static::new(it, true, &variables));
        }
    }
}

/// Whether the static has no symbol of the person's, and is there whatever the configuration is.
fn is_ours(attributes: &[Attribute]) -> bool {
    let own = ["no_mangle", "export_name", "link_section", "unsafe", "cfg", "cfg_attr"];
    !attributes.iter().any(|it| own.iter().any(|name| it.path().is_ident(name)))
}

/// Whether nothing of this type can change: numbers, text, and arrays of them.
fn is_constant(ty: &Type) -> bool {
    match ty {
        Type::Array(it) => is_constant(&it.elem),
        Type::Slice(it) => is_constant(&it.elem),
        Type::Reference(it) => it.mutability.is_none() && is_constant(&it.elem),
        Type::Paren(it) => is_constant(&it.elem),
        Type::Tuple(it) => it.elems.iter().all(is_constant),
        Type::Path(it) => it.path.get_ident().is_some_and(|name| {
            let name = name.to_string();
            ["bool", "char", "str", "usize", "isize"].contains(&name.as_str())
                || name.starts_with(['i', 'u', 'f']) && name[1..].parse::<u8>().is_ok()
        }),
        _ => false,
    }
}

/// In a static, a lifetime that is left out is `'static`; in the declaration of one it has to be written.
struct Outlive;

impl VisitMut for Outlive {
    fn visit_type_reference_mut(&mut self, it: &mut syn::TypeReference) {
        it.lifetime.get_or_insert_with(|| syn::Lifetime::new("'static", proc_macro2::Span::call_site()));
        syn::visit_mut::visit_type_reference_mut(self, it);
    }

    fn visit_lifetime_mut(&mut self, it: &mut syn::Lifetime) {
        if it.ident == "_" {
            *it = syn::Lifetime::new("'static", it.span());
        }
    }

    /// What a function takes and returns has lifetimes of its own.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
}
