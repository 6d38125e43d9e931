//! The variables that a pattern binds.

use syn::Pat;
use syn::visit::Visit;

/// One variable of a `let`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) mutable: bool,
}

/// Adds what `pattern` binds.
pub(super) fn bindings(pattern: &Pat, into: &mut Vec<Binding>) {
    Bindings(into).visit_pat(pattern);
}

struct Bindings<'a>(&'a mut Vec<Binding>);

impl<'ast> Visit<'ast> for Bindings<'_> {
    fn visit_pat_ident(&mut self, it: &'ast syn::PatIdent) {
        let name = it.ident.to_string();
        // `None` and other constants look like a binding to a parser.
        let constant = name.starts_with(char::is_uppercase) && it.subpat.is_none();
        if !constant {
            self.0.retain(|binding| binding.name != name);
            self.0.push(Binding { name, mutable: it.mutability.is_some() });
        }
        syn::visit::visit_pat_ident(self, it);
    }

    /// Expressions in a pattern (array lengths, constants) bind nothing at the top level.
    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}
