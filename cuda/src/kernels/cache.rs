//! Machine code on disk, so that a kernel is compiled once per machine.
//!
//! An entry is a file named by all that its content depends on. It is written beside and renamed, so it is complete
//! or absent; it begins with the hash of what follows, so that what the disk has damaged is compiled again. Whoever
//! compiles holds the entry's lock, and others wait for that one. Where nothing can be written there is no cache, and
//! no error.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Unit;
use crate::code::Outcome;
use crate::nvrtc::{HEADERS, Nvrtc, OPTIONS};

/// Changes when what an entry's file looks like does.
const FORMAT: &str = "assay kernel 1";

/// Bytes of a hash.
const HASH: usize = 32;

/// A folder of compiled kernels.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// The person's: `$XDG_CACHE_HOME/assay/kernels`, else `~/.cache/assay/kernels`. None where there is no home.
    #[must_use]
    pub fn user() -> Self {
        let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let root = named.or_else(|| env::home_dir().filter(|it| it.is_absolute()).map(|home| home.join(".cache")));
        Self { folder: root.map(|root| root.join("assay").join("kernels")) }
    }

    /// This folder, which is made when something is stored.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()) }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Locks an entry, in a folder that is made first.
    fn lock(&self, key: &str) -> io::Result<Locked> {
        let Some(folder) = &self.folder else { return Err(io::ErrorKind::NotFound.into()) };
        fs::create_dir_all(folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(folder.join(format!("{key}.lock")))?;
        file.lock()?;
        Ok(Locked { folder: folder.clone(), _lock: file })
    }

    /// What is stored under a key, if it is whole.
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.folder.as_ref()?.join(format!("{key}.cubin"))).ok()?;
        let (hash, cubin) = bytes.split_at_checked(HASH)?;
        (*Sha256::digest(cubin) == *hash).then(|| cubin.to_vec())
    }
}

/// The right to store an entry, until it is dropped.
struct Locked {
    folder: PathBuf,
    _lock: File,
}

impl Locked {
    /// Nobody else writes to the file beside, as the lock is ours.
    fn put(&self, key: &str, cubin: &[u8]) -> io::Result<()> {
        let beside = self.folder.join(format!("{key}.new"));
        let whole = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(&Sha256::digest(cubin))?;
            file.write_all(cubin)?;
            fs::rename(&beside, self.folder.join(format!("{key}.cubin")))
        };
        whole().inspect_err(|_| drop(fs::remove_file(&beside)))
    }
}

/// The machine code of a file of kernels for an architecture that [`Nvrtc::target`] gave. Where it must be compiled,
/// which takes up to a few seconds, `progress` is told so first, in a sentence.
///
/// # Errors
/// When it does not compile.
pub fn cubin(
    unit: &Unit,
    architecture: u32,
    nvrtc: &Nvrtc,
    cache: &Cache,
    progress: &dyn Fn(&str),
) -> Outcome<Vec<u8>> {
    let key = key(unit, architecture, nvrtc);
    if let Some(cubin) = cache.get(&key) {
        return Ok(cubin);
    }
    // A disk that is full or can't be written to is no reason not to compute.
    let locked = cache.lock(&key).ok();
    if locked.is_some()
        && let Some(cubin) = cache.get(&key)
    {
        return Ok(cubin);
    }
    progress(&format!("compiling GPU kernels: {}", unit.name));
    let cubin = nvrtc.compile(unit, architecture)?;
    if let Some(locked) = locked {
        let _ = locked.put(&key, &cubin);
    }
    Ok(cubin)
}

/// The hash of all that the machine code depends on. Each part is preceded by its length, so that no two lists of
/// parts are the same bytes.
fn key(unit: &Unit, architecture: u32, nvrtc: &Nvrtc) -> String {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(FORMAT.as_bytes());
    part(&architecture.to_le_bytes());
    part(nvrtc.found().version.to_string().as_bytes());
    OPTIONS.iter().for_each(|option| part(option.as_bytes()));
    for text in [&unit.name, &unit.text] {
        part(text.as_bytes());
    }
    for (name, text) in unit.headers.iter().map(|(name, text)| (&**name, &**text)).chain(HEADERS) {
        part(name.as_bytes());
        part(text.as_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
