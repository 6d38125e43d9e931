//! What a statement of a cell means for the variables around it: which it binds, which it may move, and whether
//! the cell may end in it.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Expr, Stmt};

use super::bindings::bindings;
use super::names;

/// One statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    /// The names that it binds, as they are written.
    pub(crate) binds: Vec<String>,
    /// Every identifier in it.
    pub(crate) names: BTreeSet<String>,
    /// What it passes on by value, if that is no copy.
    pub(crate) moves: BTreeSet<String>,
    /// What it calls methods of, some of which take it by value.
    pub(crate) calls: BTreeSet<String>,
    /// Whether the cell may end in it: by an error, a panic, or the interrupt button.
    pub(crate) may_fail: bool,
    /// `let x;`: only the closure that it stands in can give it a value.
    pub(crate) is_open: bool,
    /// Whether what it binds is written out: a number or a text, which are copied and never moved.
    pub(crate) is_literal: bool,
}

impl Step {
    pub(crate) fn new(statement: &Stmt) -> Self {
        let mut step = Self::default();
        names::collect(statement.to_token_stream(), &mut step.names);
        match statement {
            Stmt::Local(local) => {
                let mut found = Vec::new();
                if !local.attrs.iter().any(|it| it.path().is_ident("cfg")) {
                    bindings(&local.pat, &mut found);
                }
                step.binds = found.into_iter().map(|binding| binding.name).collect();
                match &local.init {
                    None => step.is_open = true,
                    Some(init) => {
                        step.may_fail = init.diverge.is_some() || !is_plain(&init.expr);
                        step.is_literal = is_literal(&init.expr);
                    }
                }
            }
            Stmt::Expr(it, end) => step.may_fail = end.is_none() || !is_plain(it),
            Stmt::Macro(it) => step.may_fail = it.semi_token.is_none() || !is_plain_macro(&it.mac),
            Stmt::Item(_) => {}
        }
        let mut uses = Uses::default();
        uses.visit_stmt(statement);
        (step.moves, step.calls) = (uses.moves, uses.calls);
        step
    }
}

/// Whether to compute it takes no time and cannot fail.
fn is_plain(it: &Expr) -> bool {
    match it {
        Expr::Lit(_) | Expr::Path(_) | Expr::Closure(_) => true,
        Expr::Paren(it) => is_plain(&it.expr),
        Expr::Group(it) => is_plain(&it.expr),
        Expr::Reference(it) => is_plain(&it.expr),
        Expr::Field(it) => is_plain(&it.base),
        Expr::Cast(it) => is_plain(&it.expr),
        Expr::Unary(it) => match it.op {
            syn::UnOp::Neg(_) => matches!(&*it.expr, Expr::Lit(_)),
            syn::UnOp::Not(_) => is_plain(&it.expr),
            _ => false,
        },
        Expr::Tuple(it) => it.elems.iter().all(is_plain),
        Expr::Array(it) => it.elems.iter().all(is_plain),
        Expr::Repeat(it) => is_plain(&it.expr) && is_plain(&it.len),
        Expr::Range(it) => [&it.start, &it.end].into_iter().flatten().all(|end| is_plain(end)),
        Expr::Struct(it) => it.rest.is_none() && it.fields.iter().all(|field| is_plain(&field.expr)),
        Expr::Assign(it) => matches!(*it.left, Expr::Path(_)) && is_plain(&it.right),
        Expr::Call(it) => is_plain_call(it),
        Expr::MethodCall(it) => it.args.is_empty() && is_plain_method(&it.method.to_string()) && is_plain(&it.receiver),
        Expr::Macro(it) => is_plain_macro(&it.mac),
        _ => false,
    }
}

fn is_literal(it: &Expr) -> bool {
    match it {
        Expr::Lit(_) => true,
        // `f32::INFINITY`, `usize::MAX`
        Expr::Path(it) => it.path.segments.first().is_some_and(|first| is_number(&first.ident.to_string())),
        Expr::Unary(it) => is_literal(&it.expr),
        Expr::Cast(it) => is_literal(&it.expr),
        Expr::Paren(it) => is_literal(&it.expr),
        Expr::Tuple(it) => it.elems.iter().all(is_literal),
        Expr::Array(it) => it.elems.iter().all(is_literal),
        _ => false,
    }
}

fn is_number(name: &str) -> bool {
    let digits = name.strip_prefix(['i', 'u', 'f']);
    digits.is_some_and(|digits| matches!(digits, "8" | "16" | "32" | "64" | "128" | "size"))
}

/// `Vec::new()`, `String::from("text")`, `Some(x)`: of types as they are called in the standard library.
fn is_plain_call(it: &syn::ExprCall) -> bool {
    const TYPES: [&str; 8] = ["Vec", "String", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque", "BinaryHeap"];
    let Expr::Path(path) = &*it.func else { return false };
    let path: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let known = match path.iter().rev().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["new", ty, ..] => TYPES.contains(ty),
        ["from", "String", ..] | ["Some" | "Ok" | "Err"] => true,
        _ => false,
    };
    known && it.args.iter().all(is_plain)
}

fn is_plain_method(name: &str) -> bool {
    matches!(
        name,
        "len" | "is_empty" | "to_owned" | "to_string" | "as_str" | "as_slice" | "iter" | "is_some" | "is_none"
    )
}

