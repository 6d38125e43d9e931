//! The outer loop of training.

use std::cell::RefCell;
use std::rc::Rc;

use super::bar::Bar;
use crate::{display, host};

/// Counts epochs with a progress bar, as in `for epoch in epochs(30) { ... }`. An interrupt ends the cell, in the loop
/// or here.
#[derive(Debug)]
pub struct Epochs {
    next: usize,
    bar: Rc<RefCell<Bar>>,
}

/// One epoch of the loop.
#[derive(Debug)]
pub struct Epoch {
    index: usize,
    bar: Rc<RefCell<Bar>>,
}

/// A loop over `count` epochs.
pub fn epochs(count: usize) -> Epochs {
    Epochs { next: 0, bar: Rc::new(RefCell::new(Bar::new(count))) }
}

impl Epochs {
    /// Sets the word in front of the count; `epoch` if not set.
    pub fn title(self, title: impl Into<String>) -> Self {
        self.bar.borrow_mut().title = title.into();
        self
    }
}

impl Iterator for Epochs {
    type Item = Epoch;

    fn next(&mut self) -> Option<Epoch> {
        let mut bar = self.bar.borrow_mut();
        if self.next > 0 && !host::interrupted() {
            bar.done = self.next;
        }
        if self.next >= bar.total || host::interrupted() {
            bar.end();
            display::flush();
            drop(bar);
            host::at_boundary();
            return None;
        }
        bar.draw();
        self.next += 1;
        Some(Epoch { index: self.next - 1, bar: Rc::clone(&self.bar) })
    }
}

impl Drop for Epochs {
    fn drop(&mut self) {
        // A `break` or an error in the loop ends here; the last state is shown all the same.
        self.bar.borrow_mut().end();
        display::flush();
    }
}

impl Epoch {
    /// Counts from 0: for seeds and indices.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Counts from 1: for people and the tracker.
    pub fn number(&self) -> usize {
        self.index + 1
    }

    /// Shows metrics beside the bar, in place of the last ones.
    pub fn report(&self, metrics: &[(&str, f64)]) {
        let mut bar = self.bar.borrow_mut();
        bar.metrics = metrics.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        bar.draw();
    }
}

#[cfg(test)]
mod tests {
    use super::epochs;

    #[test]
    fn counts_from_zero_and_from_one() {
        let counted: Vec<_> = epochs(3).title("pass").map(|epoch| (epoch.index(), epoch.number())).collect();
        assert_eq!(counted, [(0, 1), (1, 2), (2, 3)]);
        assert_eq!(epochs(0).count(), 0);
    }
}
