//! Where a person's code asks whether it should stop: at the head of each loop, and at the entry of what may call
//! itself. One load and one branch that is not taken; what it costs stands in ARCHITECTURE.

use std::ops::Range;

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ExprForLoop, ImplItemFn, ItemFn, Signature, Stmt, TraitItemFn};

use super::items::Edit;
use super::plain;
use super::span::range;

/// What asks.
const CHECK: &str = "::lab::host::check();";
/// What keeps everything below from being unwound, where C would be unwound through.
const HOLD: &str = "let _assay_hold = ::lab::host::hold();";

/// What is inserted into a statement or item, in ascending order.
pub(crate) fn checks(text: &str, statement: &Stmt) -> Vec<Edit> {
    let mut found = Checks { text, edits: Vec::new(), unbounded: false };
    found.visit_stmt(statement);
    found.edits.sort_by_key(|(range, _)| range.start);
    found.edits
}

struct Checks<'a> {
    text: &'a str,
    edits: Vec<Edit>,
    /// Whether a closure here may be called for each number of a range.
    unbounded: bool,
}

impl Checks<'_> {
    /// On a line of its own; what follows stays at its column, so that messages still name it.
    fn insert(&mut self, at: usize, what: &str) {
        let line = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let column = self.text[line..at].chars().count();
        self.edits.push((at..at, format!("\n{what}\n{:column$}", "").into()));
    }

    fn at_head(&mut self, block: &Block, attributes: &[Attribute], what: &str) {
        let inner = attributes.iter().filter(|it| matches!(it.style, syn::AttrStyle::Inner(_)));
        let at = inner.filter_map(range).map(|range| range.end).max();
        self.insert(at.unwrap_or(block.brace_token.span.open().byte_range().end), what);
    }

    fn function(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block) {
        // Evaluated by the compiler, or without a frame of its own.
        if signature.constness.is_some() || attributes.iter().any(is_naked) {
            return;
        }
        if signature.abi.is_some() {
            self.at_head(block, attributes, HOLD);
        } else if signature.ident == "next" || !plain::is_plain_block(block) {
            self.at_head(block, attributes, CHECK);
        }
        let outer = std::mem::take(&mut self.unbounded);
        visit::visit_block(self, block);
        self.unbounded = outer;
    }
}

impl<'ast> Visit<'ast> for Checks<'_> {
    fn visit_expr_for_loop(&mut self, it: &'ast ExprForLoop) {
        if !plain::is_bounded_by_memory(it) {
            self.at_head(&it.body, &it.attrs, CHECK);
        }
        visit::visit_expr_for_loop(self, it);
    }

    fn visit_expr_while(&mut self, it: &'ast syn::ExprWhile) {
        self.at_head(&it.body, &it.attrs, CHECK);
        visit::visit_expr_while(self, it);
    }

    fn visit_expr_loop(&mut self, it: &'ast syn::ExprLoop) {
        self.at_head(&it.body, &it.attrs, CHECK);
        visit::visit_expr_loop(self, it);
    }

    fn visit_expr_method_call(&mut self, it: &'ast syn::ExprMethodCall) {
        let outer = self.unbounded;
        self.unbounded |= plain::is_over_range(&it.receiver);
        visit::visit_expr_method_call(self, it);
        self.unbounded = outer;
    }

    fn visit_expr_closure(&mut self, it: &'ast syn::ExprClosure) {
        let asks = it.constness.is_none() && (self.unbounded || !plain::is_plain(&it.body));
        match &*it.body {
            Expr::Block(block) if asks && block.label.is_none() => self.at_head(&block.block, &block.attrs, CHECK),
            body if asks && it.output == syn::ReturnType::Default => {
                if let Some(Range { start, end }) = range(body) {
                    self.insert(start, &format!("{{ {CHECK}"));
                    self.insert(end, "}");
                }
            }
            _ => {}
        }
        visit::visit_expr_closure(self, it);
    }

    fn visit_item_fn(&mut self, it: &'ast ItemFn) {
        self.function(&it.attrs, &it.sig, &it.block);
    }

    fn visit_impl_item_fn(&mut self, it: &'ast ImplItemFn) {
        self.function(&it.attrs, &it.sig, &it.block);
    }

    fn visit_trait_item_fn(&mut self, it: &'ast TraitItemFn) {
        if let Some(block) = &it.default {
            self.function(&it.attrs, &it.sig, block);
        }
    }

    // What the compiler evaluates can't ask.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generics(&mut self, _: &'ast syn::Generics) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_variant(&mut self, _: &'ast syn::Variant) {}
    fn visit_expr_repeat(&mut self, it: &'ast syn::ExprRepeat) {
        self.visit_expr(&it.expr);
    }
}

fn is_naked(it: &Attribute) -> bool {
    it.meta.to_token_stream().to_string().contains("naked")
}
