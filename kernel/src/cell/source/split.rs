//! From a cell's text to its parts: items, imports, macros, statements and the last expression. Parts are
//! ranges of the text, so that what the compiler says can be shown on what the person wrote.

use std::collections::BTreeSet;
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::visit::Visit;
use syn::{Attribute, Block, Expr, Item, Stmt};

use super::bindings::{Binding, bindings};
use super::checks::checks;
use super::depth;
use super::imports::{self, Leaf};
use super::items::{Edit, ItemPart, items, items_of_macro};
use super::names::{self, written};
use super::span::range;
use super::step::Step;

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
    /// Those of them that nothing before their `let` names: an earlier variable of the name is not meant.
    pub(crate) anew: BTreeSet<String>,
    /// Whether the top level awaits.
    pub(crate) awaits: bool,
    /// Whether a loop or a closure stands anywhere in the cell.
    pub(crate) repeats: bool,
    /// What is inserted into statements and the last expression, in ascending order; items have theirs.
    pub(crate) checks: Vec<Edit>,
}

impl Split {
    /// The cell's items.
    pub(crate) fn items(&self) -> impl Iterator<Item = &ItemPart> {
        self.parts.iter().filter_map(|part| match part {
            Part::Item(part) => Some(part),
            _ => None,
        })
    }

    /// What is run, in order: each with its place among the parts.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        self.parts.iter().enumerate().filter_map(|(index, part)| Some((index, part.step()?)))
    }

    /// The part that is run and holds a byte.
    pub(crate) fn step_at(&self, byte: usize) -> Option<usize> {
        self.steps().rfind(|(index, _)| self.parts[*index].start() <= byte).map(|(index, _)| index)
    }

    /// The names that the cell's items, imports and macros define.
    pub(crate) fn defined(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| match part {
            Part::Use { leaves, .. } => leaves.iter().filter_map(|leaf| leaf.binds.as_deref()).collect(),
            Part::Macro { name, .. } => vec![name.as_str()],
            Part::Item(part) => part.kind.name().into_iter().collect(),
            Part::Attribute { .. } | Part::Statement { .. } | Part::Tail { .. } => Vec::new(),
        })
    }

    /// Whether the cell defines the macro more than once, so that it matters where.
    pub(crate) fn redefines_macro(&self, name: &str) -> bool {
        self.parts.iter().filter(|part| matches!(part, Part::Macro { name: other, .. } if other == name)).count() > 1
    }
}

/// One part of a cell.
#[allow(clippy::large_enum_variant, reason = "a cell has few parts, and most of them are matched by reference")]
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// `#![recursion_limit = "256"]`, which stands at the top of the crate.
    Attribute {
        range: Range<usize>,
    },
    Use {
        range: Range<usize>,
        leaves: Vec<Leaf>,
    },
    Macro {
        name: String,
        range: Range<usize>,
    },
    Item(ItemPart),
    Statement {
        range: Range<usize>,
        step: Step,
    },
    /// The last expression, whose value is shown.
    Tail {
        range: Range<usize>,
        kind: Tail,
        step: Step,
    },
}

impl Part {
    /// What it means for variables, if it is run.
    pub(crate) fn step(&self) -> Option<&Step> {
        match self {
            Self::Statement { step, .. } | Self::Tail { step, .. } => Some(step),
            _ => None,
        }
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> usize {
        match self {
            Self::Attribute { range }
            | Self::Use { range, .. }
            | Self::Macro { range, .. }
            | Self::Statement { range, .. }
            | Self::Tail { range, .. } => range.start,
            Self::Item(part) => part.range.start,
        }
    }
}

/// What the last expression looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    Any,
    /// `Ok(())`, as functions end.
    OkUnit,
    /// `Ok(value)`, which leaves open what the error would be.
    Ok,
    /// `return ..`, `break ..`: no value.
    Leaves,
}

/// Splits a cell; `None` where it does not parse: then rustc says why, unless it is too deep for both.
pub(crate) fn split(text: &str) -> Option<Split> {
    depth::parse(text, parsed).ok().flatten()
}

