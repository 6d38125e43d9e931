//! What a cell that was run leaves in the notebook.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::failure::lost;
use super::generated::frames::key;
use super::generated::krate::line_number;
use super::generated::types;
use super::notebook::follow::Follow;
use super::notebook::held::{Origin, paths};
use super::notebook::plan::Plan;
use super::notebook::state::{Built, Gone, State, Variable};
use super::source::bindings::Binding;
use super::source::split::Split;

/// A cell that was run.
#[derive(Debug)]
pub(crate) struct Ran<'a> {
    pub(crate) split: &'a Split,
    pub(crate) follow: &'a Follow,
    pub(crate) plan: &'a Plan,
    /// New variables that are not stored, and why.
    pub(crate) unstored: &'a BTreeMap<String, Gone>,
    /// The types of new variables, by their [`key`]s.
    pub(crate) types: &'a BTreeMap<String, String>,
    /// Whether the compiler could be asked for them.
    pub(crate) are_types_known: bool,
    pub(crate) built: &'a Built,
    pub(crate) origin: &'a Origin,
    pub(crate) level: u8,
    /// What the host has now.
    pub(crate) variables: &'a [wire::Variable],
}

/// What there is to do and to say afterwards.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) notes: Vec<String>,
    /// Variables that are no longer there.
    pub(crate) lost: Vec<String>,
}

