//! How the variables of a cell are handled: first as its text tells, then as the compiler corrects it. Only
//! the compiler knows what is moved and what is borrowed.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostics::Diagnostic;
use super::engine::Engine;
use super::generate::Plan;
use super::generated::{Generated, Role};
use super::names::mentions;
use super::split::Split;
use super::state::Gone;
use super::types;

impl Engine {
    /// Which variables the cell is lent, takes, gives back and stores, as far as its text tells.
    pub(super) fn plan(&self, split: &Split) -> Plan {
        let constant = |name: &str| {
            split.defined().any(|defined| defined == name)
                || self.state.items.contains_key(name)
                || self.state.imports.iter().any(|import| import.binds.as_deref() == Some(name))
        };
        let new = split.bindings.iter().filter(|it| !(it.may_be_constant && constant(&it.name)));
        let put: BTreeSet<String> = new.map(|binding| binding.name.clone()).collect();
        let lent: BTreeSet<String> =
            self.state.variables.keys().filter(|name| mentions(&split.names, name)).cloned().collect();
        Plan { back: lent.clone(), lent, put, assigned: split.assigned.clone(), ..Plan::default() }
    }

    /// Takes from the plan what the compiler refused in lines of ours; whether anything changed.
    pub(super) fn correct(
        &mut self,
        plan: &mut Plan,
        unstored: &mut BTreeMap<String, Gone>,
        found: &[Diagnostic],
        cell: &Generated,
        number: u32,
    ) -> bool {
        let mut changed = self.drop_broken(plan, found, cell, number);
        for error in found.iter().filter(|it| it.is_error() && of_variables(it.code())) {
            for name in unstorable(error, cell) {
                if plan.put.remove(&name) {
                    let why = match error.code() {
                        Some("E0382") => Gone::Moved { cell: number },
                        Some("E0381") => Gone::Unset { cell: number },
                        _ => Gone::Borrows { cell: number },
                    };
                    unstored.insert(name, why);
                    changed = true;
                }
            }
        }
        // What looks moved may only have been borrowed by a variable that is no longer stored.
        if changed {
            return true;
        }
        for error in found.iter().filter(|it| it.is_error()) {
            if let Some(Role::Take(name)) = error.primary_role(cell)
                && let Some(variable) = self.state.variables.remove(name)
            {
                let why = Gone::Unnameable { cell: variable.cell, ty: types::for_people(&variable.ty) };
                self.state.gone.insert(name.clone(), why);
                plan.lent.remove(name);
                plan.taken.remove(name);
                plan.back.remove(name);
                changed = true;
            }
            for role in error.roles(cell).filter(|_| of_variables(error.code())) {
                let Role::Restore(name) = role else { continue };
                // What is moved and then assigned to has a value at the end, which only the closure knows.
                if mentions(&plan.assigned, name) && !plan.put.contains(name) && plan.lent.remove(name) {
                    plan.taken.insert(name.clone());
                    changed = true;
                } else {
                    changed |= plan.back.remove(name);
                }
            }
        }
        changed
    }

    /// Earlier definitions that rustc refuses beside those of this cell: they go, not the cell. Whether there
    /// were any.
    fn drop_broken(&mut self, plan: &mut Plan, found: &[Diagnostic], cell: &Generated, number: u32) -> bool {
        let mut changed = false;
        for error in found.iter().filter(|it| it.is_error() && !it.is_summary()) {
            match error.primary_role(cell) {
                Some(Role::Import(text)) => changed |= plan.broken_imports.insert(text.clone()),
                // What it was defined as is not there: `#[cfg(test)]`.
                Some(Role::Item(name)) => changed |= self.state.items.remove(name).is_some(),
                _ => {
                    // Of two that exclude each other, the earlier one goes.
                    let conflict = matches!(error.code(), Some("E0119" | "E0592"));
                    let mut places: Vec<_> = error.primary(cell).into_iter().collect();
                    if conflict {
                        places.extend(error.places(cell));
                    }
                    for (origin, byte) in places.into_iter().filter(|(origin, _)| origin.cell != number) {
                        if let Some(key) = cell.carried_at(origin, byte) {
                            changed |= plan.broken.insert(key, error.message.clone()).is_none();
                        }
                    }
                }
            }
        }
        changed
    }

