//! `assay doctor` on machines with and without a GPU. The GPU is libraries of NVIDIA's names that answer what the
//! case says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::Path;
use std::process::Command;

/// A library that the machine has: its file, what the fake is (`DRIVER`, ...), and its answers.
type Library = (&'static str, &'static [&'static str]);

struct Case {
    name: &'static str,
    libraries: &'static [Library],
    /// What must not be on this machine itself.
    without: &'static [&'static str],
    /// Lines about the GPU, with `@` for the folder of the libraries.
    expected: &'static [&'static str],
}

const NEW: Library = ("libcuda.so.1", &["DRIVER", "VERSION=13000", "INIT=0", "DEVICES=1", "CAPABILITY=90"]);
const BLAS: Library = ("libcublas.so.13", &["BLAS", "VERSION=13010"]);
const NVRTC: Library = ("libnvrtc.so.13", &["NVRTC", "VERSION=13050"]);
const CUDA: [&str; 2] = ["libcublas", "libnvrtc"];

const CASES: [Case; 12] = [
    Case {
        name: "nothing",
        libraries: &[],
        without: &["libcuda.so.1"],
        expected: &["GPU: none (no NVIDIA driver); everything runs on the CPU"],
    },
    Case {
        name: "a driver that is no library",
        libraries: &[("libcuda.so.1", &[])],
        without: &["libcuda.so.1"],
        expected: &[
            "GPU: none (NVIDIA driver can't be used (@/libcuda.so.1): @/libcuda.so.1: file too short; install the \
             NVIDIA driver again); everything runs on the CPU",
        ],
    },
    Case {
        name: "driver 515",
        libraries: &[("libcuda.so.1", &["DRIVER", "VERSION=11070", "INIT=0", "DEVICES=1", "CAPABILITY=90"])],
        without: &["nvidia.ko"],
        expected: &[
            "driver: CUDA 11.7 (@/libcuda.so.1)",
            "problem: the NVIDIA driver is too old; update it to 525 or newer (this one is CUDA 11.7); until then \
             everything runs on the CPU",
        ],
    },
    Case {
        name: "all that is needed",
        libraries: &[NEW, BLAS, NVRTC],
        without: &["nvidia.ko"],
        expected: &[
            "GPU 0: Fake 80 GB, compute capability 9.0, 80.0 GiB",
            "driver: CUDA 13.0 (@/libcuda.so.1)",
            "cuBLAS: 13.1 (@/libcublas.so.13)",
            "NVRTC: 13.5 (@/libnvrtc.so.13)",
            "cells run on GPU 0",
        ],
    },
    Case {
        name: "of two equal GPUs, the one with more memory",
        libraries: &[
            ("libcuda.so.1", &["DRIVER", "VERSION=12080", "INIT=0", "DEVICES=2", "CAPABILITY=89"]),
            ("libcublas.so.12", &["BLAS", "VERSION=12090"]),
            ("libnvrtc.so.12", &["NVRTC", "VERSION=12080"]),
        ],
        without: &["nvidia.ko"],
        expected: &[
            "GPU 0: Fake 80 GB, compute capability 8.9, 80.0 GiB",
            "GPU 1: Fake 8 GB, compute capability 8.9, 8.0 GiB",
            "driver: CUDA 12.8 (@/libcuda.so.1)",
            "cuBLAS: 12.9 (@/libcublas.so.12)",
            "NVRTC: 12.8 (@/libnvrtc.so.12)",
            "cells run on GPU 0",
        ],
    },
    Case {
        name: "no libraries",
        libraries: &[NEW],
        without: &CUDA,
        expected: &["problem: cuBLAS was not found; NVRTC was not found; `pip install \"nvidia-cublas<14\" \
             \"nvidia-cuda-nvrtc<14\"`; until then everything runs on the CPU"],
    },
    Case {
        name: "libraries for a newer driver",
        libraries: &[
            ("libcuda.so.1", &["DRIVER", "VERSION=12040", "INIT=0", "DEVICES=1", "CAPABILITY=90"]),
            BLAS,
            NVRTC,
        ],
        without: &CUDA,
        expected: &["problem: cuBLAS 13.1 (@/libcublas.so.13) is too new for a driver of CUDA 12.4; NVRTC 13.5 \
             (@/libnvrtc.so.13) is too new for a driver of CUDA 12.4; `pip install nvidia-cublas-cu12 \
             nvidia-cuda-nvrtc-cu12`; until then everything runs on the CPU"],
    },
    Case {
        name: "NVRTC of cuBLAS's CUDA rather than the newest",
        libraries: &[
            NEW,
            NVRTC,
            ("libcublas.so.12", &["BLAS", "VERSION=12090"]),
            ("libnvrtc.so.12", &["NVRTC", "VERSION=12080"]),
        ],
        without: &CUDA,
        expected: &["cuBLAS: 12.9 (@/libcublas.so.12)", "NVRTC: 12.8 (@/libnvrtc.so.12)", "cells run on GPU 0"],
    },
    Case {
        name: "NVRTC that makes no machine code",
        libraries: &[NEW, BLAS, ("libnvrtc.so.13", &["NVRTC", "VERSION=13000", "TOO_OLD"])],
        without: &CUDA,
        expected: &["problem: NVRTC can't be used (@/libnvrtc.so.13): it has no nvrtcGetCUBIN; `pip install \
             \"nvidia-cuda-nvrtc<14\"`; until then everything runs on the CPU"],
    },
    Case {
        name: "a GPU that is newer than NVRTC",
        libraries: &[
            ("libcuda.so.1", &["DRIVER", "VERSION=13000", "INIT=0", "DEVICES=1", "CAPABILITY=120"]),
            BLAS,
            NVRTC,
        ],
        without: &[],
        expected: &[
            "problem: nvrtcCompileProgram: NVRTC 13.5 (@/libnvrtc.so.13) does not compile for a GPU of compute \
             capability 12.0; install a newer one: `pip install --upgrade nvidia-cuda-nvrtc`, which needs a driver as \
             new (CUDA_ERROR_INVALID_SOURCE); until then everything runs on the CPU",
        ],
    },
    Case {
        name: "a GPU that is too old",
        libraries: &[("libcuda.so.1", &["DRIVER", "VERSION=12040", "INIT=0", "DEVICES=1", "CAPABILITY=61"])],
        without: &[],
        expected: &[
            "GPU 0: Fake 80 GB, compute capability 6.1, 80.0 GiB, too old",
            "problem: Fake 80 GB is too old: it has compute capability 6.1, and 7.5 (Turing, 2018) is the first; \
             until then everything runs on the CPU",
        ],
    },
    Case {
        name: "a driver that does not start",
        libraries: &[("libcuda.so.1", &["DRIVER", "VERSION=12040", "INIT=803", "DEVICES=1", "CAPABILITY=90"])],
        without: &[],
        expected: &[
            "problem: the NVIDIA driver does not work: cuInit: the driver's library and its kernel module differ: \
             reboot after the update (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH); until then everything runs on the CPU",
        ],
    },
];

