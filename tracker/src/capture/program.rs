//! What the program that records is, as JSON: the compiler that made it and for what, the threads it may use, and
//! the lockfile that fixed its crates.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::object;
use crate::context::Context;

/// Variables that change how fast the same program is, or on what it runs.
const VARIABLES: [&str; 4] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS", "CUDA_VISIBLE_DEVICES"];

/// What cargo has resolved for a program.
#[derive(Default)]
pub(super) struct Resolved {
    lockfile_path: Option<PathBuf>,
    /// Cargo.lock.
    pub(super) lockfile: Option<Vec<u8>>,
    /// The features of each package, as JSON; known of the environment of a notebook alone.
    pub(super) features: Option<Vec<u8>>,
}

/// `rustc --version` of the compiler of this library; where it is part of a program, of that.
pub(crate) fn rustc() -> Option<&'static str> {
    option_env!("ASSAY_RUSTC")
}

/// Only what can be found out is in it.
pub(super) fn description(context: &Context, resolved: &Resolved) -> String {
    let said = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(Value::from);
    object([
        ("rustc", said(context.toolchain.as_deref().or(rustc()))),
        ("target", said(option_env!("ASSAY_TARGET"))),
        ("target_features", said(option_env!("ASSAY_TARGET_FEATURES"))),
        ("profile", said(option_env!("ASSAY_PROFILE"))),
        ("opt_level", said(option_env!("ASSAY_OPT_LEVEL"))),
        ("threads", std::thread::available_parallelism().ok().map(|count| json!(count.get()))),
        ("device", said(context.device.as_deref())),
        ("variables", variables()),
        ("lockfile_path", resolved.lockfile_path.as_deref().map(|path| path.to_string_lossy().into())),
    ])
}

/// Those that are set.
fn variables() -> Option<Value> {
    let set = VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?.into())));
    Some(set.collect::<Map<_, _>>()).filter(|set| !set.is_empty()).map(Value::Object)
}

impl Resolved {
    /// In a notebook, what its cells link. Else the lockfile above the executable, above the package that cargo runs,
    /// or above the working folder: only one that names this library, which a program that records has in its own.
    pub(super) fn find(folder: &Path, context: &Context) -> Self {
        if let Some(resolved) = &context.resolved {
            let lockfile_path = resolved.join("Cargo.lock");
            let lockfile = std::fs::read(&lockfile_path).ok();
            let features = std::fs::read(resolved.join("features.json")).ok();
            return Self { lockfile_path: Some(lockfile_path).filter(|_| lockfile.is_some()), lockfile, features };
        }
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let places = [std::env::current_exe().ok(), package, Some(folder.to_owned())];
        let found = places.iter().flatten().flat_map(|place| place.ancestors()).find_map(|folder| {
            let path = folder.join("Cargo.lock");
            let lockfile = std::fs::read(&path).ok().filter(|lockfile| is_ours(lockfile))?;
            Some((path, lockfile))
        });
        found.map_or_else(Self::default, |(path, lockfile)| Self {
            lockfile_path: Some(path),
            lockfile: Some(lockfile),
            features: None,
        })
    }
}

fn is_ours(lockfile: &[u8]) -> bool {
    let own = concat!("name = \"", env!("CARGO_PKG_NAME"), "\"");
    String::from_utf8_lossy(lockfile).lines().any(|line| line.trim() == own)
}
