//! How cells were compiled in the end whose plans the compiler had to correct: the next time, that is where it
//! starts, and the attempts before need not fail again.

use std::collections::BTreeMap;

use super::generated::krate::Generated;
use super::notebook::plan::Plan;
use super::notebook::state::Gone;

/// By the library of the first attempt, which its text and all that it links decide.
#[derive(Debug, Default)]
pub(crate) struct Settled(BTreeMap<String, Known>);

/// A corrected plan, what is not stored, and the attempt for which types were asked.
type Known = (Plan, BTreeMap<String, Gone>, Option<Generated>);

impl Settled {
    /// How the cell was settled before, for the same cell with another number.
    pub(crate) fn of(&self, first: &str, number: u32) -> Option<Known> {
        let (plan, unstored, asked) = self.0.get(first)?.clone();
        let now = |why| match why {
            Gone::Moved { .. } => Gone::Moved { cell: number },
            Gone::Borrows { .. } => Gone::Borrows { cell: number },
            Gone::Unset { .. } => Gone::Unset { cell: number },
            why => why,
        };
        let unstored = unstored.into_iter().map(|(name, why)| (name, now(why))).collect();
        Some((plan, unstored, asked))
    }

    /// Remembers a plan that was corrected. What breaks earlier definitions is settled each time: their places
    /// are those of this run.
    pub(crate) fn note(
        &mut self,
        first: String,
        plan: &Plan,
        unstored: &BTreeMap<String, Gone>,
        asked: Option<Generated>,
    ) {
        if plan.around_body().1 == 0 {
            self.0.insert(first, (plan.clone(), unstored.clone(), asked));
        }
    }
}
