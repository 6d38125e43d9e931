//! The variables of a notebook, by name. Generic functions here are compiled again in every cell, so each
//! is a thin shell over one that is not.

use std::any::{Any, type_name};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

struct Slot {
    value: Box<dyn Any>,
    type_name: &'static str,
    size: usize,
    /// As [`wire::Variable`] has it.
    stored: Option<u32>,
}

thread_local! {
    /// Cells run on one thread, so values need not be `Send`.
    static VARIABLES: RefCell<BTreeMap<String, Slot>> = const { RefCell::new(BTreeMap::new()) };
}

/// Moves a variable out of the store.
///
/// # Panics
/// When there is no such variable, or it is of another type; the kernel prevents both.
pub fn take<T: 'static>(name: &str) -> T {
    let slot = take_slot(name);
    match slot.value.downcast::<T>() {
        Ok(value) => *value,
        Err(value) => refuse(name, Slot { value, ..slot }, type_name::<T>()),
    }
}

/// Stores a new variable, in place of an older cell's of that name.
pub fn put<T: 'static>(name: &str, value: T) {
    put_any(name, Box::new(value), type_name::<T>(), size_of::<T>(), Some(0));
}

/// Stores one that the cell binds anew further on, unless it got that far. `nth`: counted from the first, at 1.
pub fn put_earlier<T: 'static>(name: &str, nth: u32, value: T) {
    put_any(name, Box::new(value), type_name::<T>(), size_of::<T>(), Some(nth));
}

/// Gives a variable back after the cell, unless the cell stored a new one under its name.
pub fn restore<T: 'static>(name: &str, value: T) {
    put_any(name, Box::new(value), type_name::<T>(), size_of::<T>(), None);
}

/// No type has this: asking for it makes the compiler print the type's name. See [`name_of`].
#[diagnostic::on_unimplemented(message = "assay-type {Self}")]
pub trait Unnamed {}

/// Never called: a cell that contains it is only type-checked, for the message of [`Unnamed`].
pub fn name_of<T: Unnamed>(_: &T) {}

fn take_slot(name: &str) -> Slot {
    match VARIABLES.with_borrow_mut(|variables| variables.remove(name)) {
        Some(slot) => slot,
        None => panic!("the variable `{name}` is no longer there"),
    }
}

fn refuse(name: &str, slot: Slot, wanted: &str) -> ! {
    let is = slot.type_name;
    VARIABLES.with_borrow_mut(|variables| variables.insert(name.to_owned(), slot));
    panic!("the variable `{name}` is a `{is}`, not a `{wanted}`")
}

fn put_any(name: &str, value: Box<dyn Any>, type_name: &'static str, size: usize, stored: Option<u32>) {
    let slot = Slot { value, type_name, size, stored };
    let old = VARIABLES.with_borrow_mut(|variables| {
        // What the cell has stored itself is newer: the inner of its guarded parts store first.
        let stays = |old: &Slot| stored.is_none() || old.stored.is_some();
        if variables.get(name).is_some_and(stays) {
            return Some(slot);
        }
        variables.insert(name.to_owned(), slot)
    });
    // Dropped outside the borrow: a destructor may print, panic or use the store. If it panics, the cell failed,
    // but what is still to be stored is stored.
    super::guard::drop_guarded(old);
}

/// Drops the named variables; returns those whose destructors panicked, and what they said.
pub(super) fn forget(names: &[String]) -> Vec<(String, String)> {
    let dropped = |name: &String| {
        let slot = VARIABLES.with_borrow_mut(|variables| variables.remove(name));
        let payload = catch_unwind(AssertUnwindSafe(|| drop(slot))).err()?;
        let message = super::panics::message(&*payload);
        // What was thrown may panic again when dropped; it is small, so leak it.
        std::mem::forget(payload);
        Some((name.clone(), message))
    };
    names.iter().filter_map(dropped).collect()
}

/// Drops all variables, whatever their destructors do.
pub(super) fn forget_all() {
    let names: Vec<String> = VARIABLES.with_borrow(|variables| variables.keys().cloned().collect());
    forget(&names);
}

/// Every variable there is, at the end of a cell.
pub(super) fn list() -> Vec<wire::Variable> {
    VARIABLES.with_borrow_mut(|variables| {
        variables
            .iter_mut()
            .map(|(name, slot)| wire::Variable {
                name: name.clone(),
                type_name: slot.type_name.to_owned(),
                size: slot.size,
                stored: slot.stored.take(),
            })
            .collect()
    })
}
