//! A home of a test's own that shares the built environment: what a test breaks, fills or leaves behind is
//! nobody else's. And the compilers behind a kernel, as /proc shows them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kernel::client::{Kernel, Launch};
use tempfile::TempDir;

use crate::ASSAY;

/// A folder that is `ASSAY_HOME`, and beside it one for the notebook.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// With the environment in it, which is built first where it is missing.
    pub(crate) fn new() -> Self {
        let home = Self::empty();
        let built = Command::new(ASSAY).args(["env", "build"]).stderr(Stdio::inherit()).output().unwrap();
        assert!(built.status.success());
        let environment = PathBuf::from(String::from_utf8(built.stdout).unwrap().trim());
        let real = environment.parent().and_then(Path::parent).unwrap();
        fs::create_dir_all(home.path().join("environments")).unwrap();
        let linked = home.path().join("environments").join(environment.file_name().unwrap());
        symlink(&environment, linked).unwrap();
        symlink(real.join("build"), home.path().join("build")).unwrap();
        fs::create_dir(home.path().join("cells")).unwrap();
        home
    }

    /// Without an environment.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["home", "notebook"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The notebook's folder.
    pub(crate) fn notebook(&self) -> PathBuf {
        self.folder.path().join("notebook")
    }

    /// A kernel that lives here.
    pub(crate) async fn start(&self, envs: &[(&str, &str)]) -> Kernel {
        let mut launch = Launch::new([ASSAY, "kernel", "--connection-file", "{connection_file}"]);
        launch.directory = Some(self.notebook());
        launch.envs.push(("ASSAY_HOME".into(), self.path().into()));
        launch.envs.push(("ASSAY_DB".into(), self.notebook().join("assay.db").into()));
        launch.envs.extend(envs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
        launch.start().await.unwrap()
    }

    /// Writes a crate into the notebook's folder.
    pub(crate) fn write_crate(&self, name: &str, code: &str, build: Option<&str>) -> PathBuf {
        let folder = self.notebook().join(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[features]\nextra = []\n");
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.join("src/lib.rs"), code).unwrap();
        if let Some(build) = build {
            fs::write(folder.join("build.rs"), build).unwrap();
        }
        folder
    }

    /// Work folders of compilers.
    pub(crate) fn work_folders(&self) -> Vec<PathBuf> {
        let inside = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let all = inside(self.path().join("cells")).flat_map(inside).flat_map(inside);
        all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(".work-")).collect()
    }

    /// What an unfinished build of a crate in the notebook's folder would leave.
    pub(crate) fn unfinished(&self) -> Vec<PathBuf> {
        let inside = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let ours = self.notebook().display().to_string();
        let parts = inside(self.path().join("environments"));
        let parts = parts.filter(|path| path.extension().is_some_and(|end| end == "part"));
        let members = inside(self.path().join("build/src/extensions"));
        let members = members.filter(|member| {
            fs::read_to_string(member.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains(&ours))
                && !self.is_finished(member)
        });
        parts.chain(members).collect()
    }

    fn is_finished(&self, member: &Path) -> bool {
        let name = member.file_name().unwrap().to_string_lossy().into_owned();
        let key = name.trim_start_matches("ext_");
        let mut environments = fs::read_dir(self.path().join("environments")).unwrap();
        environments.any(|entry| entry.unwrap().file_name().to_string_lossy().ends_with(&format!("-{key}")))
    }
}

/// The compilers under a kernel or an `assay env build`: they carry the number of its guard.
pub(crate) struct Compilers {
    guard: u32,
}

impl Compilers {
    pub(crate) fn of(parent: u32) -> Self {
        let is_guard = |process: &u32| {
            let command = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
            parent_of(*process) == Some(parent) && command.split('\0').nth(1) == Some("guard")
        };
        Self { guard: processes().find(is_guard).expect("a kernel has a guard") }
    }

    /// Their command lines; one that has ended and was not waited for counts as gone.
    pub(crate) fn running(&self) -> Vec<String> {
        let mark = format!("ASSAY_GUARD={}", self.guard);
        let marked = processes().filter(|process| {
            let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
        });
        marked.filter_map(|process| fs::read_to_string(format!("/proc/{process}/cmdline")).ok()).collect()
    }

    /// Whether a rustc is running that was called with `argument`.
    pub(crate) fn has(&self, argument: &str) -> bool {
        self.running().iter().any(|command| command.contains("rustc") && command.contains(argument))
    }

    /// Whether nothing is left, the guard included.
    pub(crate) fn are_gone(&self) -> bool {
        self.running().is_empty() && !Path::new(&format!("/proc/{}/exe", self.guard)).exists()
    }
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

/// Waits for what nobody tells us: a process or a file can only be looked for.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(120), "never came: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends a signal by name.
pub(crate) fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}
