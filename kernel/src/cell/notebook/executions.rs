//! The cells that a notebook has executed. The process that runs cells records them with its runs; a new one is told
//! all of them, since what they have defined is still there.

use wire::Executed;

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
        self.all.extend(source.map(|source| Executed { execution_count, source: source.to_owned() }));
    }

    /// Those that the process does not know, which it is told now.
    pub(crate) fn untold(&mut self) -> Vec<Executed> {
        let untold = self.all[self.told..].to_vec();
        self.told = self.all.len();
        untold
    }

    /// The process is another one.
    pub(crate) fn forget_told(&mut self) {
        self.told = 0;
    }
}
