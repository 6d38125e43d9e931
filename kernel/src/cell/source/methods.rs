//! The methods of an `impl`, as traits could have them instead.

use std::ops::Range;

use quote::ToTokens;
use syn::{FnArg, ImplItem, Visibility};

use super::span::range;
use super::tokens::canonical;

/// A method, and the trait that could have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) name: String,
    /// Without space and comments.
    pub(crate) tokens: String,
    pub(crate) range: Range<usize>,
    /// `pub`, where that is written.
    pub(crate) public: Option<Range<usize>>,
    /// The signature as a trait declares it.
    pub(crate) signature: String,
    pub(crate) head: Head,
}

/// What an `impl` says before its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// `<T: Clone>`
    pub(crate) declared: String,
    /// `<T>`
    pub(crate) named: String,
    pub(crate) on: String,
    /// `where T: Copy`
    pub(crate) bounds: String,
}

/// The methods of an `impl`; `None` where a trait could not have one of them.
pub(crate) fn methods(it: &syn::ItemImpl) -> Option<Vec<Method>> {
    if it.trait_.is_some() {
        return None;
    }
    let (declared, named, bounds) = it.generics.split_for_impl();
    let head = Head {
        declared: declared.to_token_stream().to_string(),
        named: named.to_token_stream().to_string(),
        on: it.self_ty.to_token_stream().to_string(),
        bounds: bounds.to_token_stream().to_string(),
    };
    it.items.iter().map(|member| method(member, &head)).collect()
}

fn method(member: &ImplItem, head: &Head) -> Option<Method> {
    let ImplItem::Fn(it) = member else { return None };
    if it.sig.constness.is_some() {
        return None;
    }
    let mut signature = it.sig.clone();
    for argument in &mut signature.inputs {
        match argument {
            // A declaration has no patterns.
            FnArg::Typed(it) => *it.pat = syn::parse_quote!(_),
            FnArg::Receiver(it) => it.mutability = None,
        }
    }
    let public = match &it.vis {
        Visibility::Inherited => None,
        vis => range(vis),
    };
    Some(Method {
        name: it.sig.ident.to_string(),
        tokens: canonical(it.to_token_stream()),
        range: range(member)?,
        public,
        signature: signature.to_token_stream().to_string(),
        head: head.clone(),
    })
}
