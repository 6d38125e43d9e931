//! What a kernel that was killed has left half written.

use crate::cell::compiler::cache;
use crate::environment;

/// Removes cells and environments that nobody is building any more.
pub fn unfinished() {
    if let Ok(home) = environment::home() {
        cache::sweep_abandoned(&home.join("cells"));
        environment::sweep_unfinished(&home);
    }
}
