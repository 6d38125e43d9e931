//! Parameters, as papermill has them: the cell tagged `parameters` stays, and a new cell right after it
//! shadows its values with those that were given.

use syn::spanned::Spanned;
use syn::{Expr, Item, Lit, Pat, Stmt, UnOp};

use super::document::Document;
use crate::cell::source::depth;

const PARAMETERS: &str = "parameters";
const INJECTED: &str = "injected-parameters";

/// Why parameters could not be put in.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    #[error("the notebook has no cell tagged `parameters`, so it takes none")]
    NoCell,
    #[error("the cell tagged `parameters` is not Rust: {reason}")]
    Syntax { reason: String },
    #[error("no parameter is called `{name}`; there {known}")]
    Unknown { name: String, known: String },
    #[error("`{value}` does not fit `{declaration}`: {expected} is needed")]
    Value { value: String, declaration: String, expected: String },
}

/// Inserts a cell with the given values after the parameters cell; one from an earlier time is replaced.
/// Returns the position of the new cell, or `None` when nothing was given.
pub fn inject(document: &mut Document, given: &[(String, String)]) -> Result<Option<usize>, ParameterError> {
    if given.is_empty() {
        return Ok(None);
    }
    let find = |document: &Document, tag| {
        (0..document.cells().len()).find(|cell| document.is_code(*cell) && document.has_tag(*cell, tag))
    };
    let declared_in = find(document, PARAMETERS).ok_or(ParameterError::NoCell)?;
    let source = injected_source(&document.source(declared_in), given)?;
    let cell = document.new_code_cell(&source, &[INJECTED]);
    if let Some(earlier) = find(document, INJECTED) {
        document.cells_mut().remove(earlier);
    }
    // The earlier one may have stood before the parameters.
    let at = find(document, PARAMETERS).map_or(0, |cell| cell + 1);
    document.cells_mut().insert(at, cell);
    Ok(Some(at))
}

fn injected_source(source: &str, given: &[(String, String)]) -> Result<String, ParameterError> {
    let known = declarations(source)?;
    let mut lines = vec!["// Parameters".to_owned()];
    for (name, value) in given {
        // A later `let` of the same name shadows an earlier one, so the last counts.
        let declaration = known.iter().rfind(|known| known.name == *name);
        let declaration =
            declaration.ok_or_else(|| ParameterError::Unknown { name: name.clone(), known: list(&known) })?;
        lines.push(declaration.with_value(value)?);
    }
    Ok(lines.join("\n"))
}

fn list(known: &[Declaration]) -> String {
    let names: Vec<String> = known.iter().map(|known| format!("`{}`", known.name)).collect();
    match names.as_slice() {
        [] => "are none".to_owned(),
        [one] => format!("is only {one}"),
        [first @ .., last] => format!("are {} and {last}", first.join(", ")),
    }
}

/// One `let` or `const` of the parameters cell.
struct Declaration {
    name: String,
    /// Everything before the value, for example `let mut lr: f64 = `.
    head: String,
    text: String,
    kind: Kind,
}

/// What the original value is, and so what a new one must be.
enum Kind {
    Integer {
        ty: String,
        suffix: String,
    },
    Float {
        suffix: String,
    },
    Bool,
    Char,
    /// With what stands before and after the literal, for example `String::from(` and `)`.
    Text {
        before: String,
        after: String,
    },
    /// Anything else is replaced by any expression.
    Expression,
}

fn declarations(source: &str) -> Result<Vec<Declaration>, ParameterError> {
    // Commands of the kernel are not Rust; spaces keep the positions.
    let rust: String = source
        .split_inclusive('\n')
        .map(|line| if line.trim_start().starts_with(':') { " ".repeat(line.len()) } else { line.to_owned() })
        .collect();
    let block = format!("{{\n{rust}\n}}");
    depth::parse(&block, declarations_of).map_err(|deep| ParameterError::Syntax { reason: deep.to_string() })?
}

fn declarations_of(block: &str) -> Result<Vec<Declaration>, ParameterError> {
    let parsed: syn::Block =
        syn::parse_str(block).map_err(|error| ParameterError::Syntax { reason: error.to_string() })?;
    let text = |span: proc_macro2::Span| block.get(span.byte_range()).unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for statement in &parsed.stmts {
        match statement {
            Stmt::Local(local) => {
                let Some(init) = &local.init else { continue };
                let (pattern, ty) = match &local.pat {
                    Pat::Type(typed) => (&*typed.pat, text(typed.ty.span())),
                    other => (other, String::new()),
                };
                let Pat::Ident(ident) = pattern else { continue };
                let mutable = if ident.mutability.is_some() { "mut " } else { "" };
                found.push(Declaration::new(&format!("let {mutable}"), &ident.ident, &ty, &init.expr, &text));
            }
            Stmt::Item(Item::Const(item)) => {
                let ty = text(item.ty.span());
                found.push(Declaration::new("const ", &item.ident, &ty, &item.expr, &text));
            }
            _ => {}
        }
    }
    Ok(found)
}

