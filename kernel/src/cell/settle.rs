//! How the variables of a cell are handled: first as its text tells, then as the compiler corrects it. Only
//! the compiler knows what is moved and what is borrowed.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostics::Diagnostic;
use super::engine::Engine;
use super::generate::{Generated, Plan, Role};
use super::split::Split;
use super::state::Gone;
use super::types;

impl Engine {
    /// Which variables the cell is lent, takes, gives back and stores, as far as its text tells.
    pub(super) fn plan(&self, split: &Split) -> Plan {
        let put: BTreeSet<String> = split.bindings.iter().map(|binding| binding.name.clone()).collect();
        let named: BTreeSet<String> =
            split.names.iter().filter(|name| self.state.variables.contains_key(*name)).cloned().collect();
        let taken: BTreeSet<String> = named.intersection(&split.assigned).cloned().collect();
        let lent: BTreeSet<String> = named.difference(&taken).cloned().collect();
        // A variable that is assigned to and shadowed: at the end its name means the new one.
        let back = named.iter().filter(|name| !(taken.contains(*name) && put.contains(*name))).cloned().collect();
        Plan { lent, taken, back, put }
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
        let mut changed = false;
        for error in found.iter().filter(|it| it.is_error() && of_variables(it.code())) {
            for name in unstorable(error, cell) {
                if plan.put.remove(&name) {
                    let moved = matches!(error.code(), Some("E0382" | "E0381"));
                    let why = if moved { Gone::Moved { cell: number } } else { Gone::Borrows { cell: number } };
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
                if let Role::Restore(name) = role {
                    changed |= plan.back.remove(name);
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
        for error in found.iter().filter(|it| it.code() == Some("E0425")) {
            let Some(name) = error.message.split('`').nth(1) else { continue };
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

/// The new variables that an error is about. When one is stored while another still borrows from it, it is
/// the other that cannot be stored.
fn unstorable(error: &Diagnostic, cell: &Generated) -> Vec<String> {
    let name = |role: &Role| match role {
        Role::Put(name) => Some(name.clone()),
        Role::Take(_) | Role::Restore(_) => None,
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
