//! How long the thread that stores waits, gathers and tries again.

use std::time::Duration;

/// How long values are gathered, and so how much a crash may take.
pub(super) const GATHER: Duration = Duration::from_millis(50);

/// The pause before a batch that failed is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(100);

/// How long `flush` and `finish` keep trying while another program holds the lock.
pub(super) const BUSY_PATIENCE: Duration = Duration::from_secs(60);

/// The same for any other refusal, such as a full disk.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Many processes that record into one file wait for one another. That is told only when it lasts this long.
pub(super) const BUSY_IS_NEWS: Duration = Duration::from_secs(30);

/// How long the thread stays when no run is left.
pub(super) const LINGER: Duration = Duration::from_millis(200);

/// When the last run ends, the write-ahead log is folded into the file, so that it is one file. This costs as
/// much as ten runs, so of more runs than this in a moment, only the last one does it, after [`LINGER`].
pub(super) const FOLDS: u32 = 16;

/// A fold is allowed again after this time.
pub(super) const FOLD_EVERY: Duration = Duration::from_millis(500);

/// How long the end of a run waits for what is found out about its surroundings.
pub(super) const FOUND_PATIENCE: Duration = Duration::from_secs(5);

/// How long values are taken in before they are stored, while more come without pause; and when the process ends.
pub(super) const TAKE: Duration = Duration::from_millis(20);
pub(super) const TAKE_LAST: Duration = Duration::from_secs(1);
