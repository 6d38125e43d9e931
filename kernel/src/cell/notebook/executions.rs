//! The cells that a notebook has executed. The process that runs cells records them with its runs; a new one is told
//! all of them, since what they have defined is still there.

use wire::{Ended, Executed};

/// In the order of execution.
#[derive(Debug, Default)]
pub(crate) struct Executions {
    all: Vec<Executed>,
    /// How many the present process knows.
    told: usize,
}

impl Executions {
    /// A cell is executed; what has no source is none of the notebook's.
    pub(crate) fn add(&mut self, execution_count: u32, source: Option<&str>) {
        self.push(execution_count, source, None);
    }

    /// The same of one that needs no process: there is nothing in it to run.
    pub(crate) fn add_done(&mut self, execution_count: u32, source: Option<&str>) {
        self.push(execution_count, source, Some(Ended::Ok));
    }

    fn push(&mut self, execution_count: u32, source: Option<&str>, ended: Option<Ended>) {
        let executed = |source: &str| Executed { execution_count, source: source.to_owned(), ended, is_earlier: false };
        self.all.extend(source.map(executed));
    }

    /// How the last one ended, if it is this one.
    pub(crate) fn ended(&mut self, execution_count: u32, ended: &Ended) {
        let last = self.all.last_mut().filter(|last| last.execution_count == execution_count && last.ended.is_none());
        if let Some(last) = last {
            last.ended = Some(ended.clone());
        }
    }

    /// Those that the process does not know, which it is told now.
    pub(crate) fn untold(&mut self) -> Vec<Executed> {
        let untold = self.all[self.told..].to_vec();
        self.told = self.all.len();
        untold
    }

    /// The process is another one.
    pub(crate) fn forget_told(&mut self) {
        self.all[..self.told].iter_mut().for_each(|cell| cell.is_earlier = true);
        self.told = 0;
    }
}
