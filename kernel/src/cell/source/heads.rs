//! The head of an `impl`: what tells it from all others.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

use super::tokens::canonical;

/// Trait and type, with the parameters called by their position. Bounds are left out: two `impl`s that
/// differ in them only exclude each other.
pub(crate) fn head(it: &syn::ItemImpl) -> String {
    let parameters: Vec<String> = it.generics.params.iter().map(name).collect();
    let mut head = TokenStream::new();
    if let Some((path, _)) = &it.trait_ {
        path.to_tokens(&mut head);
        head.extend([TokenTree::Ident(Ident::new("for", Span::call_site()))]);
    }
    it.self_ty.to_tokens(&mut head);
    canonical(by_position(head, &parameters))
}

fn name(parameter: &syn::GenericParam) -> String {
    match parameter {
        syn::GenericParam::Lifetime(it) => it.lifetime.ident.to_string(),
        syn::GenericParam::Type(it) => it.ident.to_string(),
        syn::GenericParam::Const(it) => it.ident.to_string(),
    }
}

fn by_position(tokens: TokenStream, parameters: &[String]) -> TokenStream {
    let rename = |token| match token {
        TokenTree::Ident(name) => match parameters.iter().position(|it| name == *it) {
            Some(position) => TokenTree::Ident(Ident::new(&format!("_parameter_{position}"), name.span())),
            None => TokenTree::Ident(name),
        },
        TokenTree::Group(group) => {
            TokenTree::Group(Group::new(group.delimiter(), by_position(group.stream(), parameters)))
        }
        token => token,
    };
    tokens.into_iter().map(rename).collect()
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn the_names_of_parameters_do_not_count_and_types_do() {
        let head = |text: &str| head(&syn::parse_str(text).expect("an impl"));
        let one = head("impl<'a, T: Clone> Show<&'a T> for Stack<T, 3> {}");
        assert_eq!(one, head("impl < 'b , U > Show<&'b U> for Stack<U, 3> where U: Copy { fn f() {} }"));
        for other in ["impl<'a, T> Show<&'a T> for Stack<T, 4> {}", "impl<'a, T> Show<T> for Stack<&'a T, 3> {}"] {
            assert_ne!(one, head(other));
        }
    }
}
