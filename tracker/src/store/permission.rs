//! What may be read and written, said before SQLite says it in its own words.

use std::ffi::CString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Whether a file can be looked at, or is not there.
pub(super) fn to_read(path: &Path) -> Result<()> {
    match path.try_exists() {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(Error::NoPermission { act: "read", what: "folder", path: folder(path) })
        }
        Ok(true) if !may(path, libc::R_OK) => {
            Err(Error::NoPermission { act: "read", what: "file", path: path.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether a file can be written, or made where there is none. SQLite needs its folder as well, for the log.
pub(super) fn to_write(path: &Path) -> Result<()> {
    let folder = folder(path);
    if folder.is_dir() && !may(&folder, libc::W_OK | libc::X_OK) {
        return Err(Error::NoPermission { act: "written", what: "folder", path: folder });
    }
    if path.exists() && !may(path, libc::W_OK) {
        return Err(Error::NoPermission { act: "written", what: "file", path: path.to_owned() });
    }
    Ok(())
}

/// Whether a file is to be read as one that nobody changes. In a folder where nothing can be made, SQLite cannot make
/// the index of the log either, without which it reads no other. It is so only where there is no log: with one, there
/// is a program that records, and the index is there.
pub(super) fn is_fixed(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let folder = folder(path);
    path.exists() && folder.is_dir() && !may(&folder, libc::W_OK) && !Path::new(&log).exists()
}

/// The folder of a file, as it can be named.
fn folder(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().map_or_else(|| path.clone(), Path::to_owned)
}

fn may(path: &Path, what: libc::c_int) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: it reads the text, which ends with a zero and lives until it returns.
    unsafe { libc::access(path.as_ptr(), what) == 0 }
}