fn parsed(text: &str) -> Option<Split> {
    let tokens: TokenStream = text.parse().ok()?;
    let whole = |input: ParseStream<'_>| Ok((input.call(Attribute::parse_inner)?, input.call(Block::parse_within)?));
    let (attributes, statements) = whole.parse2(tokens.clone()).ok()?;
    let mut split = Split::default();
    // What the others say (lints, documentation) is for a crate of the person's own.
    let limits = |it: &&Attribute| {
        ["feature", "recursion_limit", "type_length_limit"].iter().any(|name| it.path().is_ident(name))
    };
    for attribute in attributes.iter().filter(limits) {
        split.parts.push(Part::Attribute { range: range(attribute)? });
    }
    names::collect(tokens, &mut split.names);
    let mut facts = Facts::default();
    let mut before = BTreeSet::new();
    let last = statements.len().saturating_sub(1);
    for (index, statement) in statements.iter().enumerate() {
        let range = range(statement)?;
        if !matches!(statement, Stmt::Item(_)) {
            facts.visit_stmt(statement);
        }
        let mut parts = match statement {
            Stmt::Item(it) => parts_of_item(it, &range),
            Stmt::Macro(it) => items_of_macro(&it.mac).into_iter().map(Part::Item).collect(),
            Stmt::Local(local) => {
                note_new(local, &before, &mut split.anew);
                // What `#[cfg(..)]` leaves out has nothing to store.
                if !local.attrs.iter().any(|it| it.path().is_ident("cfg")) {
                    bindings(&local.pat, &mut split.bindings);
                }
                Vec::new()
            }
            Stmt::Expr(..) => Vec::new(),
        };
        names::collect(statement.to_token_stream(), &mut before);
        if parts.is_empty() {
            parts.push(match statement {
                Stmt::Expr(it, None) if index == last => {
                    Part::Tail { range, kind: kind_of_tail(it), step: Step::new(statement) }
                }
                Stmt::Macro(it) if index == last && it.semi_token.is_none() => {
                    Part::Tail { range, kind: Tail::Any, step: Step::new(statement) }
                }
                _ => Part::Statement { range, step: Step::new(statement) },
            });
        }
        let asks = checks(text, statement);
        match parts.as_mut_slice() {
            [Part::Item(part)] => part.insert(asks),
            [Part::Statement { .. } | Part::Tail { .. }] => split.checks.extend(asks),
            _ => {}
        }
        split.parts.append(&mut parts);
    }
    split.assigned = facts.assigned;
    split.awaits = facts.awaits;
    split.repeats = facts.repeats;
    Some(split)
}

/// Notes what a `let` binds that neither it nor anything before it names.
fn note_new(local: &syn::Local, before: &BTreeSet<String>, anew: &mut BTreeSet<String>) {
    let mut bound = Vec::new();
    bindings(&local.pat, &mut bound);
    let mut used = BTreeSet::new();
    if let Some(init) = &local.init {
        names::collect(init.expr.to_token_stream(), &mut used);
        names::collect(init.diverge.as_ref().map(|(_, it)| it).to_token_stream(), &mut used);
    }
    let is_new = |name: &str| !names::mentions(before, name) && !names::mentions(&used, name);
    if !local.attrs.iter().any(|it| it.path().is_ident("cfg")) {
        anew.extend(bound.into_iter().filter(|it| !it.may_be_constant && is_new(&it.name)).map(|it| it.name));
    }
}

fn parts_of_item(it: &Item, range: &Range<usize>) -> Vec<Part> {
    let range = range.clone();
    match it {
        Item::Use(it) => vec![Part::Use { range, leaves: imports::leaves(it) }],
        Item::ExternCrate(it) => vec![Part::Use { range, leaves: imports::of_crate(it).into_iter().collect() }],
        Item::Macro(it) => {
            it.ident.iter().map(|name| Part::Macro { name: written(name), range: range.clone() }).collect()
        }
        it => items(it).into_iter().map(Part::Item).collect(),
    }
}

fn kind_of_tail(it: &Expr) -> Tail {
    match it {
        Expr::Call(it) if matches!(&*it.func, Expr::Path(path) if path.path.is_ident("Ok")) => match it.args.first() {
            Some(Expr::Tuple(unit)) if unit.elems.is_empty() => Tail::OkUnit,
            _ => Tail::Ok,
        },
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => Tail::Leaves,
        _ => Tail::Any,
    }
}

/// Whether `.await` stands in what a macro is given, as in `println!("{}", f().await)`.
fn awaits(tokens: TokenStream) -> bool {
    let mut after_dot = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            after_dot = false;
            awaits(group.stream())
        }
        TokenTree::Ident(name) => std::mem::take(&mut after_dot) && name == "await",
        TokenTree::Punct(mark) => {
            after_dot = mark.as_char() == '.';
            false
        }
        TokenTree::Literal(_) => false,
    })
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
        self.awaits |= self.nested == 0 && awaits(it.tokens.clone());
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
