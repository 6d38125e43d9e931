//! Kernels, compiled by NVIDIA's compiler without a GPU.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod cache;
mod elf;
#[path = "../support/package.rs"]
mod package;
#[path = "../../../tests/support/python.rs"]
mod python;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use cuda::kernels::{Cache, Sources, Unit, cubin, entries, ours};
use cuda::library::{self, Kind};
use cuda::nvrtc::Nvrtc;

/// All architectures that are in use and supported, from Turing to Blackwell.
const ARCHITECTURES: [u32; 7] = [75, 80, 86, 89, 90, 100, 120];

/// The environment that has the compilers.
static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(|| {
    let interpreter = python::python(include_str!("requirements.txt"));
    interpreter.ancestors().nth(2).unwrap().to_owned()
});

static NVRTC_12: LazyLock<Nvrtc> = LazyLock::new(|| nvrtc("nvidia/cuda_nvrtc/lib/libnvrtc.so.12"));

static NVRTC_13: LazyLock<Nvrtc> = LazyLock::new(|| nvrtc("nvidia/cu13/lib/libnvrtc.so.13"));

static SOURCES: LazyLock<Sources> = LazyLock::new(|| Sources::read(&package::dfdx()).unwrap());

fn nvrtc(file: &str) -> Nvrtc {
    let versions = std::fs::read_dir(ENVIRONMENT.join("lib")).unwrap();
    let files = versions.map(|version| version.unwrap().path().join("site-packages").join(file));
    let path = files.into_iter().find(|path| path.exists()).expect("the wheel has the library");
    Nvrtc::over(&library::open(Kind::Nvrtc, &path).unwrap()).unwrap()
}

/// Kept beside the Python environment, so that only the first run of these tests compiles.
fn kept() -> Cache {
    Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("assay-kernels"))
}

