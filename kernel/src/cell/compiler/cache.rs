//! Compiled cells are kept, so that a notebook that is run again compiles nothing; but not for ever. What is
//! being compiled is in a work folder beside them, which goes with whoever made it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::seal;

/// How long a cell is kept that nobody runs.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// What the names of work folders start with.
const WORK: &str = ".work-";
/// How often a work folder is removed whose compiler, just killed, may still be writing into it.
const ATTEMPTS: usize = 20;

/// Whether the library was compiled before and is whole; marks it as used. What is damaged would crash the process
/// that loads it, so it is as good as absent.
pub(crate) fn find(library: &Path) -> bool {
    if seal::read(library).is_none() {
        return false;
    }
    if let Ok(file) = File::options().append(true).open(library) {
        // A mark that cannot be set only lets it be compiled again in a month.
        let _ = file.set_modified(SystemTime::now());
    }
    true
}

/// A folder to compile one cell in; removed when dropped. Its lock tells other processes that its maker lives.
#[derive(Debug)]
pub(crate) struct Work {
    path: PathBuf,
    _lock: File,
}

impl Work {
    /// # Errors
    /// When nothing can be written in `folder`.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        loop {
            let path = folder.join(format!("{WORK}{}", Uuid::new_v4().simple()));
            fs::create_dir(&path)?;
            let lock = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            // Where there are no locks, what is abandoned goes after a month.
            let _ = lock.lock();
            // Meanwhile, someone may have taken it for abandoned.
            if path.exists() {
                return Ok(Self { path, _lock: lock });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        for _ in 0..ATTEMPTS {
            match fs::remove_dir_all(&self.path) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        tracing::debug!(path = %self.path.display(), "a work folder stays until the next start");
    }
}

/// Removes from `folder` what was not used for a month, and the work folders of processes that are gone.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let unused = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|used| used.elapsed().is_ok_and(|age| age > KEPT));
        if unused {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::debug!(%error, path = %path.display(), "an old cell stays");
            }
        } else {
            remove_abandoned(&path);
        }
    }
}

/// Removes the abandoned work folders of all environments; `cells` holds a folder for each.
pub(crate) fn sweep_abandoned(cells: &Path) {
    let inside = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in inside(cells.to_owned()).flat_map(inside).flat_map(inside) {
        remove_abandoned(&path);
    }
}

/// Removes a work folder that no living process holds.
fn remove_abandoned(path: &Path) {
    if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(WORK)) {
        return;
    }
    // Held while it is removed: whoever has just made it gets the lock after us and sees that it is gone.
    let Ok(lock) = File::open(path) else { return };
    if lock.try_lock().is_ok()
        && let Err(error) = fs::remove_dir_all(path)
    {
        tracing::debug!(%error, path = %path.display(), "a work folder stays");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_old_or_abandoned_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = SystemTime::now() - KEPT - Duration::from_secs(1);
        for name in ["used.so", "unused.so"] {
            let path = folder.path().join(name);
            seal::add(&path, b"a library").expect("a file");
            File::options().append(true).open(&path).and_then(|file| file.set_modified(old)).expect("a file");
        }
        fs::create_dir(folder.path().join(".work-abandoned")).expect("a folder");
        let work = Work::new(folder.path()).expect("a work folder");
        assert!(find(&folder.path().join("used.so")));
        assert!(!find(&folder.path().join("nosuch.so")));
        sweep(folder.path());
        assert!(folder.path().join("used.so").exists());
        assert!(!folder.path().join("unused.so").exists());
        assert!(!folder.path().join(".work-abandoned").exists());
        assert!(work.path().exists());
        let path = work.path().to_owned();
        drop(work);
        assert!(!path.exists());
    }
}