    /// Sentences about names that once were variables and that the compiler did not find.
    pub(super) fn hints(&self, found: &[Diagnostic], unstored: &BTreeMap<String, Gone>) -> Vec<String> {
        let mut hints = Vec::new();
        let unlinked = found.iter().flat_map(Diagnostic::labels).find_map(|label| {
            let (_, name) = label.split_once("unlinked crate `")?;
            name.split('`').next()
        });
        hints.extend(unlinked.map(|name| format!("`:dep {name} = \"*\"` at the top of a cell adds the crate")));
        let lent = |name: &str| self.state.variables.contains_key(name);
        for error in found.iter().filter(|it| it.code() == Some("E0597")) {
            if let Some(name) = error.message.split('`').nth(1).filter(|name| lent(name)) {
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
            if let Some((title, cell)) = self.state.former.get(name) {
                hints.push(format!(
                    "`{name}` was in the {title} of cell [{cell}], which does not go with what a later cell defined; define it again"
                ));
            }
        }
        let of_cell = |it: &&Diagnostic| it.labels().any(|label| label.contains("expected `Result<(), Box<dyn "));
        if found.iter().filter(|it| it.code() == Some("E0308")).any(|it| of_cell(&it)) {
            hints.push(
                "`return Ok(())` ends a cell early; what it shows is the value of its last expression".to_owned(),
            );
        }
        for error in found.iter().filter(|it| it.code().is_some_and(not_found)) {
            let Some(name) = error.message.split('`').nth(1) else { continue };
            if let Some(held) = self.state.items.get(name).filter(|held| held.broken) {
                hints.push(broken(&held.title(), held.origin.cell));
            }
            if let Some(gone) = unstored.get(name).or_else(|| self.state.gone.get(name)) {
                let hint = gone.explain(name);
                if !hints.contains(&hint) {
                    hints.push(hint);
                }
            }
        }
        hints
    }
}

/// What is said of a definition that no longer compiles.
pub(super) fn broken(name: &str, cell: u32) -> String {
    format!("{name} of cell [{cell}] no longer fits what a later cell defined; correct cell [{cell}] and run it again")
}

/// Whether an error of this code says that a name is not known.
fn not_found(code: &str) -> bool {
    matches!(
        code,
        "E0425" | "E0412" | "E0422" | "E0404" | "E0405" | "E0423" | "E0432" | "E0433" | "E0531" | "E0532" | "E0574"
    )
}

/// The new variables that an error is about. When one is stored while another still borrows from it, it is
/// the other that cannot be stored.
fn unstorable(error: &Diagnostic, cell: &Generated) -> Vec<String> {
    let name = |role: &Role| match role {
        Role::Put(name) => Some(name.clone()),
        _ => None,
    };
    let all: Vec<String> = error.roles(cell).filter_map(name).collect();
    let owner = error.primary_role(cell).and_then(name);
    let borrowers: Vec<String> = all.iter().filter(|name| Some(*name) != owner.as_ref()).cloned().collect();
    if borrowers.is_empty() { all } else { borrowers }
}

/// Whether an error of this code can come from storing a variable: moves, borrows and lifetimes.
fn of_variables(code: Option<&str>) -> bool {
    match code {
        // Lifetime errors have no code.
        None => true,
        Some(code) => matches!(
            code,
            "E0310"
                | "E0373"
                | "E0381"
                | "E0382"
                | "E0499"
                | "E0502"
                | "E0503"
                | "E0505"
                | "E0506"
                | "E0507"
                | "E0515"
                | "E0521"
                | "E0597"
                | "E0621"
                | "E0713"
                | "E0716"
        ),
    }
}
