//! A folder or a file that may not be written, or not even read, as an ordinary person meets it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

use crate::support::{Place, said};

/// Someone to whom permissions apply: the person who runs the tests, or nobody, if that is root.
const NOBODY: u32 = 65_534;

/// A folder that nobody can reach, with the programs in it.
struct Shared {
    folder: TempDir,
}

impl Shared {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shared = Self { folder };
        shared.allow("", 0o755);
        fs::copy(env!("CARGO_BIN_EXE_assay"), shared.path("assay")).unwrap();
        fs::copy(std::env::current_exe().unwrap(), shared.path("program")).unwrap();
        shared
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn allow(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// A folder with a file of one run in it.
    fn with_runs(&self, name: &str) {
        let place = Place::new();
        let run = place.start("digits", &());
        run.log("loss", 0, 0.5);
        run.finish().unwrap();
        fs::create_dir(self.path(name)).unwrap();
        self.allow(name, 0o777);
        let file = format!("{name}/assay.db");
        fs::copy(place.db(), self.path(&file)).unwrap();
        self.allow(&file, 0o666);
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.env_remove("ASSAY_DB").env("HOME", self.folder.path()).current_dir(self.folder.path());
        command
    }

    fn assay(&self, folder: &str, args: &[&str]) -> Output {
        self.command("assay").args(args).current_dir(self.path(folder)).output().unwrap()
    }

    /// What a command that works prints.
    fn out(&self, folder: &str, args: &[&str]) -> String {
        let said = said(self.assay(folder, args));
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
        said.out
    }

    /// The sentence of one that does not.
    fn error(&self, folder: &str, args: &[&str]) -> String {
        let said = said(self.assay(folder, args));
        assert_eq!((said.code, said.out.as_str(), said.err.lines().count()), (1, "", 1), "{said:?}");
        said.err.strip_prefix("error: ").unwrap().trim_end().to_owned()
    }

    /// The sentence with which a run is not started.
    fn not_started(&self, database: &str) -> String {
        let mut command = self.command("program");
        command.args(["--exact", "child::body", "--nocapture"]).env("ASSAY_TEST_TASK", "refused");
        let said = said(command.env("ASSAY_DB", self.path(database)).output().unwrap());
        let (_, sentence) = said.out.split_once("refused=").unwrap_or_else(|| panic!("{said:?}"));
        sentence.lines().next().unwrap().to_owned()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let names = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn no_permission(what: &str, path: &Path, act: &str) -> String {
    let path = path.display();
    format!("the {what} {path} may not be {act}: get the permission, or name another file with --db or ASSAY_DB")
}

#[test]
fn in_a_folder_that_may_not_be_written_runs_are_read_and_not_made() {
    let shared = Shared::new();
    shared.with_runs("closed");
    shared.allow("closed", 0o555);
    let folder = shared.path("closed");
    let refused = no_permission("folder", &folder, "written");
    for database in ["closed/assay.db", "closed/new.db"] {
        assert_eq!(shared.not_started(database), refused);
    }
    for args in [["runs"].as_slice(), &["show", "digits"], &["sql", "SELECT name FROM runs"]] {
        assert!(shared.out("closed", args).contains("digits"), "{args:?}");
    }
    assert_eq!(shared.error("closed", &["delete", "digits"]), refused);
    let unwritten = format!("the folder {} may not be written: name another --output", folder.display());
    assert_eq!(shared.error("closed", &["report", "digits"]), unwritten);
    let output = shared.path("closed/runs.csv");
    assert_eq!(shared.error("closed", &["export", "runs", "--output", output.to_str().unwrap()]), unwritten);
    assert_eq!(shared.names("closed"), ["assay.db"]);
    // What is asked for elsewhere is written there.
    fs::create_dir(shared.path("open")).unwrap();
    shared.allow("open", 0o777);
    shared.out("closed", &["report", "digits", "--output", shared.path("open/report.html").to_str().unwrap()]);
    assert_eq!(shared.names("open"), ["report.html"]);
    shared.allow("closed", 0o755);
}

#[test]
fn a_folder_that_may_not_be_entered_is_not_said_to_hold_nothing() {
    let shared = Shared::new();
    shared.with_runs("locked");
    shared.allow("locked", 0o000);
    let database = shared.path("locked/assay.db");
    let refused = no_permission("folder", &shared.path("locked"), "read");
    for verb in [["runs"].as_slice(), &["show", "digits"], &["report", "digits"]] {
        let args = [verb, &["--db", database.to_str().unwrap()]].concat();
        assert_eq!(shared.error("", &args), refused, "{verb:?}");
    }
    assert_eq!(shared.not_started("locked/assay.db"), no_permission("folder", &shared.path("locked"), "written"));
    shared.allow("locked", 0o755);
}

#[test]
fn a_file_that_may_only_be_read_is_read() {
    let shared = Shared::new();
    shared.with_runs("open");
    shared.allow("open/assay.db", 0o444);
    let before = fs::read(shared.path("open/assay.db")).unwrap();
    for args in [["runs"].as_slice(), &["show", "digits"], &["sql", "SELECT name FROM runs"], &["runs", "--json"]] {
        assert!(shared.out("open", args).contains("digits"), "{args:?}");
    }
    let refused = |path: &str| no_permission("file", Path::new(path), "written");
    assert_eq!(shared.error("open", &["delete", "digits"]), refused("assay.db"));
    let file = shared.path("open/assay.db");
    assert_eq!(shared.not_started("open/assay.db"), refused(file.to_str().unwrap()));
    assert!(fs::read(&file).unwrap() == before, "the file was changed");
    shared.allow("open/assay.db", 0o000);
    assert_eq!(shared.error("open", &["runs"]), no_permission("file", Path::new("assay.db"), "read"));
}