impl Ran<'_> {
    /// Takes in what a cell that ended well has changed; `hidden` are the names of its functions and constants.
    pub(crate) fn commit(&self, state: &mut State, hidden: Vec<String>) -> Left {
        let cell = self.origin.cell;
        let mut left = Left::default();
        for name in self.plan.borrowed.union(&self.plan.taken).filter(|name| !self.plan.back.contains(*name)) {
            state.variables.remove(name);
            state.gone.insert(name.clone(), Gone::Moved { cell });
        }
        for (name, why) in self.unstored.iter().filter(|(name, _)| self.stored(name).is_none()) {
            if let Gone::Borrows { .. } = why {
                left.notes.push(why.explain(name));
            }
            state.variables.remove(name);
            state.gone.insert(name.clone(), why.clone());
        }
        self.hide(state, hidden);
        for binding in self.put() {
            if self.stored(&binding.name).is_some() {
                self.take_in(state, binding, &mut left);
            } else if !self.unstored.contains_key(&binding.name) {
                let how = "the cell returned before its end".to_owned();
                // What is still there is the value of an earlier cell.
                if !self.has(&binding.name) {
                    state.variables.remove(&binding.name);
                    state.gone.insert(binding.name.clone(), Gone::Lost { cell, how });
                }
            }
        }
        state.keep(&self.in_host(), cell, "the cell returned before its end");
        self.define(state, &mut left);
        left
    }

    /// Takes in what a cell that failed had made before it did, and no more: of what it defines, only what that is
    /// made of. `line` is the one that failed.
    pub(crate) fn keep(&self, state: &mut State, hidden: Vec<String>, line: u32) -> Left {
        let cell = self.origin.cell;
        let mut left = Left::default();
        for binding in self.put().filter(|binding| self.stored(&binding.name).is_some()) {
            self.take_in(state, binding, &mut left);
        }
        left.lost = state.keep(&self.in_host(), cell, "it was moved when the cell failed");
        for name in self.made_before(line).filter(|name| self.stored(name).is_none()) {
            let why = match self.unstored.get(name) {
                Some(why) => why.clone(),
                None if !self.plan.put.contains(name) => continue,
                None => Gone::Lost { cell, how: self.why_not_kept(name).to_owned() },
            };
            let mut note = why.explain(name);
            match state.variables.get(name) {
                Some(old) => note = format!("{note}; `{name}` is again the one of cell [{}]", old.cell),
                None => drop(state.gone.insert(name.clone(), why)),
            }
            left.notes.push(note);
        }
        let new = state.variables.iter().filter(|(name, _)| self.stored(name).is_some());
        if new.flat_map(|(_, variable)| paths(&variable.ty)).any(|path| path.krate == self.built.krate) {
            self.hide(state, hidden);
            self.define(state, &mut left);
        }
        left
    }

    /// A function or constant takes the place of a variable of its name, which would hide it.
    fn hide(&self, state: &mut State, hidden: Vec<String>) {
        let bound = |name: &String| self.split.bindings.iter().any(|binding| binding.name == *name);
        for name in hidden.iter().filter(|name| !bound(name)) {
            state.variables.remove(name);
        }
    }

    /// Takes in a new variable that the host has stored.
    fn take_in(&self, state: &mut State, binding: &Binding, left: &mut Left) {
        let (name, cell) = (binding.name.clone(), self.origin.cell);
        let Some((in_host, nth)) = self.stored(&name) else { return };
        if let Some(old) = state.variables.get_mut(&name).filter(|old| old.in_host == in_host) {
            // The type has not changed.
            (old.mutable, old.cell, old.names) = (binding.mutable, cell, self.names());
            return;
        }
        let ty = self.types.get(&key(&name, nth));
        match ty.filter(|ty| types::is_nameable(ty)) {
            Some(ty) => {
                state.gone.remove(&name);
                let (names, in_host) = (self.names(), in_host.to_owned());
                let variable = Variable { ty: ty.clone(), mutable: binding.mutable, cell, names, in_host };
                state.variables.insert(name, variable);
            }
            None if !self.are_types_known => {
                let how = "its type could not be asked for".to_owned();
                state.variables.remove(&name);
                state.gone.insert(name, Gone::Lost { cell, how });
            }
            None => {
                let why = match ty {
                    Some(ty) if types::is_inside_cell(ty) => Gone::Inside { cell },
                    ty => Gone::Unnameable { cell, ty: ty.map(|ty| types::for_people(ty)).unwrap_or_default() },
                };
                left.notes.push(why.explain(&name));
                state.variables.remove(&name);
                state.gone.insert(name, why);
            }
        }
    }

    fn names(&self) -> Arc<BTreeSet<String>> {
        Arc::new(self.split.names.clone())
    }

    fn define(&self, state: &mut State, left: &mut Left) {
        let said = state.define(self.split, self.follow, self.built, self.origin, self.level, self.plan);
        left.notes.extend(said);
        let stale = state.drop_stale(self.origin.cell);
        if let Some(lost) = lost(&stale) {
            left.notes.push(format!("{lost}: their types are defined anew; run the cells that make them again"));
        }
        left.notes.extend(state.old_code(self.split, self.follow));
    }

    /// What the cell was to store, if only where it got no further.
    fn put(&self) -> impl Iterator<Item = &Binding> {
        let put = |name: &String| self.plan.put.contains(name) || self.plan.held.contains_key(name);
        self.split.bindings.iter().filter(move |binding| put(&binding.name))
    }

    /// What the host calls the type of a variable that the cell has stored, and which binding of the name it is.
    fn stored(&self, name: &str) -> Option<(&str, u32)> {
        let variable = self.variables.iter().find(|variable| variable.name == name)?;
        Some((&variable.type_name, variable.stored?))
    }

    fn has(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable.name == name)
    }

    fn in_host(&self) -> BTreeMap<String, String> {
        self.variables.iter().map(|variable| (variable.name.clone(), variable.type_name.clone())).collect()
    }

    /// What was bound in lines before `line`.
    fn made_before(&self, line: u32) -> impl Iterator<Item = &String> {
        let before = move |byte: usize| line_number(&self.origin.text, byte) < line as usize;
        let made = move |name: &str| {
            self.split.parts.iter().any(|part| {
                part.step().is_some_and(|step| step.binds.iter().any(|bound| bound == name)) && before(part.start())
            })
        };
        self.split.bindings.iter().map(|binding| &binding.name).filter(move |name| made(name))
    }

    fn why_not_kept(&self, name: &str) -> &'static str {
        if self.split.awaits {
            "a cell that awaits keeps nothing of its own when it fails"
        } else if self.plan.late.contains(name) {
            "what failed had taken it to give it another value"
        } else if self.plan.together.is_some() {
            "a reference ties it to what failed"
        } else {
            "it was run as one with what failed"
        }
    }
}
