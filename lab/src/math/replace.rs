//! Has calls of C's mathematical functions go to Rust's.
//!
//! Generic code of dfdx is compiled in the cells, and calls what std calls: C's functions, through addresses that the
//! loader keeps for each library. They are written over in libraries of ours (the environment's and the cells'), as
//! `host::waits` does with what waits; those of the system keep theirs. What the compiler computes itself (a function
//! of a constant) is out of reach: for `f32` it rounds the `f64` result, which is nearly always the same number.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::table::functions;
use crate::host::elf::{each_slot, write};

/// Whose calls are replaced, by the start of the file's name.
const OURS: [&str; 3] = ["libcell_", "libext_", "liblab"];

/// Replaces the calls of what was loaded since the last time: of libraries of ours, and of the program itself.
/// Cells need not call it. A program that uses lab by itself may, at its start, to compute the bits that a cell does.
pub fn replace() {
    static SEEN: Mutex<Option<HashSet<usize>>> = Mutex::new(None);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = seen.get_or_insert_default();
    let mut found = Vec::new();
    let mut new = |path: &str, base: usize| {
        let file = path.rsplit('/').next().unwrap_or_default();
        (file.is_empty() || OURS.iter().any(|start| file.starts_with(start))) && seen.insert(base)
    };
    each_slot(&mut new, &mut |path, symbol, at| {
        if let Some((_, function)) = functions().iter().find(|(name, _)| *name == symbol) {
            found.push((*function, at, path.contains("/libcell_")));
        }
    });
    // Not while the loader goes through its libraries.
    for (function, at, writable) in found {
        write(at, function, writable);
    }
}
