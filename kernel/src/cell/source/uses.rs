//! What an item depends on: the names that its paths start with. Closer than [`super::names`], where a
//! field counts like a function: on a change, what depends on it is compiled again, and values may be lost.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::Visit;

use super::names::{self, plain};

/// The names that `item` uses and does not bind itself.
pub(crate) fn uses(item: &syn::Item) -> BTreeSet<String> {
    let mut uses = Uses::default();
    uses.visit_item(item);
    uses.finish()
}

/// The same for tokens that no parser of ours knows: the inside of a macro.
pub(crate) fn in_tokens(tokens: TokenStream) -> BTreeSet<String> {
    let mut uses = Uses::default();
    uses.tokens(tokens);
    uses.finish()
}

#[derive(Default)]
struct Uses {
    found: BTreeSet<String>,
    /// Single names in expressions: a variable, if one of that name is bound anywhere in the item.
    words: BTreeSet<String>,
    bound: BTreeSet<String>,
}

impl Uses {
    fn finish(mut self) -> BTreeSet<String> {
        self.found.extend(self.words.difference(&self.bound).cloned());
        self.found
    }

    fn found(&mut self, name: &syn::Ident) {
        self.found.insert(plain(&name.to_string()).to_owned());
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut after_dot = false;
        while let Some(token) = tokens.next() {
            let dot = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '.');
            match token {
                TokenTree::Ident(name) if !after_dot => {
                    let path = match tokens.peek() {
                        Some(TokenTree::Group(_)) => true,
                        Some(TokenTree::Punct(mark)) => matches!(mark.as_char(), ':' | '!' | '<'),
                        _ => false,
                    };
                    let name = plain(&name.to_string()).to_owned();
                    if path {
                        self.found.insert(name)
                    } else {
                        self.words.insert(name)
                    };
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => names::in_format_string(&literal.to_string(), &mut self.words),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
            after_dot = dot;
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        // `crate::f` and `super::f` lead to the same place as `f`.
        let relative = |name: &syn::Ident| name == "crate" || name == "self" || name == "super";
        if path.leading_colon.is_none() {
            for segment in &path.segments {
                self.found(&segment.ident);
                if !relative(&segment.ident) {
                    break;
                }
            }
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, it: &'ast syn::ExprPath) {
        match it.path.get_ident() {
            Some(name) if it.qself.is_none() => {
                self.words.insert(plain(&name.to_string()).to_owned());
            }
            _ => syn::visit::visit_expr_path(self, it),
        }
    }

    fn visit_expr_call(&mut self, it: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*it.func {
            self.visit_path(&path.path);
        }
        syn::visit::visit_expr_call(self, it);
    }

    fn visit_pat_ident(&mut self, it: &'ast syn::PatIdent) {
        let name = plain(&it.ident.to_string()).to_owned();
        if name.starts_with(char::is_uppercase) {
            self.found.insert(name)
        } else {
            self.bound.insert(name)
        };
        syn::visit::visit_pat_ident(self, it);
    }

    fn visit_use_tree(&mut self, it: &'ast syn::UseTree) {
        names::collect(it.to_token_stream(), &mut self.found);
    }

    fn visit_macro(&mut self, it: &'ast syn::Macro) {
        self.visit_path(&it.path);
        self.tokens(it.tokens.clone());
    }

    fn visit_attribute(&mut self, it: &'ast syn::Attribute) {
        names::in_attribute(it.to_token_stream(), &mut self.found);
        if let syn::Meta::List(list) = &it.meta {
            names::collect(list.tokens.clone(), &mut self.found);
        }
        syn::visit::visit_attribute(self, it);
    }
}

#[cfg(test)]
mod tests {
    use super::uses;

    #[test]
    fn paths_count_and_fields_methods_and_variables_do_not() {
        let item = "impl Model { fn loss(&self, step: usize) -> f32 { let rate = 1.0; self.gain.pass(step) * rate * BASE + helper(rate) + format!(\"{step} {level}\", level = other()).len() as f32 } }";
        let item = syn::parse_str(item).expect("an item");
        let found = uses(&item);
        for name in ["Model", "BASE", "helper", "other", "format"] {
            assert!(found.contains(name), "{name}: {found:?}");
        }
        for name in ["loss", "gain", "pass", "rate", "step"] {
            assert!(!found.contains(name), "{name}: {found:?}");
        }
    }
}
