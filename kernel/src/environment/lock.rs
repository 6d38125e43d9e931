//! One build at a time, and what a build leaves that did not come to its end.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::cancel::Cancel;
use super::{EnvironmentError, Progress};

/// How often it is looked whether another build has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Takes the lock of the build folder, which goes with the file.
///
/// # Errors
/// When the folder cannot be written, or the build is cancelled while it waits.
pub(super) fn take(
    target: &Path,
    progress: &mut dyn FnMut(&Progress),
    cancel: &Cancel,
) -> Result<File, EnvironmentError> {
    let at = |source| EnvironmentError::Write { path: target.to_owned(), source };
    fs::create_dir_all(target).map_err(at)?;
    let file = File::create(target.join("lock")).map_err(at)?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(at(source)),
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut told, true) {
                    progress(&Progress::Waiting);
                }
                cancel.pause(LOOK)?;
            }
        }
    }
}

/// Removes what builds have left that were killed, unless one is running.
pub(crate) fn sweep_unfinished(home: &Path) {
    let Ok(lock) = File::options().write(true).open(home.join("build/lock")) else { return };
    if lock.try_lock().is_ok() {
        sweep(home);
    }
}

/// The same, for who has the lock.
pub(super) fn sweep(home: &Path) {
    let environments = home.join("environments");
    let finished: Vec<String> = names(&environments);
    for name in finished.iter().filter(|name| name.ends_with(".part")) {
        remove(&environments.join(name));
    }
    // Crates that were added are `ext_KEY` here and `HASH-KEY` there.
    let extensions = home.join("build/src/extensions");
    for name in names(&extensions) {
        let key = name.strip_prefix("ext_").unwrap_or(&name);
        if !finished.iter().any(|folder| folder.ends_with(&format!("-{key}"))) {
            remove(&extensions.join(name));
        }
    }
    for name in names(&temporary(home)) {
        remove(&temporary(home).join(name));
    }
}

/// Where compilers under cargo put their temporary files, which those that are killed leave.
pub(super) fn temporary(home: &Path) -> std::path::PathBuf {
    home.join("build/tmp")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    if let Err(error) = removed {
        tracing::debug!(%error, path = %path.display(), "what a build left stays");
    }
}
