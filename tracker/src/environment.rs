//! What a run was recorded in: its commit, crates, compiler and machine, as one object; and in what runs differ there.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::capture::{Facts, Snapshot};
use crate::compare::{ParamRow, rows};
use crate::context::Context;
use crate::{Param, RunRecord, config};

/// What was found out about the surroundings of a run; see the table `run_snapshot`.
#[derive(Default)]
pub(crate) struct Found {
    /// By kind.
    pub(crate) hashes: BTreeMap<String, String>,
    pub(crate) program: Map<String, Value>,
    pub(crate) machine: Map<String, Value>,
}

/// They say where something is, not what is in it: no difference between runs.
const PLACES: [&str; 2] = ["lockfile_path", "folder"];

/// What of the surroundings stands in the run itself.
#[derive(Default)]
pub(crate) struct Named<'a> {
    pub(crate) commit: Option<&'a str>,
    pub(crate) toolchain: Option<&'a str>,
    pub(crate) environment: Option<&'a str>,
    pub(crate) lock_hash: Option<&'a str>,
}

impl<'a> Named<'a> {
    pub(crate) fn of(run: &'a RunRecord) -> Self {
        Self {
            commit: run.git.as_ref().map(|git| git.commit.as_str()),
            toolchain: run.toolchain.as_deref(),
            environment: run.environment.as_deref(),
            lock_hash: run.lock_hash.as_deref(),
        }
    }
}

/// What a run would be recorded in that began now, in this process' folder; as [`crate::Store::environment`].
pub fn here(context: &Context) -> Value {
    let folder = std::env::current_dir().unwrap_or_default();
    let facts = Facts::of(&folder, context);
    let hash = |snapshot: &Snapshot| (snapshot.kind.to_owned(), snapshot.hash.clone());
    let mut found = Found { hashes: facts.snapshots.iter().map(hash).collect(), ..Found::default() };
    for snapshot in &facts.snapshots {
        // Made by us a moment ago.
        match snapshot.kind {
            "program" => found.program = serde_json::from_slice(&snapshot.bytes).unwrap_or_default(),
            "machine" => found.machine = serde_json::from_slice(&snapshot.bytes).unwrap_or_default(),
            _ => {}
        }
    }
    found.object(&Named {
        commit: facts.git.as_ref().map(|git| git.commit.as_str()),
        toolchain: context.toolchain.as_deref(),
        environment: context.environment.as_deref(),
        lock_hash: facts.lock_hash.as_deref(),
    })
}

impl Found {
    /// Its parts in the order in which they are shown; what could not be found out is null. Null, when nothing was
    /// looked for: the run is of an older version.
    pub(crate) fn object(&self, named: &Named<'_>) -> Value {
        let text = |text: Option<&str>| text.map(Value::from);
        let hash = |kind: &str| text(self.hashes.get(kind).map(String::as_str));
        let (program, machine) = (|name: &str| self.program.get(name), |name: &str| self.machine.get(name));
        let parts = [
            ("commit", text(named.commit)),
            ("diff", hash("diff")),
            ("assay", program("assay").cloned()),
            ("rustc", text(named.toolchain)),
            ("target", program("target").cloned()),
            ("target_features", program("target_features").cloned()),
            ("profile", program("profile").cloned()),
            ("opt_level", program("opt_level").cloned()),
            ("environment", text(named.environment)),
            ("lockfile", hash("lockfile").or(text(named.lock_hash))),
            ("lockfile_path", program("lockfile_path").cloned()),
            ("features", hash("features")),
            ("local", hash("local")),
            ("folder", program("folder").cloned()),
            ("os", machine("os").or(machine("system")).cloned()),
            ("kernel", machine("kernel").cloned()),
            ("architecture", machine("architecture").cloned()),
            ("cpu", machine("cpu").cloned()),
            ("cpu_flags", machine("cpu_flags").cloned()),
            ("cpus", machine("cpus").cloned()),
            ("threads", program("threads").cloned()),
            ("rayon_threads", program("rayon_threads").cloned()),
            ("polars_threads", program("polars_threads").cloned()),
            ("device", program("device").cloned()),
            ("variables", program("variables").cloned()),
            ("memory_kib", machine("memory_kib").cloned()),
            ("gpus", machine("gpus").cloned()),
            ("gpu_driver", machine("gpu_driver").cloned()),
            ("cuda", machine("cuda").cloned()),
        ];
        if parts.iter().all(|(_, value)| value.is_none()) {
            return Value::Null;
        }
        let parts = parts.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or_default()));
        Value::Object(parts.collect())
    }
}

/// A row for each part of the environments of some runs.
pub fn compared(environments: &[Value]) -> Vec<ParamRow> {
    let leaves = |environment| {
        let mut leaves = config::leaves(environment);
        leaves.retain(|leaf| !PLACES.contains(&leaf.path.as_str()));
        leaves
    };
    compared_leaves(environments.iter().map(leaves).collect())
}

