//! What `thread_local!` defines.

use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Visibility};

/// Each static of a `thread_local!`; nothing for another macro.
pub(crate) fn locals(it: &syn::Macro) -> Vec<Local> {
    if it.path.segments.last().is_none_or(|last| last.ident != "thread_local") {
        return Vec::new();
    }
    syn::parse2(it.tokens.clone()).map(|Locals(locals)| locals).unwrap_or_default()
}

/// One `static NAME: T = value` of `thread_local!`.
pub(crate) struct Local {
    attributes: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: syn::Ident,
    pub(crate) ty: syn::Type,
    rest: proc_macro2::TokenStream,
}

struct Locals(Vec<Local>);

impl Parse for Locals {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut locals = Vec::new();
        while !input.is_empty() {
            let attributes = input.call(Attribute::parse_outer)?;
            let vis = input.parse()?;
            let keyword: syn::Token![static] = input.parse()?;
            let name: syn::Ident = input.parse()?;
            let mut rest = keyword.to_token_stream();
            name.to_tokens(&mut rest);
            input.parse::<syn::Token![:]>()?.to_tokens(&mut rest);
            let ty: syn::Type = input.parse()?;
            ty.to_tokens(&mut rest);
            input.parse::<syn::Token![=]>()?.to_tokens(&mut rest);
            input.parse::<syn::Expr>()?.to_tokens(&mut rest);
            input.parse::<Option<syn::Token![;]>>()?;
            locals.push(Local { attributes, vis, name, ty, rest });
        }
        Ok(Self(locals))
    }
}

impl ToTokens for Local {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.attributes.iter().for_each(|it| it.to_tokens(tokens));
        self.vis.to_tokens(tokens);
        self.rest.to_tokens(tokens);
    }
}
