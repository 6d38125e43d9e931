//! Code that does arithmetic and nothing else: a check in it would cost its vector code.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprForLoop};

/// Methods that numbers and slices have, and that return at once. One of a person's own of such a name asks at
/// its own entry.
const METHODS: [&str; 46] = [
    "abs",
    "sqrt",
    "exp",
    "ln",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "tanh",
    "powi",
    "powf",
    "min",
    "max",
    "clamp",
    "floor",
    "ceil",
    "round",
    "signum",
    "recip",
    "mul_add",
    "hypot",
    "atan2",
    "rem_euclid",
    "total_cmp",
    "wrapping_add",
    "wrapping_sub",
    "wrapping_mul",
    "saturating_add",
    "saturating_sub",
    "abs_diff",
    "pow",
    "count_ones",
    "rotate_left",
    "swap",
    "len",
    "iter",
    "iter_mut",
    "zip",
    "enumerate",
    "as_slice",
    "to_bits",
    "is_nan",
    "is_finite",
    "is_empty",
    "copied",
];

/// A loop over a slice, or over indices into one: it ends when the memory does.
pub(super) fn is_bounded_by_memory(it: &ExprForLoop) -> bool {
    let mut found = Found::default();
    found.visit_block(&it.body);
    if found.calls {
        return false;
    }
    let mut head = Found::default();
    head.visit_expr(&it.expr);
    let pattern = it.pat.to_token_stream().to_string();
    match &*it.expr {
        // Without an end, or one that no memory has.
        Expr::Range(range) => {
            range.end.as_deref().is_some_and(|end| !is_huge(end))
                && !head.calls
                && !found.wraps
                && found.indices.iter().any(|index| index.split(' ').any(|word| word == pattern))
        }
        head_of_chain => !head.calls && is_over_slice(head_of_chain),
    }
}

/// Whether what is iterated over is in memory: `&xs`, `xs.iter().zip(&ys)`. A variable may be an iterator without an end.
fn is_over_slice(it: &Expr) -> bool {
    match it {
        Expr::Reference(_) => true,
        Expr::MethodCall(call) if call.method == "iter" || call.method == "iter_mut" => true,
        Expr::MethodCall(call) => is_over_slice(&call.receiver),
        _ => false,
    }
}

/// Whether a chain of methods starts at a range of numbers, or at what may go on for ever.
pub(super) fn is_over_range(it: &Expr) -> bool {
    match it {
        Expr::MethodCall(call) => is_over_range(&call.receiver),
        Expr::Paren(inner) => is_over_range(&inner.expr),
        // `repeat`, `successors`, `from_fn`.
        Expr::Range(_) | Expr::Call(_) | Expr::Macro(_) => true,
        _ => false,
    }
}

/// Whether an expression calls nothing that could take long.
pub(super) fn is_plain(it: &Expr) -> bool {
    let mut found = Found::default();
    found.visit_expr(it);
    !found.calls
}

/// The same of a function's body; loops in it ask for themselves.
pub(super) fn is_plain_block(it: &Block) -> bool {
    let mut found = Found { loops_count: false, ..Found::default() };
    found.visit_block(it);
    !found.calls
}

struct Found {
    /// Whether something is called, or repeated.
    calls: bool,
    loops_count: bool,
    /// Whether `%` or `&` could turn an index back.
    wraps: bool,
    indices: Vec<String>,
}

impl Default for Found {
    fn default() -> Self {
        Self { calls: false, loops_count: true, wraps: false, indices: Vec::new() }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_expr(&mut self, it: &'ast Expr) {
        match it {
            // `Some(x)`, `Point(x, y)`: the first letter tells.
            Expr::Call(call) => self.calls |= !is_constructor(&call.func),
            Expr::MethodCall(call) => {
                self.calls |= !METHODS.iter().any(|name| call.method == name);
            }
            Expr::Macro(_) | Expr::Closure(_) | Expr::Await(_) | Expr::Async(_) => self.calls = true,
            Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_) => self.calls |= self.loops_count,
            Expr::Index(index) => self.indices.push(index.index.to_token_stream().to_string()),
            Expr::Binary(binary) => {
                self.wraps |= matches!(binary.op, syn::BinOp::Rem(_) | syn::BinOp::BitAnd(_));
            }
            _ => {}
        }
        visit::visit_expr(self, it);
    }

    fn visit_stmt_macro(&mut self, _: &'ast syn::StmtMacro) {
        self.calls = true;
    }
}

fn is_constructor(it: &Expr) -> bool {
    matches!(it, Expr::Path(path) if path.path.segments.last().is_some_and(|last| {
        last.ident.to_string().starts_with(char::is_uppercase)
    }))
}

fn is_huge(end: &Expr) -> bool {
    const MOST: u64 = 1 << 30;
    match end {
        Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Int(number) => number.base10_parse::<u64>().map_or(true, |number| number > MOST),
            _ => false,
        },
        // `u64::MAX`
        Expr::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "MAX"),
        _ => false,
    }
}
