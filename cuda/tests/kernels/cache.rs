//! Machine code on disk.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cuda::kernels::{Cache, Unit, cubin};
use cuda::library::Version;
use cuda::nvrtc::Nvrtc;

use super::{ENVIRONMENT, NVRTC_12, NVRTC_13, SOURCES};

/// What the parent tells a child: the cache's folder.
const FOLDER: &str = "ASSAY_TEST_CACHE";

/// Compiles for `sm_80`, or takes it from the cache; and what was said meanwhile.
fn compile(unit: &Unit, nvrtc: &Nvrtc, cache: &Cache) -> (Vec<u8>, Vec<String>) {
    let said = RefCell::new(Vec::new());
    let cubin = cubin(unit, 80, nvrtc, cache, &|line| said.borrow_mut().push(line.to_owned())).unwrap();
    (cubin, said.into_inner())
}

fn entry(folder: &Path) -> std::path::PathBuf {
    let mut paths = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|it| it == "cubin")).unwrap()
}

#[test]
fn a_kernel_is_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let unit = SOURCES.unit("axpy.cu").unwrap();
    let (first, said) = compile(unit, &NVRTC_12, &cache);
    assert_eq!(said, ["compiling GPU kernels: axpy.cu"]);
    assert_eq!(compile(unit, &NVRTC_12, &cache), (first.clone(), vec![]));
    // What the code depends on makes another entry.
    let changed = Unit { text: format!("{}\n", unit.text).into(), ..unit.clone() };
    let included = Unit { headers: [("other.h".into(), "".into())].into(), ..unit.clone() };
    for (unit, nvrtc) in [(&changed, &NVRTC_12), (&included, &NVRTC_12), (unit, &NVRTC_13)] {
        assert_eq!(compile(unit, nvrtc, &cache).1.len(), 1);
    }
    assert!(cubin(unit, 90, &NVRTC_12, &cache, &|_| {}).unwrap() != first);
}

#[test]
fn a_damaged_entry_is_compiled_again() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
        ("empty", Vec::clear),
        ("one bit", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("longer", |bytes| bytes.push(0)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let unit = SOURCES.unit("axpy.cu").unwrap();
    let (whole, _) = compile(unit, &NVRTC_12, &cache);
    for (name, damage) in damages {
        let path = entry(folder.path());
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let (again, said) = compile(unit, &NVRTC_12, &cache);
        assert_eq!((again == whole, said.len()), (true, 1), "{name}");
        assert_eq!(compile(unit, &NVRTC_12, &cache).1.len(), 0, "{name}: stored again");
    }
}

#[test]
fn without_a_folder_there_is_no_cache_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    // Below a file nothing can be made, not even by root.
    let cache = Cache::at(file.join("kernels"));
    let unit = SOURCES.unit("axpy.cu").unwrap();
    for _ in 0..2 {
        assert_eq!(compile(unit, &NVRTC_12, &cache).1.len(), 1);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A full disk lets files be made and not filled.
#[test]
fn on_a_full_disk_there_is_no_cache_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let child = process(folder.path(), "cache::child_without_room").output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    assert_eq!(said.matches("compiling GPU kernels: axpy.cu").count(), 2, "{said}");
    let left = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| !name.ends_with(".lock")).count(), 0);
}

#[test]
fn of_four_processes_one_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let start = || process(folder.path(), "cache::child_that_compiles").stdout(Stdio::piped()).spawn().unwrap();
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let said: String = outputs.iter().map(|output| String::from_utf8_lossy(&output.stdout)).collect();
    assert!(outputs.iter().all(|output| output.status.success()), "{said}");
    assert_eq!(said.matches("compiling GPU kernels: cmp.cu").count(), 1, "{said}");
    assert_eq!(said.matches("bytes of code").count(), 4, "{said}");
}

/// Another process of this test program that runs one of the ignored tests below.
fn process(folder: &Path, test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env(FOLDER, folder).env("VIRTUAL_ENV", &*ENVIRONMENT);
    command
}

/// Finds NVRTC as a kernel does, and the cache where the parent says. None where there is no parent.
fn child_parts() -> Option<(Nvrtc, Cache)> {
    let folder = std::env::var_os(FOLDER)?;
    Some((Nvrtc::open(Version { major: 13, minor: 0 }, None).unwrap(), Cache::at(folder)))
}

#[test]
#[ignore = "run by of_four_processes_one_compiles"]
fn child_that_compiles() {
    let Some((nvrtc, cache)) = child_parts() else { return };
    let unit = SOURCES.unit("cmp.cu").unwrap();
    let code = cubin(unit, 80, &nvrtc, &cache, &|line| println!("{line}")).unwrap();
    println!("{} bytes of code", code.len());
}

#[test]
#[ignore = "run by on_a_full_disk_there_is_no_cache_and_no_error"]
fn child_without_room() {
    let Some((nvrtc, cache)) = child_parts() else { return };
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: this process does nothing else. No file may grow from here on; what is written is refused, as the
    // signal that would end the process is ignored.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const none), 0);
    }
    let unit = SOURCES.unit("axpy.cu").unwrap();
    for _ in 0..2 {
        cubin(unit, 80, &nvrtc, &cache, &|line| println!("{line}")).unwrap();
    }
}
