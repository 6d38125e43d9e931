//! Corrects how the variables of a cell are handled by what the compiler says. Only it knows what is moved and
//! what is borrowed.

use std::collections::BTreeMap;

use super::compiler::diagnostics::Diagnostic;
use super::generated::frames::Frames;
use super::generated::krate::{Generated, Role};
use super::generated::types;
use super::notebook::plan::Plan;
use super::notebook::state::{Gone, State};
use super::source::names::mentions;
use super::source::split::Split;
use super::source::step::Step;

/// Takes from the plan what the compiler refused in lines of ours; whether anything changed.
pub(crate) fn correct(
    state: &mut State,
    plan: &mut Plan,
    unstored: &mut BTreeMap<String, Gone>,
    found: &[Diagnostic],
    split: &Split,
    cell: &Generated,
    number: u32,
) -> bool {
    let mut changed = drop_broken(state, plan, found, cell, number);
    for role in found.iter().filter(|it| it.is_error()).flat_map(|error| error.roles(cell)) {
        changed |= matches!(role, Role::Hold(name) if plan.held.remove(name).is_some());
    }
    for error in found.iter().filter(|it| it.is_error() && of_variables(it.code())) {
        let unstorable = unstorable(error, cell);
        if unstorable.is_empty() {
            for role in error.roles(cell) {
                changed |= matches!(role, Role::Earlier(name, _) if plan.earlier.remove(name));
            }
        }
        for name in unstorable {
            if error.code() == Some("E0382") && may_have_a_value(plan, split, &name) {
                changed |= plan.late.insert(name);
            } else if plan.put.remove(&name) {
                if error.code() == Some("E0382") {
                    hold(plan, split, &name);
                }
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
            && let Some(variable) = state.variables.remove(name)
        {
            let why = Gone::Unnameable { cell: variable.cell, ty: types::for_people(&variable.ty) };
            state.gone.insert(name.clone(), why);
            plan.borrowed.remove(name);
            plan.taken.remove(name);
            plan.back.remove(name);
            changed = true;
        }
        for role in error.roles(cell).filter(|_| of_variables(error.code())) {
            let Role::Restore(name) = role else { continue };
            // What is moved and then assigned to has a value at the end, which only the closure knows.
            if mentions(&plan.assigned, name) && !plan.put.contains(name) && plan.borrowed.remove(name) {
                plan.taken.insert(name.clone());
                changed = true;
            } else {
                changed |= plan.back.remove(name);
            }
        }
    }
    changed || run_together(plan, split, found, cell, number)
}

/// Whether what looks moved by a guarded closure inside may still have a value where that one ends.
fn may_have_a_value(plan: &Plan, split: &Split, name: &str) -> bool {
    let leaves = mentions(&split.names, "return") || mentions(&plan.assigned, name);
    leaves && !plan.late.contains(name) && Frames::new(split, plan).count() > 1
}

/// Has a variable that is moved put away until it is first named, if the cell can fail before that.
fn hold(plan: &mut Plan, split: &Split, name: &str) {
    let binds = |step: &Step| step.binds.iter().any(|bound| bound == name);
    let Some((made, _)) = split.steps().rfind(|(_, step)| binds(step)) else { return };
    let mut after = split.steps().filter(|(index, _)| *index > made).peekable();
    let mut may_fail = false;
    while let Some((_, step)) = after.next_if(|(_, step)| !mentions(&step.names, name)) {
        may_fail |= step.may_fail;
    }
    if let Some((until, _)) = after.next().filter(|_| may_fail) {
        plan.held.insert(name.to_owned(), until);
    }
}

/// Has the statements run in one closure that a message about one of ours points at: what borrows from what may
/// only be clear to the compiler then, and its message is about the person's text alone. Whether this changes
/// anything.
fn run_together(plan: &mut Plan, split: &Split, found: &[Diagnostic], cell: &Generated, number: u32) -> bool {
    let by_cut = |error: &&Diagnostic| match error.code() {
        // What is moved is moved, wherever our closures begin.
        Some("E0382") => false,
        Some("E0521" | "E0594") => true,
        None => ["lifetime", "closure", "escape"].iter().any(|word| error.message.contains(word)),
        Some(_) => error.roles(cell).any(|role| *role == Role::Cut),
    };
    if Frames::new(split, plan).count() == 1 {
        return false;
    }
    let errors: Vec<&Diagnostic> = found.iter().filter(|it| it.is_error()).filter(by_cut).collect();
    if errors.is_empty() {
        return false;
    }
    let before = plan.together;
    // Where the variable is bound that may not be assigned to is not said.
    let whole = errors.iter().any(|error| error.code() == Some("E0594"));
    let places = errors.iter().flat_map(|error| error.tied(cell)).filter(|(origin, _)| origin.cell == number);
    let parts: Vec<usize> = places.filter_map(|(_, byte)| split.step_at(byte)).collect();
    if let (false, Some(first), Some(last)) = (whole, parts.iter().min(), parts.iter().max()) {
        let (from, to) = before.unwrap_or((*first, *last));
        let from = from.min(*first);
        plan.together = Some((from, borrowed_until(plan, split, from, to.max(*last))));
    }
    if plan.together == before {
        plan.together = Some((0, usize::MAX));
    }
    plan.together != before
}

/// The last part that names what is bound from `from` to `to`, or to what follows in this way, and is not stored.
fn borrowed_until(plan: &Plan, split: &Split, from: usize, mut to: usize) -> usize {
    loop {
        let inside = split.steps().filter(|(index, _)| (from..=to).contains(index));
        let borrowers: Vec<&String> =
            inside.flat_map(|(_, step)| &step.binds).filter(|name| !plan.put.contains(*name)).collect();
        let names = |step: &Step| borrowers.iter().any(|name| mentions(&step.names, name));
        let last = split.steps().rfind(|(_, step)| names(step)).map_or(to, |(index, _)| index);
        if last <= to {
            return to;
        }
        to = last;
    }
}

/// Earlier definitions that rustc refuses beside those of this cell: they go, not the cell. Whether there
/// were any.
fn drop_broken(state: &mut State, plan: &mut Plan, found: &[Diagnostic], cell: &Generated, number: u32) -> bool {
    let mut changed = false;
    for error in found.iter().filter(|it| it.is_error() && !it.is_summary()) {
        match error.primary_role(cell) {
            Some(Role::Import(text)) => changed |= plan.broken_imports.insert(text.clone()),
            // What it was defined as is not there: `#[cfg(test)]`.
            Some(Role::Item(name)) => changed |= state.items.remove(name).is_some(),
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

/// The new variables that an error is about. When one is stored while another still borrows from it, it is
/// the other that cannot be stored. Which one that is may not be clear as long as a closure of ours captures it.
fn unstorable(error: &Diagnostic, cell: &Generated) -> Vec<String> {
    let name = |role: &Role| match role {
        Role::Put(name) => Some(name.clone()),
        _ => None,
    };
    let all: Vec<String> = error.roles(cell).filter_map(name).collect();
    let owner = error.primary_role(cell).and_then(name);
    let borrowers: Vec<String> = all.iter().filter(|name| Some(*name) != owner.as_ref()).cloned().collect();
    let moved = matches!(error.code(), Some("E0381" | "E0382"));
    match borrowers.is_empty() {
        true if !moved && error.roles(cell).any(|role| *role == Role::Cut) => Vec::new(),
        true => all,
        false => borrowers,
    }
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