/// Compiles units for architectures on two threads, and gives each result to `check`.
fn all(nvrtc: &Nvrtc, units: &[&Unit], architectures: &[u32], check: impl Fn(&Unit, u32, &[u8]) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(architecture) = architectures.get(index / units.len()) else { return };
            let unit = units[index % units.len()];
            match cubin(unit, *architecture, nvrtc, &kept(), &|_| {}) {
                Ok(cubin) => check(unit, *architecture, &cubin),
                Err(failure) => panic!("sm_{architecture}, NVRTC {}: {failure}", nvrtc.found().version),
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

/// A unit's kernels are those of the table, and it is made for the architecture.
fn check(unit: &Unit, architecture: u32, cubin: &[u8]) {
    let read = elf::read(cubin);
    assert_eq!(read.architecture, architecture, "{}", unit.name);
    let kernels = |file: &str| -> BTreeSet<String> {
        let (_, kernels) = entries::all().find(|(name, _)| *name == file).unwrap_or_else(|| panic!("{file} is listed"));
        kernels.into_iter().map(str::to_owned).collect()
    };
    let mut expected = kernels(&unit.name);
    let shared = kernels("cuda_utils.cu");
    if !read.entries.is_disjoint(&shared) {
        expected.extend(shared);
    }
    assert_eq!(read.entries, expected, "{}", unit.name);
}

#[test]
fn all_of_dfdx_compiles_for_all_architectures() {
    let units: Vec<_> = SOURCES.units().collect();
    assert_eq!(units.len(), 49 + 1, "dfdx's files and the one of its header");
    assert_eq!(units.len(), entries::all().count());
    all(&NVRTC_12, &units, &ARCHITECTURES, check);
}

#[test]
fn all_of_dfdx_compiles_with_the_newest_compiler() {
    all(&NVRTC_13, &SOURCES.units().collect::<Vec<_>>(), &[90], check);
}

#[test]
fn all_of_ours_compiles_for_all_architectures() {
    let units: Vec<Unit> = ours().collect();
    let units: Vec<&Unit> = units.iter().collect();
    let check = |unit: &Unit, architecture: u32, cubin: &[u8]| {
        let read = elf::read(cubin);
        assert_eq!(read.architecture, architecture, "{}", unit.name);
        assert!(read.entries.iter().all(|kernel| kernel.starts_with("assay_")), "{}: {:?}", unit.name, read.entries);
        assert_eq!(read.entries.len(), unit.text.matches("__global__").count(), "{}", unit.name);
    };
    all(&NVRTC_12, &units, &ARCHITECTURES, check);
    all(&NVRTC_13, &units, &[90], check);
}

/// dfdx compiles some kernels at run time, from texts in its Rust sources with gaps for types.
#[test]
fn kernels_that_dfdx_makes_at_run_time_compile() {
    const TYPES: [&str; 14] = [
        "bool",
        "char",
        "short",
        "int",
        "long",
        "intptr_t",
        "unsigned char",
        "unsigned short",
        "unsigned int",
        "unsigned long",
        "size_t",
        "float",
        "double",
        "__half",
    ];
    let mut units = Vec::new();
    for (folder, gaps) in [
        ("to_dtype", &["$Src", "$Dst"][..]),
        ("concat", &["$Ty"]),
        ("concat_along", &["$Ty"]),
        ("stack", &["$Ty"]),
        ("reshape_to", &["$T"]),
    ] {
        let path = package::dfdx().join("src/tensor_ops").join(folder).join("cuda_kernel.rs");
        let rust = std::fs::read_to_string(&path).unwrap();
        let texts: Vec<_> = rust.split("&str = \"").skip(1).map(|it| it.split("\";").next().unwrap()).collect();
        assert!(!texts.is_empty(), "{folder} has kernels");
        for text in texts.iter().map(|text| text.replace("\\\"", "\"")) {
            let number = |it: &str| it.parse::<f32>().is_ok() || matches!(it, "float" | "double" | "__half");
            for first in TYPES.iter().filter(|first| gaps.len() == 2 || number(first)) {
                let text = text.replace(gaps[0], first);
                let filled = |second: &str| gaps.get(1).map_or_else(|| text.clone(), |gap| text.replace(gap, second));
                let seconds = if gaps.len() == 2 { &TYPES[..] } else { &TYPES[..1] };
                units.extend(seconds.iter().map(|second| SOURCES.with(format!("{folder}.cu"), filled(second))));
            }
        }
    }
    assert!(units.iter().all(|unit| !unit.text.contains('$')), "all gaps are filled");
    all(&NVRTC_12, &units.iter().collect::<Vec<_>>(), &[80], |unit, _, cubin| {
        let shared = if unit.text.contains("cuda_utils.cuh") { 3 } else { 0 };
        assert_eq!(elf::read(cubin).entries.len(), unit.text.matches("__global__").count() + shared, "{}", unit.name);
    });
}

#[test]
fn code_is_made_for_the_newest_architecture_that_runs_on_the_device() {
    // A device of the same major version and a later minor one runs it.
    for (nvrtc, capability, expected) in [
        (&NVRTC_12, 75, Some(75)),
        (&NVRTC_12, 88, Some(87)),
        (&NVRTC_13, 88, Some(88)),
        (&NVRTC_12, 129, Some(121)),
        (&NVRTC_12, 200, None),
        (&NVRTC_13, 70, None),
    ] {
        match (nvrtc.target(capability), expected) {
            (Ok(target), expected) => assert_eq!(Some(target), expected, "{capability}"),
            (Err(failure), None) => {
                assert!(failure.to_string().contains("pip install --upgrade nvidia-cuda-nvrtc"), "{failure}");
            }
            (Err(failure), Some(_)) => panic!("{capability}: {failure}"),
        }
    }
}

#[test]
fn an_error_names_file_and_line() {
    let unit = SOURCES.with("broken.cu", "#include \"cuda_utils.cuh\"\n\n__global__ void f() { return undefined; }\n");
    let failure = NVRTC_12.compile(&unit, 80).unwrap_err().to_string();
    for part in ["broken.cu can't be compiled", "broken.cu(3): error: identifier \"undefined\" is undefined"] {
        assert!(failure.contains(part), "{failure}");
    }
}
