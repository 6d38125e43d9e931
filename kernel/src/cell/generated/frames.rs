//! How a cell's statements are divided into guarded closures, each inside the one before: what is made in one is
//! stored after the next has ended, well or not. So variables outlive what fails after them.

use std::collections::{BTreeMap, BTreeSet};

use crate::cell::notebook::plan::Plan;
use crate::cell::source::names::mentions;
use crate::cell::source::split::Split;

/// How many there are at most: each is compiled inside those around it.
const LIMIT: usize = 64;

/// Up to how many are inlined where a cell is optimised: each takes 10 ms to compile then.
const INLINED: usize = 8;

/// The division of one cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frames {
    /// The parts before which a closure begins, but for the first one.
    cuts: Vec<usize>,
    /// By name, the parts that bind it.
    bound: BTreeMap<String, Vec<usize>>,
    /// By name, the first and the last part that mention it, of names that a cell takes or that are stored late.
    mentioned: BTreeMap<String, (usize, usize)>,
}

/// What is stored at the end of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stored {
    Last(String),
    /// Bound anew further on; with the number of the binding, from 1.
    Earlier(String, u32),
}

/// A variable that is moved on later, out of an `Option` in which it can be found again if that is not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held<'a> {
    pub(crate) name: &'a String,
    pub(crate) made: usize,
    pub(crate) until: usize,
    /// The closure in which it is made.
    pub(crate) frame: usize,
}

impl Frames {
    pub(crate) fn new(split: &Split, plan: &Plan) -> Self {
        let mut frames = Self::default();
        for (index, step) in split.steps() {
            for name in &step.binds {
                let places = frames.bound.entry(name.clone()).or_default();
                // `let (a, a)` is refused by rustc; by us only once.
                if places.last() != Some(&index) {
                    places.push(index);
                }
            }
            for name in plan.taken.iter().chain(&plan.late).filter(|name| mentions(&step.names, name)) {
                frames.mentioned.entry(name.clone()).or_insert((index, index)).1 = index;
            }
        }
        frames.cut(split, plan);
        frames
    }

    fn cut(&mut self, split: &Split, plan: &Plan) {
        // What is awaited is one future.
        let (from, to) = if split.awaits { (0, usize::MAX) } else { plan.together.unwrap_or_default() };
        let mut open_until = 0;
        let mut made = false;
        for (index, step) in split.steps() {
            let free = index > open_until && (index <= from || index > to);
            if free && made && (step.may_fail || plan.held.values().any(|until| *until == index)) {
                self.cuts.push(index);
                made = false;
            }
            made |= step.binds.iter().any(|name| plan.put.contains(name) || plan.held.contains_key(name));
            // Gets its value in the closure that it stands in.
            for name in step.binds.iter().filter(|_| step.is_open) {
                let mut later = split.steps().filter(|(later, _)| *later > index);
                let given = later.find(|(_, step)| mentions(&step.names, name));
                open_until = given.map_or(open_until, |(given, _)| open_until.max(given));
            }
        }
        let every = self.cuts.len().div_ceil(LIMIT).max(1);
        // With the last: most of what fails is new at the end.
        let mut cuts: Vec<usize> = self.cuts.iter().rev().copied().step_by(every).collect();
        cuts.reverse();
        self.cuts = cuts;
    }

    /// Variables that are held between the part that makes them and the one that first names them: each with the
    /// closure in which it is made.
    pub(crate) fn held<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = Held<'a>> {
        plan.held.iter().filter_map(|(name, until)| {
            let made = *self.bound.get(name)?.last()?;
            (self.of(made) < self.of(*until)).then(|| Held { name, made, until: *until, frame: self.of(made) })
        })
    }

    /// Whether a closure begins before this part.
    pub(crate) fn begins(&self, part: usize) -> bool {
        self.cuts.binary_search(&part).is_ok()
    }

    /// Whether they are few enough to become one function where the cell is optimised.
    pub(crate) fn are_few(&self) -> bool {
        self.count() <= INLINED
    }

    /// How many closures there are.
    pub(crate) fn count(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The closure that holds a part.
    fn of(&self, part: usize) -> usize {
        self.cuts.partition_point(|cut| *cut <= part)
    }

    /// The closure in which a variable is taken that the cell moves and then assigns to: the first that names it.
    pub(crate) fn takes(&self, name: &str) -> usize {
        self.mentioned.get(name).map_or(0, |(first, _)| self.of(*first))
    }

    /// The closure after whose statements nothing names the variable.
    pub(crate) fn leaves(&self, name: &str) -> usize {
        self.mentioned.get(name).map_or(0, |(_, last)| self.of(*last))
    }

    /// What is stored at the end of each closure.
    pub(crate) fn stored(&self, plan: &Plan) -> Vec<Vec<Stored>> {
        let mut stored = vec![Vec::new(); self.count()];
        for name in &plan.put {
            let Some(places) = self.bound.get(name) else {
                // What a macro binds is not seen; no such name is in a plan.
                continue;
            };
            let mut taken = BTreeSet::new();
            let last = places.last().map_or(0, |last| self.of(*last));
            let last = if plan.late.contains(name) { last.max(self.leaves(name)) } else { last };
            taken.insert(last);
            stored[last].push(Stored::Last(name.clone()));
            if plan.earlier.contains(name) {
                // The second of two in one closure is the one to see.
                for (part, nth) in places[..places.len() - 1].iter().zip(1..).collect::<Vec<_>>().into_iter().rev() {
                    if self.of(*part) < last && taken.insert(self.of(*part)) {
                        stored[self.of(*part)].push(Stored::Earlier(name.clone(), nth));
                    }
                }
            }
        }
        stored
    }

    /// The earlier bindings of a name, with the parts that bind them and their numbers.
    pub(crate) fn earlier<'a>(&'a self, plan: &'a Plan, part: usize) -> impl Iterator<Item = (&'a String, u32)> {
        plan.earlier.intersection(&plan.put).filter_map(move |name| {
            let places = self.bound.get(name)?;
            let nth = places[..places.len().saturating_sub(1)].iter().position(|place| *place == part)?;
            Some((name, u32::try_from(nth).ok()? + 1))
        })
    }
}

/// What a variable's type is found under: `nth` as the host has it, 0 for the last of its name.
pub(crate) fn key(name: &str, nth: u32) -> String {
    if nth == 0 { name.to_owned() } else { format!("{name} {nth}") }
}
