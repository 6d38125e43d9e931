//! Whose the home is: cells run what lies there, so nobody else may write to it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::EnvironmentError;

/// Users of a group, and everyone.
const OTHERS: u32 = 0o022;
/// Entries of such a folder are removed and renamed by their owners only, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// Makes the home, for its user alone, where it is missing; refuses one in which others may write.
pub(super) fn check(home: &Path) -> Result<(), EnvironmentError> {
    let failed = |source| EnvironmentError::Write { path: home.to_owned(), source };
    let found = match fs::metadata(home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(home).map_err(failed)?;
            fs::metadata(home)
        }
        found => found,
    };
    let found = found.map_err(failed)?;
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user {
        return Err(EnvironmentError::Foreign { path: home.to_owned() });
    }
    if found.mode() & OTHERS != 0 {
        return Err(EnvironmentError::Writable { path: home.to_owned(), mode: "go-w" });
    }
    // Who may rename the home may put another in its place.
    let real = home.canonicalize().map_err(failed)?;
    for folder in real.ancestors().skip(1) {
        let found = fs::metadata(folder).map_err(failed)?;
        if found.mode() & 0o002 != 0 && found.mode() & STICKY == 0 {
            return Err(EnvironmentError::Writable { path: folder.to_owned(), mode: "o-w" });
        }
    }
    Ok(())
}
