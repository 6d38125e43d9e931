//! What the GPUs do while a process records. They are asked on a thread of their own: a driver may take its time,
//! and neither training nor storing waits for it.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use crate::capture::{Gpus, Reading};

/// The thread that asks; it ends with this.
pub(super) struct GpuUsage {
    ask: SyncSender<()>,
    said: Receiver<Vec<Reading>>,
}

impl GpuUsage {
    /// Where there are no GPUs, the thread ends at once and nothing is ever said.
    pub(super) fn start() -> Option<Self> {
        // While one question waits, no other is put.
        let (ask, asked) = sync_channel(1);
        let (say, said) = channel();
        let work = move || {
            let Some(gpus) = Gpus::open() else { return };
            while asked.recv().is_ok() && say.send(gpus.read()).is_ok() {}
        };
        std::thread::Builder::new().name("assay-gpus".to_owned()).spawn(work).ok()?;
        Some(Self { ask, said })
    }

    /// Wants to know what they do now.
    pub(super) fn ask(&self) {
        // Full: the last question is not answered yet. Disconnected: there are none.
        let _ = self.ask.try_send(());
    }

    /// What has been answered.
    pub(super) fn said(&self) -> impl Iterator<Item = Reading> {
        self.said.try_iter().flatten()
    }
}
