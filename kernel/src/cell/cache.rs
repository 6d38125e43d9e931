//! Compiled cells are kept, so that a notebook that is run again compiles nothing; but not for ever.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long a cell is kept that nobody runs.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Whether the library was compiled before; marks it as used.
pub(super) fn find(library: &Path) -> bool {
    let Ok(file) = File::options().append(true).open(library) else { return library.exists() };
    // A mark that cannot be set only lets it be compiled again in a month.
    let _ = file.set_modified(SystemTime::now());
    true
}

/// Removes from `folder` what was not used for a month, work folders of killed compilers included.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let unused = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|used| used.elapsed().is_ok_and(|age| age > KEPT));
        if unused {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::debug!(%error, path = %path.display(), "an old cell stays");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_old_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = SystemTime::now() - KEPT - Duration::from_secs(1);
        for name in ["used.so", "unused.so"] {
            let path = folder.path().join(name);
            File::create(&path).and_then(|file| file.set_modified(old)).expect("a file");
        }
        assert!(find(&folder.path().join("used.so")));
        assert!(!find(&folder.path().join("nosuch.so")));
        sweep(folder.path());
        assert!(folder.path().join("used.so").exists());
        assert!(!folder.path().join("unused.so").exists());
    }
}