impl Declaration {
    fn new(
        keyword: &str,
        name: &impl ToString,
        ty: &str,
        value: &Expr,
        text: &impl Fn(proc_macro2::Span) -> String,
    ) -> Self {
        let name = name.to_string();
        let annotation = if ty.is_empty() { String::new() } else { format!(": {ty}") };
        let head = format!("{keyword}{name}{annotation} = ");
        let text_of_value = text(value.span());
        Self { name, text: format!("{head}{text_of_value};"), head, kind: kind(value, ty, text) }
    }

    fn with_value(&self, value: &str) -> Result<String, ParameterError> {
        let misfit = |expected: &str| ParameterError::Value {
            value: value.to_owned(),
            declaration: self.text.clone(),
            expected: expected.to_owned(),
        };
        let value = match &self.kind {
            Kind::Integer { ty, suffix } => {
                let digits = value.trim().replace('_', "");
                if !fits(&digits, ty) {
                    let expected = if ty.is_empty() { "an integer".to_owned() } else { format!("an integer ({ty})") };
                    return Err(misfit(&expected));
                }
                format!("{digits}{suffix}")
            }
            Kind::Float { suffix } => {
                let digits = value.trim().replace('_', "");
                if !digits.parse::<f64>().is_ok_and(f64::is_finite) {
                    return Err(misfit("a number"));
                }
                format!("{}{suffix}", float(&digits))
            }
            Kind::Bool => match value.trim() {
                known @ ("true" | "false") => known.to_owned(),
                _ => return Err(misfit("`true` or `false`")),
            },
            Kind::Char => {
                let mut characters = value.chars();
                match (characters.next(), characters.next()) {
                    (Some(one), None) => format!("{one:?}"),
                    _ => return Err(misfit("one character")),
                }
            }
            Kind::Text { before, after } => format!("{before}{value:?}{after}"),
            Kind::Expression => {
                let parses = depth::parse(value, |value| syn::parse_str::<Expr>(value).is_ok());
                if !parses.unwrap_or(false) {
                    return Err(misfit("a Rust expression"));
                }
                value.trim().to_owned()
            }
        };
        Ok(format!("{}{value};", self.head))
    }
}

fn kind(value: &Expr, ty: &str, text: &impl Fn(proc_macro2::Span) -> String) -> Kind {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) => {
                let suffix = int.suffix().to_owned();
                if matches!(suffix.as_str(), "f32" | "f64") {
                    return Kind::Float { suffix };
                }
                let ty = if suffix.is_empty() { ty.to_owned() } else { suffix.clone() };
                Kind::Integer { ty, suffix }
            }
            Lit::Float(float) => Kind::Float { suffix: float.suffix().to_owned() },
            Lit::Bool(_) => Kind::Bool,
            Lit::Char(_) => Kind::Char,
            Lit::Str(_) => Kind::Text { before: String::new(), after: String::new() },
            _ => Kind::Expression,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match kind(&unary.expr, ty, text) {
            number @ (Kind::Integer { .. } | Kind::Float { .. }) => number,
            _ => Kind::Expression,
        },
        Expr::MethodCall(call) if is_text(&call.receiver) && call.args.is_empty() => {
            Kind::Text { before: String::new(), after: format!(".{}()", call.method) }
        }
        Expr::Call(call) if call.args.len() == 1 && call.args.first().is_some_and(is_text) => {
            Kind::Text { before: format!("{}(", text(call.func.span())), after: ")".to_owned() }
        }
        _ => Kind::Expression,
    }
}

fn is_text(value: &Expr) -> bool {
    matches!(value, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)))
}

fn fits(digits: &str, ty: &str) -> bool {
    match ty {
        "u8" => digits.parse::<u8>().is_ok(),
        "u16" => digits.parse::<u16>().is_ok(),
        "u32" => digits.parse::<u32>().is_ok(),
        "u64" | "usize" => digits.parse::<u64>().is_ok(),
        "u128" => digits.parse::<u128>().is_ok(),
        "i8" => digits.parse::<i8>().is_ok(),
        "i16" => digits.parse::<i16>().is_ok(),
        "i64" | "isize" => digits.parse::<i64>().is_ok(),
        "i32" => digits.parse::<i32>().is_ok(),
        _ => digits.parse::<i128>().is_ok(),
    }
}

