//! From a cell's text to its parts: items, imports, macros, statements and the last expression. Parts are
//! ranges of the text, so that what the compiler says can be shown on what the person wrote.

use std::collections::BTreeSet;
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::visit::Visit;
use syn::{Block, Item, Stmt};

use super::bindings::{Binding, bindings};
use super::items::{ItemPart, item};
use super::names;

/// A cell that parses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Split {
    pub(crate) parts: Vec<Part>,
    /// Every identifier in the cell, those inside format strings included.
    pub(crate) names: BTreeSet<String>,
    /// Variables that are assigned to as a whole (`x = ..`).
    pub(crate) assigned: BTreeSet<String>,
    /// What the top level binds with `let`, in order.
    pub(crate) bindings: Vec<Binding>,
    /// Whether the top level awaits.
    pub(crate) awaits: bool,
    /// Whether a loop or a closure stands anywhere in the cell.
    pub(crate) repeats: bool,
}

impl Split {
    /// The cell's items.
    pub(crate) fn items(&self) -> impl Iterator<Item = &ItemPart> {
        self.parts.iter().filter_map(|part| match part {
            Part::Item(part) => Some(part),
            _ => None,
        })
    }

    /// The names that the cell's items, imports and macros define.
    pub(crate) fn defined(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| match part {
            Part::Use { binds, .. } => binds.iter().map(String::as_str).collect(),
            Part::Macro { name, .. } => vec![name.as_str()],
            Part::Item(part) => part.kind.name().into_iter().collect(),
            Part::Statement { .. } | Part::Tail { .. } => Vec::new(),
        })
    }
}

/// One part of a cell.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Use {
        range: Range<usize>,
        binds: Vec<String>,
    },
    Macro {
        name: String,
        range: Range<usize>,
    },
    Item(ItemPart),
    Statement {
        range: Range<usize>,
    },
    /// The last expression, whose value is shown.
    Tail {
        range: Range<usize>,
    },
}

/// Splits a cell; `None` where it does not parse: then rustc says why.
pub(crate) fn split(text: &str) -> Option<Split> {
    let tokens: TokenStream = text.parse().ok()?;
    let statements = Block::parse_within.parse2(tokens.clone()).ok()?;
    let mut split = Split::default();
    names::collect(tokens, &mut split.names);
    let mut facts = Facts::default();
    let last = statements.len().saturating_sub(1);
    for (index, statement) in statements.iter().enumerate() {
        let range = range(statement)?;
        if !matches!(statement, Stmt::Item(_)) {
            facts.visit_stmt(statement);
        }
        split.parts.push(match statement {
            Stmt::Item(it) => match part_of_item(it, &range) {
                Some(part) => part,
                None => Part::Statement { range },
            },
            Stmt::Local(local) => {
                bindings(&local.pat, &mut split.bindings);
                Part::Statement { range }
            }
            Stmt::Expr(_, None) if index == last => Part::Tail { range },
            Stmt::Macro(it) if index == last && it.semi_token.is_none() => Part::Tail { range },
            Stmt::Expr(..) | Stmt::Macro(_) => Part::Statement { range },
        });
    }
    split.assigned = facts.assigned;
    split.awaits = facts.awaits;
    split.repeats = facts.repeats;
    Some(split)
}

fn part_of_item(it: &Item, range: &Range<usize>) -> Option<Part> {
    let range = range.clone();
    match it {
        Item::Use(it) => {
            let mut binds = Vec::new();
            names::bound_by_use(&it.tree, &mut binds);
            Some(Part::Use { range, binds })
        }
        Item::ExternCrate(it) => {
            let name = it.rename.as_ref().map_or(&it.ident, |(_, name)| name);
            Some(Part::Use { range, binds: vec![name.to_string()] })
        }
        Item::Macro(it) => it.ident.as_ref().map(|name| Part::Macro { name: name.to_string(), range }),
        it => item(it, range).map(Part::Item),
    }
}

/// The bytes of `node` in the text it was parsed from.
pub(super) fn range(node: &impl ToTokens) -> Option<Range<usize>> {
    let mut tokens = node.to_token_stream().into_iter();
    let first = tokens.next()?;
    let start = first.span().byte_range().start;
    let end = tokens.last().unwrap_or(first).span().byte_range().end;
    Some(start..end)
}

/// What only a look at the expressions tells.
#[derive(Default)]
struct Facts {
    assigned: BTreeSet<String>,
    awaits: bool,
    repeats: bool,
    nested: u32,
}

impl Facts {
    fn assign(&mut self, tokens: TokenStream) {
        names::collect(tokens, &mut self.assigned);
    }

    fn nested(&mut self, visit: impl FnOnce(&mut Self)) {
        self.nested += 1;
        visit(self);
        self.nested -= 1;
    }
}

impl<'ast> Visit<'ast> for Facts {
    fn visit_expr_assign(&mut self, it: &'ast syn::ExprAssign) {
        // `x.field = ..` and `x[i] = ..` leave `x` where it is.
        if !matches!(*it.left, syn::Expr::Field(_) | syn::Expr::Index(_) | syn::Expr::Unary(_)) {
            self.assign(it.left.to_token_stream());
        }
        syn::visit::visit_expr_assign(self, it);
    }

    fn visit_macro(&mut self, it: &'ast syn::Macro) {
        // A macro may assign: every name right before a lone `=` counts.
        let mut tokens = it.tokens.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            if let (TokenTree::Ident(name), Some(TokenTree::Punct(next))) = (&token, tokens.peek())
                && next.as_char() == '='
            {
                self.assigned.insert(name.to_string());
            }
        }
        syn::visit::visit_macro(self, it);
    }

    fn visit_expr_await(&mut self, it: &'ast syn::ExprAwait) {
        self.awaits |= self.nested == 0;
        syn::visit::visit_expr_await(self, it);
    }

    fn visit_expr_async(&mut self, it: &'ast syn::ExprAsync) {
        self.nested(|facts| syn::visit::visit_expr_async(facts, it));
    }

    fn visit_expr_closure(&mut self, it: &'ast syn::ExprClosure) {
        // It may be called for each element of something.
        self.repeats = true;
        self.nested(|facts| syn::visit::visit_expr_closure(facts, it));
    }

    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.nested(|facts| syn::visit::visit_item_fn(facts, it));
    }

    fn visit_expr_for_loop(&mut self, it: &'ast syn::ExprForLoop) {
        self.repeats = true;
        syn::visit::visit_expr_for_loop(self, it);
    }

    fn visit_expr_while(&mut self, it: &'ast syn::ExprWhile) {
        self.repeats = true;
        syn::visit::visit_expr_while(self, it);
    }

    fn visit_expr_loop(&mut self, it: &'ast syn::ExprLoop) {
        self.repeats = true;
        syn::visit::visit_expr_loop(self, it);
    }
}