/// A row for each crate that is not in the same version in all lockfiles, as `crates.NAME`.
pub(crate) fn compared_crates(lockfiles: &[Option<Vec<u8>>]) -> Vec<ParamRow> {
    differing("crates", lockfiles, |lockfile| {
        let text = String::from_utf8_lossy(lockfile);
        let value =
            |line: &str, name| Some(line.strip_prefix(name)?.strip_prefix(" = \"")?.trim_end_matches('"').to_owned());
        let pairs = text.lines().zip(text.lines().skip(1));
        pairs.filter_map(|(line, next)| Some((value(line, "name")?, value(next, "version")?))).collect()
    })
}

/// A row for each crate that has not the same features in all runs, as `features.NAME`.
pub(crate) fn compared_features(features: &[Option<Vec<u8>>]) -> Vec<ParamRow> {
    differing("features", features, |features| {
        // By package: `registry+https://..#serde@1.0.0`, `path+file:///..lab#0.1.0`. What is not such a list says nothing.
        let packages: BTreeMap<String, Vec<String>> = serde_json::from_slice(features).unwrap_or_default();
        let name = |id: &str| {
            let (source, rest) = id.rsplit_once('#').unwrap_or(("", id));
            let name = rest.split_once('@').map_or_else(|| source.rsplit('/').next().unwrap_or(rest), |(name, _)| name);
            name.to_owned()
        };
        packages.iter().map(|(id, features)| (name(id), features.join(" "))).collect()
    })
}

/// What differs of things by name; a name may come more than once.
fn differing(kind: &str, files: &[Option<Vec<u8>>], read: impl Fn(&[u8]) -> Vec<(String, String)>) -> Vec<ParamRow> {
    let leaves = |file: &Option<Vec<u8>>| {
        let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in file.iter().flat_map(|file| read(file)) {
            named.entry(name).or_default().push(value);
        }
        let leaf = |(name, values): (String, Vec<String>)| Param {
            path: format!("{kind}.{name}"),
            value: values.join(", ").into(),
        };
        named.into_iter().map(leaf).collect()
    };
    let known = files.iter().filter(|file| file.is_some()).count();
    let mut rows = compared_leaves(files.iter().map(leaves).collect());
    // A crate that one of those whose crates are known has not at all.
    rows.iter_mut().for_each(|row| row.differs |= row.values.iter().flatten().count() < known);
    rows.retain(|row| row.differs);
    rows
}

/// What is not known of a run is no difference.
fn compared_leaves(leaves: Vec<Vec<Param>>) -> Vec<ParamRow> {
    let lists: Vec<&[Param]> = leaves.iter().map(Vec::as_slice).collect();
    let mut rows = rows(&lists);
    for row in &mut rows {
        let mut known = row.values.iter().flatten();
        let first = known.next();
        row.differs = known.any(|value| Some(value) != first);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(rows: Vec<ParamRow>) -> Vec<(String, Vec<Option<Value>>)> {
        rows.into_iter().filter(|row| row.differs).map(|row| (row.path, row.values)).collect()
    }

    #[test]
    fn what_is_not_known_is_no_difference_and_what_is_absent_is_one() {
        let known = |gpus: Value, path: &str| json!({"gpus": gpus, "lockfile_path": path, "os": "Debian"});
        let rows = compared(&[known(json!(["H100"]), "a"), known(json!(null), "b"), json!(null)]);
        assert_eq!(shown(rows), [("gpus".to_owned(), vec![Some(json!(["H100"])), Some(json!(null)), None])]);
    }

    #[test]
    fn of_lockfiles_and_features_only_what_differs_has_a_row() {
        let lock = |serde: &str, more: &str| {
            let text = format!(
                "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"{serde}\"\nsource = \"registry\"\n\n\
                 [[package]]\nname = \"syn\"\nversion = \"1.0.9\"\n\n[[package]]\nname = \"syn\"\nversion = \"2.0.1\"\n{more}"
            );
            Some(text.into_bytes())
        };
        let rows = compared_crates(&[
            lock("1.0.1", ""),
            None,
            lock("1.0.2", "\n[[package]]\nname = \"rand\"\nversion = \"0.8.5\"\n"),
        ]);
        let expected = [
            ("crates.serde".to_owned(), vec![Some(json!("1.0.1")), None, Some(json!("1.0.2"))]),
            ("crates.rand".to_owned(), vec![None, None, Some(json!("0.8.5"))]),
        ];
        assert_eq!(shown(rows), expected);
        let features = |list: Value| {
            Some(
                json!({"registry+https://x/y#polars@0.55.2": list, "path+file:///a/lab#0.1.0": []})
                    .to_string()
                    .into_bytes(),
            )
        };
        let rows = compared_features(&[features(json!(["csv"])), features(json!(["csv", "lazy"]))]);
        assert_eq!(shown(rows), [("features.polars".to_owned(), vec![Some(json!("csv")), Some(json!("csv lazy"))])]);
    }
}