/// A Rust literal of a number that `f64` can parse: `5`, `.5`, `+5` and `1e-3` are all allowed there.
fn float(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits.strip_prefix('+').unwrap_or(digits)),
    };
    let digits = if digits.starts_with('.') { format!("0{digits}") } else { digits.to_owned() };
    let has_point = digits.contains(['.', 'e', 'E']);
    format!("{sign}{digits}{}", if has_point { "" } else { ".0" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CELL: &str = ":opt 2\nlet epochs = 10;\nlet mut lr: f64 = 1e-3; // the rate\nlet name = \"é\";\nlet path = \"a\".to_string();\nlet dir = String::from(\"b\");\nconst SEED: u64 = 7;\nlet shift = -2.5f32;\nlet fast = true;\nlet sizes = [64, 32];\nlet limit: Option<usize> = None;\nlet letter = 'a';\nlet small = 3u8;";

    fn injected(name: &str, value: &str) -> Result<String, ParameterError> {
        let source = injected_source(CELL, &[(name.to_owned(), value.to_owned())])?;
        Ok(source.strip_prefix("// Parameters\n").unwrap().to_owned())
    }

    #[test]
    fn each_kind_keeps_its_type_and_form() {
        for (name, value, expected) in [
            ("epochs", "1_000", "let epochs = 1000;"),
            ("epochs", "-3", "let epochs = -3;"),
            ("lr", "1", "let mut lr: f64 = 1.0;"),
            ("lr", ".5", "let mut lr: f64 = 0.5;"),
            ("lr", "-1e-4", "let mut lr: f64 = -1e-4;"),
            ("name", "it's \"x\"\\", "let name = \"it's \\\"x\\\"\\\\\";"),
            ("path", "c", "let path = \"c\".to_string();"),
            ("dir", "d", "let dir = String::from(\"d\");"),
            ("SEED", "8", "const SEED: u64 = 8;"),
            ("shift", "3", "let shift = 3.0f32;"),
            ("fast", "false", "let fast = false;"),
            ("sizes", "[8, 8, 8]", "let sizes = [8, 8, 8];"),
            ("limit", "Some(3)", "let limit: Option<usize> = Some(3);"),
            ("letter", "'", "let letter = '\\'';"),
            ("small", "255", "let small = 255u8;"),
        ] {
            assert_eq!(injected(name, value).unwrap(), expected);
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_with_its_declaration() {
        for (name, value) in [
            ("epochs", "ten"),
            ("epochs", "1.5"),
            ("lr", "fast"),
            ("lr", "nan"),
            ("SEED", "-1"),
            ("small", "256"),
            ("fast", "yes"),
            ("letter", "ab"),
            ("sizes", "[1,"),
        ] {
            let error = injected(name, value).unwrap_err();
            assert!(
                matches!(&error, ParameterError::Value { declaration, .. } if declaration.contains(name)),
                "{error}"
            );
        }
        assert_eq!(
            injected("lr", "x").unwrap_err().to_string(),
            "`x` does not fit `let mut lr: f64 = 1e-3;`: a number is needed"
        );
    }

    #[test]
    fn an_unknown_name_is_told_which_there_are() {
        let error = injected_source("let a = 1; let b = 2;", &[("c".to_owned(), "3".to_owned())]).unwrap_err();
        assert_eq!(error.to_string(), "no parameter is called `c`; there are `a` and `b`");
    }

    #[test]
    fn the_new_cell_follows_the_parameters_and_replaces_an_earlier_one() {
        let cell = |tag: &str| json!({ "cell_type": "code", "metadata": { "tags": [tag] }, "outputs": [], "source": ["let a = 1;\n", "let b = 2;"] });
        let mut document = Document::from_value(
            json!({ "cells": [cell("x"), cell("parameters"), cell("y")], "nbformat": 4, "nbformat_minor": 5 }),
        )
        .unwrap();
        for value in ["5", "6"] {
            assert_eq!(inject(&mut document, &[("a".to_owned(), value.to_owned())]).unwrap(), Some(2));
            assert_eq!(document.cells().len(), 4);
            assert_eq!(document.source(2), format!("// Parameters\nlet a = {value};"));
        }
        assert!(document.has_tag(2, "injected-parameters"));
        assert_eq!(inject(&mut document, &[]).unwrap(), None);
    }
}