/// A list of what is plain; or what prints no more than texts and lengths, since anything may panic while it is
/// shown.
fn is_plain_macro(it: &syn::Macro) -> bool {
    let named = |names: &[&str]| names.iter().any(|name| it.path.is_ident(name));
    let Ok(all) = it.parse_body_with(Punctuated::<Expr, syn::Token![,]>::parse_terminated) else { return false };
    if named(&["vec"]) {
        return all.iter().all(is_plain);
    }
    let is_length = |it: &Expr| matches!(it, Expr::MethodCall(call) if call.method == "len") && is_plain(it);
    let is_text = |it: &Expr| {
        let mut shown = BTreeSet::new();
        names::collect(it.to_token_stream(), &mut shown);
        matches!(it, Expr::Lit(_)) && shown.is_empty()
    };
    named(&["println", "print", "eprintln", "eprint"]) && all.iter().all(|it| is_text(it) || is_length(it))
}

/// Which variables an expression passes on.
#[derive(Default)]
struct Uses {
    moves: BTreeSet<String>,
    calls: BTreeSet<String>,
}

impl Uses {
    fn moved(&mut self, it: &Expr) {
        if let Some(name) = single(it) {
            self.moves.insert(name);
        }
    }
}

fn single(it: &Expr) -> Option<String> {
    match it {
        Expr::Path(it) => it.path.get_ident().map(|name| names::plain(&name.to_string()).to_owned()),
        Expr::Paren(it) => single(&it.expr),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_local(&mut self, it: &'ast syn::Local) {
        if let Some(init) = &it.init {
            self.moved(&init.expr);
        }
        syn::visit::visit_local(self, it);
    }

    fn visit_expr_assign(&mut self, it: &'ast syn::ExprAssign) {
        self.moved(&it.right);
        syn::visit::visit_expr_assign(self, it);
    }

    fn visit_expr_call(&mut self, it: &'ast syn::ExprCall) {
        it.args.iter().for_each(|argument| self.moved(argument));
        syn::visit::visit_expr_call(self, it);
    }

    fn visit_expr_method_call(&mut self, it: &'ast syn::ExprMethodCall) {
        it.args.iter().for_each(|argument| self.moved(argument));
        self.calls.extend(single(&it.receiver));
        syn::visit::visit_expr_method_call(self, it);
    }

    fn visit_expr_tuple(&mut self, it: &'ast syn::ExprTuple) {
        it.elems.iter().for_each(|element| self.moved(element));
        syn::visit::visit_expr_tuple(self, it);
    }

    fn visit_expr_array(&mut self, it: &'ast syn::ExprArray) {
        it.elems.iter().for_each(|element| self.moved(element));
        syn::visit::visit_expr_array(self, it);
    }

    fn visit_field_value(&mut self, it: &'ast syn::FieldValue) {
        self.moved(&it.expr);
        syn::visit::visit_field_value(self, it);
    }

    fn visit_expr_for_loop(&mut self, it: &'ast syn::ExprForLoop) {
        self.moved(&it.expr);
        syn::visit::visit_expr_for_loop(self, it);
    }

    fn visit_expr_closure(&mut self, it: &'ast syn::ExprClosure) {
        if it.capture.is_some() {
            names::collect(it.body.to_token_stream(), &mut self.moves);
        }
        syn::visit::visit_expr_closure(self, it);
    }

    fn visit_macro(&mut self, it: &'ast syn::Macro) {
        let takes = |name: &str| it.path.is_ident(name);
        if !["println", "print", "eprintln", "eprint", "format", "write", "writeln", "assert", "assert_eq"]
            .iter()
            .any(|name| takes(name))
        {
            names::collect(it.tokens.clone(), &mut self.moves);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    fn step(text: &str) -> Step {
        Step::new(&syn::parse_str(text).expect("a statement"))
    }

    #[test]
    fn what_can_fail_is_told_from_what_cannot() {
        for plain in [
            "let a = 1;",
            "let a = -1.5;",
            "let a: &str = \"x\";",
            "let f = |x| x / y;",
            "let p = Point { x: 1, y: (a, [b; 3]) };",
            "let v = vec![1, a];",
            "let v: Vec<i32> = Vec::new();",
            "println!(\"{:>5} {}\", v.len(), \"}\");",
            "a = 5;",
        ] {
            assert!(!step(plain).may_fail, "{plain}");
        }
        for fails in [
            "let a = f();",
            "let a = b + 1;",
            "let a = v[0];",
            "let Some(a) = b else { return Ok(()) };",
            "f();",
            "loop {}",
            "println!(\"{}\", f(a));",
            "println!(\"{a}\");",
            "println!(\"{}\", a);",
            "println!(\"{}\", a?);",
            "let v = vec![0; n * n];",
            "mine!(a);",
            "let p = Point { x: 1, ..d() };",
        ] {
            assert!(step(fails).may_fail, "{fails}");
        }
        assert!(step("let a;").is_open);
    }

    #[test]
    fn what_may_be_moved_is_told_from_what_is_borrowed() {
        let step = step("for _ in 0..n { let y = f(x.trace(g), &b); c.push(d); e = h; println!(\"{q}\"); }");
        assert_eq!(step.moves.iter().collect::<Vec<_>>(), ["d", "g", "h"]);
        assert_eq!(step.calls.iter().collect::<Vec<_>>(), ["c", "x"]);
    }
}
