//! What the program that records is, as JSON: the compiler that made it and for what, the threads it may use, and
//! the lockfile that fixed its crates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::object;
use crate::context::Context;

/// Those of assay that say nothing of a run: what its processes and its tests tell each other.
const OURS: [&str; 6] =
    ["ASSAY_GUARD", "ASSAY_CELLS", "ASSAY_ENVIRONMENT", "ASSAY_TOOLCHAIN", "ASSAY_SOURCES", "ASSAY_LIBRARY_PATH"];

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
    /// The packages of the person's own folders, by the content of their files, as JSON.
    pub(super) local: Option<Vec<u8>>,
}

/// `rustc --version` of the compiler of this library; where it is part of a program, of that.
pub(crate) fn rustc() -> Option<&'static str> {
    option_env!("ASSAY_RUSTC")
}

/// Only what can be found out is in it.
pub(super) fn description(folder: &Path, context: &Context, resolved: &Resolved) -> String {
    let said = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(Value::from);
    object([
        ("rustc", said(context.toolchain.as_deref().or(rustc()))),
        ("target", said(option_env!("ASSAY_TARGET"))),
        ("target_features", said(option_env!("ASSAY_TARGET_FEATURES"))),
        ("profile", said(option_env!("ASSAY_PROFILE"))),
        ("opt_level", said(option_env!("ASSAY_OPT_LEVEL"))),
        ("assay", Some(env!("CARGO_PKG_VERSION").into())),
        ("folder", Some(folder.to_string_lossy().into())),
        ("threads", processors().map(Value::from)),
        ("rayon_threads", threads(&["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"]).map(Value::from)),
        ("polars_threads", threads(&["POLARS_MAX_THREADS"]).map(Value::from)),
        ("device", said(context.device.as_deref())),
        ("variables", all_variables()),
        ("lockfile_path", resolved.lockfile_path.as_deref().map(|path| path.to_string_lossy().into())),
    ])
}

fn processors() -> Option<usize> {
    std::thread::available_parallelism().ok().map(usize::from)
}

/// How many threads a library takes that asks these variables, and else takes one for each processor. It is not asked
/// itself: it would start them.
fn threads(variables: &[&str]) -> Option<usize> {
    let set = |name: &&str| std::env::var(name).ok()?.parse().ok().filter(|count| *count > 0);
    variables.iter().find_map(set).or_else(processors)
}

/// The variables of assay, as they were when this was first asked.
pub(crate) fn variables() -> &'static BTreeMap<String, String> {
    static FIRST: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    FIRST.get_or_init(|| {
        let texts = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let of_runs =
            |name: &str| name.starts_with("ASSAY_") && !name.starts_with("ASSAY_TEST_") && !OURS.contains(&name);
        let ours = texts.filter(|(name, _)| of_runs(name));
        ours.map(|(name, value)| (name, value.to_string_lossy().into_owned())).collect()
    })
}

/// Those of libraries that are set, and those of assay.
fn all_variables() -> Option<Value> {
    let set = VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?.into())));
    let ours = variables().iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    Some(set.chain(ours).collect::<Map<_, _>>()).filter(|set| !set.is_empty()).map(Value::Object)
}

impl Resolved {
    /// In a notebook, what its cells link. Else the lockfile above the executable, above the package that cargo runs,
    /// or above the working folder: only one that names this library, which a program that records has in its own.
    pub(super) fn find(folder: &Path, context: &Context) -> Self {
        if let Some(resolved) = &context.resolved {
            let lockfile_path = resolved.join("Cargo.lock");
            let lockfile = std::fs::read(&lockfile_path).ok();
            let features = std::fs::read(resolved.join("features.json")).ok();
            let local = std::fs::read(resolved.join("local.json")).ok();
            return Self {
                lockfile_path: Some(lockfile_path).filter(|_| lockfile.is_some()),
                lockfile,
                features,
                local,
            };
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
            local: None,
        })
    }
}

fn is_ours(lockfile: &[u8]) -> bool {
    let own = concat!("name = \"", env!("CARGO_PKG_NAME"), "\"");
    String::from_utf8_lossy(lockfile).lines().any(|line| line.trim() == own)
}
