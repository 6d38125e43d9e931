//! What a person can do about an error, where the notebook knows more than the compiler.

use std::collections::BTreeMap;

use super::compiler::diagnostics::Diagnostic;
use super::notebook::define::broken;
use super::notebook::state::{Gone, State};

/// Sentences about names that once were variables and that the compiler did not find.
pub(crate) fn hints(state: &State, found: &[Diagnostic], unstored: &BTreeMap<String, Gone>) -> Vec<String> {
    let mut hints = Vec::new();
    let unlinked = found.iter().flat_map(Diagnostic::labels).find_map(|label| {
        let (_, name) = label.split_once("unlinked crate `")?;
        name.split('`').next()
    });
    hints.extend(unlinked.map(|name| format!("`:dep {name} = \"*\"` at the top of a cell adds the crate")));
    let is_variable = |name: &str| state.variables.contains_key(name);
    for error in found.iter().filter(|it| it.code() == Some("E0597")) {
        if let Some(name) = error.message.split('`').nth(1).filter(|name| is_variable(name)) {
            hints.push(format!(
                "`{name}` stays in the notebook, and what may outlive this cell cannot borrow it: write `move` before the closure, use a clone, or turn an error into text before `?`"
            ));
        }
    }
    if found
        .iter()
        .any(|it| it.code() == Some("E0277") && it.message.contains("can only be used on `Result`s, not `Option`s"))
    {
        hints.push("`.ok_or(\"what is missing\")?` makes an error of `None`".to_owned());
    }
    if found.iter().any(|it| it.labels().any(|label| label.contains("not implemented for `CudaError`"))) {
        hints.push(
            "dfdx's error of a GPU is not made for `?`; `.map_err(|error| error.to_string())?` goes on every device"
                .to_owned(),
        );
    }
    for error in found.iter().filter(|it| it.code() == Some("E0599")) {
        let name = error.message.split('`').nth(1).unwrap_or_default();
        if let Some((title, cell)) = state.former.get(name) {
            hints.push(format!(
                "`{name}` was in the {title} of cell [{cell}], which does not go with what a later cell defined; define it again"
            ));
        }
    }
    let of_cell = |it: &&Diagnostic| it.labels().any(|label| label.contains("expected `Result<(), Box<dyn "));
    if found.iter().filter(|it| it.code() == Some("E0308")).any(|it| of_cell(&it)) {
        hints.push("`return Ok(())` ends a cell early; what it shows is the value of its last expression".to_owned());
    }
    for error in found.iter().filter(|it| it.code().is_some_and(not_found)) {
        let Some(name) = error.message.split('`').nth(1) else { continue };
        if let Some(held) = state.items.get(name).filter(|held| held.broken) {
            hints.push(broken(&held.title(), held.origin.cell));
        }
        if let Some(gone) = unstored.get(name).or_else(|| state.gone.get(name)) {
            let hint = gone.explain(name);
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    hints
}

/// Whether an error of this code says that a name is not known.
fn not_found(code: &str) -> bool {
    matches!(
        code,
        "E0425" | "E0412" | "E0422" | "E0404" | "E0405" | "E0423" | "E0432" | "E0433" | "E0531" | "E0532" | "E0574"
    )
}