#[test]
fn it_says_what_is_there_and_what_to_do() {
    let mut skipped = 0;
    for case in CASES {
        if case.without.iter().any(|name| has(name)) {
            println!("skipped, as this machine has {:?}: {}", case.without, case.name);
            skipped += 1;
            continue;
        }
        let machine = tempfile::tempdir().unwrap();
        let folder = machine.path().canonicalize().unwrap();
        case.libraries.iter().for_each(|library| make(&folder, library));
        let said = doctor(&folder);
        for line in case.expected.iter().map(|line| line.replace('@', folder.to_str().unwrap())) {
            assert!(said.lines().any(|it| it == line), "{}: no line\n{line}\nin\n{said}", case.name);
        }
        let about = said.lines().filter(|line| line.contains("CPU")).count();
        assert_eq!(about, usize::from(case.expected.iter().any(|line| line.contains("CPU"))), "{}:\n{said}", case.name);
        if case.libraries.is_empty() {
            assert_eq!(said.lines().count(), 2, "one line about the GPU:\n{said}");
        }
    }
    println!("{skipped} cases skipped");
}

#[test]
fn its_help_has_an_example() {
    let output = Command::new(env!("CARGO_BIN_EXE_assay")).args(["doctor", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Examples:\n  assay doctor\n") && help.contains("ASSAY_CUDA_LIBRARIES"), "{help}");
}

/// What `assay doctor` prints on a machine whose only libraries are in this folder.
fn doctor(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.arg("doctor").env("ASSAY_CUDA_LIBRARIES", folder).env("HOME", folder);
    for name in ["CUDA_PATH", "CUDA_HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONUSERBASE", "PATH", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Compiles a library; without a name, it is an empty file.
fn make(folder: &Path, (file, defines): &Library) {
    let path = folder.join(file);
    if defines.is_empty() {
        std::fs::write(path, "").unwrap();
        return;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/doctor/fake.c");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-o"]).arg(path).arg(source).args(defines.iter().map(|it| format!("-D{it}")));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether this machine has a library of its own, or NVIDIA's kernel module.
fn has(name: &str) -> bool {
    if name == "nvidia.ko" {
        return Path::new("/sys/module/nvidia").exists();
    }
    let known = Command::new("/sbin/ldconfig").arg("-p").output().map(|it| it.stdout).unwrap_or_default();
    String::from_utf8_lossy(&known).contains(name) || (name != "libcuda.so.1" && Path::new("/usr/local/cuda").exists())
}
