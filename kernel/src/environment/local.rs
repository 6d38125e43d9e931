//! The packages in folders of the person's own that an added crate is made of, by the content of their files. Runs record
//! it: a lockfile fixes what has a version, and says nothing of these.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The file beside a lockfile that has this, as JSON.
pub(super) const LOCAL: &str = "local.json";

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Package {
    folder: PathBuf,
    /// sha256 of the paths and hashes below, each on a line of its own: `HASH  PATH`.
    hash: String,
    /// sha256 of each file, by its path below the folder. What cargo builds and what is hidden is left out.
    files: BTreeMap<String, String>,
}

/// By the ids of packages.
pub(super) type Packages = BTreeMap<String, Package>;

/// What stands in a folder with a lockfile; nothing where there is no such file.
pub(super) fn read(folder: &Path) -> Packages {
    let json = fs::read(folder.join(LOCAL)).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

/// Adds a package by its id: `path+file:///home/me/mine#0.1.0`.
pub(super) fn add(packages: &mut Packages, id: &str) -> io::Result<()> {
    let Some(folder) = folder(id).filter(|_| !packages.contains_key(id)) else { return Ok(()) };
    let mut files = BTreeMap::new();
    collect(&folder, &folder, &mut files)?;
    let mut hasher = Sha256::new();
    files.iter().for_each(|(path, hash)| hasher.update(format!("{hash}  {path}\n")));
    packages.insert(id.to_owned(), Package { folder, hash: format!("{:x}", hasher.finalize()), files });
    Ok(())
}

fn folder(id: &str) -> Option<PathBuf> {
    let path = id.strip_prefix("path+file://")?;
    Some(PathBuf::from(path.split_once('#').map_or(path, |(path, _)| path)))
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if name == "target" || name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a folder may lead back here.
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else if path.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, format!("{:x}", Sha256::digest(fs::read(&path)?)));
        }
    }
    Ok(())
}
