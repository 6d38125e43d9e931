//! The variables that a pattern binds.

use syn::Pat;
use syn::visit::Visit;

use super::names;

/// One variable of a `let`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) mutable: bool,
    /// Whether a constant of this name would be meant instead, if there is one: `None`, `PI`.
    pub(crate) may_be_constant: bool,
}

/// Adds what `pattern` binds.
pub(crate) fn bindings(pattern: &Pat, into: &mut Vec<Binding>) {
    Bindings(into).visit_pat(pattern);
}

struct Bindings<'a>(&'a mut Vec<Binding>);

impl<'ast> Visit<'ast> for Bindings<'_> {
    fn visit_pat_ident(&mut self, it: &'ast syn::PatIdent) {
        let name = names::written(&it.ident);
        let plain = it.subpat.is_none() && it.by_ref.is_none() && it.mutability.is_none();
        // For a parser, `None` is a variable like any other.
        if !(plain && name == "None") {
            self.0.retain(|binding| binding.name != name);
            let may_be_constant = plain && name.starts_with(char::is_uppercase);
            self.0.push(Binding { name, mutable: it.mutability.is_some(), may_be_constant });
        }
        syn::visit::visit_pat_ident(self, it);
    }

    /// Expressions in a pattern (array lengths, constants) bind nothing at the top level.
    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}
