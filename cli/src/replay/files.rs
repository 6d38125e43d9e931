//! The files that a run read: whether they are still the same, and where cells that run again find them.

use std::fs::File;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tracker::Session;

use super::check::State;

/// One file that the run read.
#[derive(Debug, Serialize)]
pub(super) struct ReadFile {
    /// As the cells named it, below the working folder; absolute where it was.
    pub(super) path: PathBuf,
    pub(super) state: State,
    /// Where it is now; `None`: nowhere.
    pub(super) found: Option<PathBuf>,
    pub(super) hash: Option<String>,
}

/// All of them, in the order in which they were read first.
pub(super) fn read(session: &Session, data: Option<&Path>) -> Vec<ReadFile> {
    let folder = session.folder.as_deref().map(Path::new);
    let files = session.uses.iter().filter(|it| it.kind == "file");
    let file = |it: &tracker::Use| {
        let absolute = Path::new(&it.name);
        let path = folder.and_then(|folder| absolute.strip_prefix(folder).ok()).unwrap_or(absolute).to_owned();
        let places = places(absolute, &path, data);
        let known: Vec<(PathBuf, Option<String>)> = places
            .into_iter()
            .filter(|place| place.is_file())
            .map(|place| (place.clone(), hash(&place).ok()))
            .collect();
        let same = known.iter().find(|(_, hash)| hash.is_some() && *hash == it.value);
        let state = match same {
            Some(_) => State::Same,
            None if known.is_empty() => State::Unknown,
            None => State::Differs,
        };
        let found = same.or(known.first()).map(|(place, _)| place.clone());
        ReadFile { path, state, found, hash: it.value.clone() }
    };
    files.map(file).collect()
}

/// Where a file may be: below `--data`, under as much of its path as possible, and where it was.
fn places(absolute: &Path, path: &Path, data: Option<&Path>) -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Some(data) = data {
        let parts: Vec<_> = path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
        places.extend((0..parts.len()).map(|start| data.join(parts[start..].iter().collect::<PathBuf>())));
    }
    places.push(absolute.to_owned());
    places
}

/// sha256 of a file.
fn hash(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Puts the files where cells that run in `folder` look for them, as links.
pub(super) fn lay_out(files: &[ReadFile], folder: &Path) -> io::Result<()> {
    for file in files.iter().filter(|file| file.path.is_relative()) {
        let Some(found) = &file.found else { continue };
        let link = folder.join(&file.path);
        if let Some(parent) = link.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match symlink(found, &link) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
