//! What a cell does to variables that it did not make.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Block, Expr, Macro, Stmt};

use crate::cell::source::names::plain;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// It only looks at it, as far as the type allows nothing else.
    Borrows,
    /// It calls methods of it, which may change what is `mut`.
    Calls,
    /// It assigns to it or borrows it mutably.
    Changes,
}

/// Words of types that change where they are shared, of what makes them, and of lab's and dfdx's own: a device draws
/// random numbers, a run logs.
const INSIDE: [&str; 22] = [
    "Cell",
    "RefCell",
    "OnceCell",
    "UnsafeCell",
    "LazyCell",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "Sender",
    "Receiver",
    "channel",
    "static",
    "thread_local",
    "unsafe",
    "device",
    "device_seeded",
    "Dev",
    "Cpu",
    "Run",
    "File",
    "dyn",
];

/// Macros that only look at what they are given.
const LOOKS: [&str; 12] = [
    "println",
    "print",
    "eprintln",
    "eprint",
    "dbg",
    "assert",
    "assert_eq",
    "assert_ne",
    "vec",
    "format",
    "panic",
    "todo",
];

/// Whether a word of what makes a value says that it may change where it is only borrowed.
pub(super) fn may_change_inside(word: &str) -> bool {
    INSIDE.contains(&word) || word.starts_with("Atomic") || word.ends_with("Rng") || word.starts_with("rng")
}

/// Notes what the cell does to each name.
pub(super) fn of(code: &str, changes: &mut BTreeMap<String, Change>) {
    let Some(statements) = statements(code) else { return };
    let mut found = Found { changes, locals: Vec::new() };
    for statement in &statements {
        if !matches!(statement, Stmt::Item(_)) {
            found.visit_stmt(statement);
        }
    }
}

/// Whether the cell calls a function for what it does to the process: `std::env::set_var("X", "1");`.
pub(super) fn acts_on_the_process(code: &str) -> bool {
    let statements = statements(code).unwrap_or_default();
    statements.iter().any(|statement| match statement {
        Stmt::Expr(it, Some(_)) => matches!(bare(it), Expr::Call(_) | Expr::Unsafe(_)),
        // It may define anything.
        Stmt::Macro(it) => !it.mac.path.get_ident().is_some_and(|name| LOOKS.iter().any(|looks| name == looks)),
        _ => false,
    })
}

/// Without `?`, `.unwrap()` and the like around it.
fn bare(it: &Expr) -> &Expr {
    match it {
        Expr::Try(inner) => bare(&inner.expr),
        Expr::MethodCall(call) if call.args.is_empty() => bare(&call.receiver),
        other => other,
    }
}

fn statements(code: &str) -> Option<Vec<Stmt>> {
    syn::parse_str::<Block>(&format!("{{{code}\n}}")).ok().map(|block| block.stmts)
}

struct Found<'a> {
    changes: &'a mut BTreeMap<String, Change>,
    locals: Vec<String>,
}

impl Found<'_> {
    fn note(&mut self, name: &str, change: Change) {
        let name = plain(name);
        if !self.locals.iter().any(|local| local == name) {
            let known = self.changes.entry(name.to_owned()).or_insert(change);
            *known = (*known).max(change);
        }
    }

    /// What happens to the variable that an expression is a part of: `v`, `v.field`, `v[i]`.
    fn reach(&mut self, it: &Expr, change: Change) {
        match it {
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    self.note(&name.to_string(), change);
                }
            }
            Expr::Field(field) => self.reach(&field.base, change),
            Expr::Index(index) => self.reach(&index.expr, change),
            Expr::Paren(inner) => self.reach(&inner.expr, change),
            Expr::Unary(unary) => self.reach(&unary.expr, change),
            Expr::MethodCall(call) => self.reach(&call.receiver, change),
            _ => {}
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut mutable = false;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if name == "mut" => mutable = true,
                TokenTree::Ident(name) => {
                    let change = if mutable { Change::Changes } else { Change::Borrows };
                    self.note(&name.to_string(), change);
                    mutable = false;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Found<'_> {
    fn visit_expr(&mut self, it: &'ast Expr) {
        match it {
            Expr::Reference(reference) if reference.mutability.is_some() => {
                self.reach(&reference.expr, Change::Changes)
            }
            Expr::Assign(assign) => self.reach(&assign.left, Change::Changes),
            Expr::Binary(binary) if assigns(&binary.op) => self.reach(&binary.left, Change::Changes),
            Expr::MethodCall(call) => self.reach(&call.receiver, Change::Calls),
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    self.note(&name.to_string(), Change::Borrows);
                }
            }
            _ => {}
        }
        visit::visit_expr(self, it);
    }

    fn visit_local(&mut self, it: &'ast syn::Local) {
        visit::visit_local(self, it);
        let mut bound = Vec::new();
        crate::cell::source::bindings::bindings(&it.pat, &mut bound);
        self.locals.extend(bound.into_iter().map(|binding| plain(&binding.name).to_owned()));
    }

    fn visit_macro(&mut self, it: &'ast Macro) {
        self.tokens(it.tokens.clone());
    }
}

fn assigns(op: &syn::BinOp) -> bool {
    use syn::BinOp;
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}
