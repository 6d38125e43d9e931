//! From a unit to a module: messages of the compiler, and a cache that several processes share.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cuda::code::INVALID_SOURCE;
use cuda::driver::Driver;
use cuda::driver::host::Limits;
use cuda::kernels::Unit;

use crate::rig::{Rig, block, by, files, limits, unit};

#[test]
fn what_the_compiler_says_is_said_with_the_units_lines() {
    let rig = Rig::new();
    let text = "#include \"shape.cuh\"\n\nextern \"C\" __global__ void k(float *x) {\n    x[0] = nonsense;\n}\n";
    let with = |text: &'static str, header: &'static str| Unit {
        name: "wrong.cu".into(),
        text: text.into(),
        headers: [("shape.cuh".into(), header.into())].into(),
    };
    let failure = rig.host.load(&with(text, "")).unwrap_err();
    assert_eq!((failure.call, failure.code), ("cuModuleLoadData", INVALID_SOURCE));
    assert!(failure.reason.starts_with("wrong.cu does not compile"), "{failure}");
    assert!(failure.reason.contains("wrong.cu:4:") && failure.reason.contains("nonsense"), "{failure}");
    let failure = rig.host.load(&with(text, "#define X\n#error crooked")).unwrap_err();
    assert!(failure.reason.contains("shape.cuh:2:") && failure.reason.contains("crooked"), "{failure}");
    rig.host.load(&with(text, "#define nonsense 1.0f")).unwrap();
}

#[test]
fn a_unit_includes_its_own_headers_and_those_of_c() {
    let rig = Rig::new();
    let header = |name: &'static str, text: &'static str| (name.into(), text.into());
    let text = "#include <math.h>\n#include \"cuda_fp16.h\"\n#include \"inner/two.cuh\"\n\
                extern \"C\" __global__ void k(double *x) { *x = fabs(-TWO) + (float)__half(0.5f); }";
    let headers = [
        header("inner/two.cuh", "#define TWO 2.0"),
        header("math.h", "#error for compilers that have none"),
        header("cuda_fp16.h", "#error not for processors"),
    ];
    let module = rig.host.load(&Unit { headers: headers.into(), ..unit(text) }).unwrap();
    let out = rig.put(&[0.0_f64]);
    rig.run(module, "k", block(1), &[by(out)]).unwrap();
    assert_eq!(rig.get::<f64>(out, 1), [2.5]);
    for name in ["../outside.h", "/etc/outside.h"] {
        let failure = rig.host.load(&Unit { headers: [header(name, "")].into(), ..unit(text) }).unwrap_err();
        assert!(failure.reason.contains("a header must lie in the unit's folder"), "{failure}");
    }
}

#[test]
fn a_missing_compiler_is_named() {
    let rig = Rig::with(Limits { compiler: Some(OsString::from("no-such-compiler -O1")), ..limits() });
    let failure = rig.host.load(&unit("")).unwrap_err();
    assert_eq!((failure.call, failure.code), ("cuModuleLoadData", INVALID_SOURCE));
    assert_eq!(
        failure.reason,
        "the C++ compiler `no-such-compiler -O1` can't be run: name another in the variable CXX"
    );
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let failure = Rig::with(Limits::in_folder(file.path())).host.load(&unit("")).unwrap_err();
    assert!(failure.reason.contains(&format!("{}", file.path().display())), "{failure}");
}

/// In a process of its own: a module stays loaded in one that has loaded it.
const FOLDER: &str = "ASSAY_TEST_KERNELS";

#[test]
#[ignore = "run by the test below"]
fn one_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let rig = Rig::with(Limits::in_folder(folder));
    let module = rig.text("extern \"C\" __global__ void k(int *out) { *out = 42; }");
    let out = rig.put(&[0_i32]);
    rig.run(module, "k", block(1), &[by(out)]).unwrap();
    assert_eq!(rig.get::<i32>(out, 1), [42]);
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "compiling::one_process"]).env(FOLDER, folder).stdout(Stdio::piped());
    command
}

fn process(folder: &Path) -> Child {
    command(folder).spawn().unwrap()
}

fn finish(process: Child) {
    let output = process.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn the_compiler_is_looked_for_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let said = |command: &mut Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
    let none = said(command(folder.path()).env("PATH", "").env_remove("CXX"));
    assert!(none.contains("need a C++ compiler: install g++ or clang++, or name one in CXX"), "{none}");
    let wrong = said(command(folder.path()).env("CXX", "no-such-compiler"));
    assert!(wrong.contains("the C++ compiler `no-such-compiler` can't be run"), "{wrong}");
    finish(command(folder.path()).env("CXX", "g++ -O1").spawn().unwrap());
}

#[test]
fn processes_share_the_cache_and_a_damaged_entry_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [process(folder.path()), process(folder.path())];
    finish(first);
    finish(second);
    let entries: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    let [entry] = &files(folder.path(), "so")[..] else { panic!("{entries:?}") };
    assert_eq!(entries.len(), 1, "{entries:?}");

    let modified = || std::fs::metadata(entry).unwrap().modified().unwrap();
    let (whole, made) = (std::fs::read(entry).unwrap(), modified());
    finish(process(folder.path()));
    assert_eq!(modified(), made, "it was compiled again");

    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &[], &changed] {
        std::fs::write(entry, damaged).unwrap();
        finish(process(folder.path()));
        assert_eq!(std::fs::read(entry).unwrap().len(), whole.len());
        assert_ne!(std::fs::read(entry).unwrap(), damaged);
    }
}
