//! How a trainer was asked to train.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::train::Mode;
use crate::train::Schedule;

/// The settings of a trainer; what it logs with a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) epochs: usize,
    pub(super) seed: u64,
    pub(super) schedule: Option<Schedule>,
    pub(super) accumulate: u32,
    pub(super) clip_norm: Option<f64>,
    pub(super) clip_value: Option<f64>,
    pub(super) l1: Option<f64>,
    pub(super) l2: Option<f64>,
    pub(super) watch: Watch,
    pub(super) checkpoints: Option<PathBuf>,
    pub(super) checkpoint_every: Option<u64>,
    pub(super) log_every: u64,
    pub(super) quiet: bool,
}

/// The metric of the validation that decides which epoch is best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) metric: String,
    pub(super) mode: Mode,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            epochs: 10,
            seed: 0,
            schedule: None,
            accumulate: 1,
            clip_norm: None,
            clip_value: None,
            l1: None,
            l2: None,
            watch: Watch { metric: "loss".to_owned(), mode: Mode::Min },
            checkpoints: None,
            checkpoint_every: None,
            log_every: 1,
            quiet: false,
        }
    }
}
