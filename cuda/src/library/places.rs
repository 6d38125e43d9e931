//! Where NVIDIA's libraries may lie: a toolkit, Python's wheels, PyTorch.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Folders, as in `PATH`, that are searched before all others.
pub const VARIABLE: &str = "ASSAY_CUDA_LIBRARIES";

/// One place to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// This folder.
    Folder(PathBuf),
    /// Wherever the loader looks: `LD_LIBRARY_PATH`, then what `ldconfig` knows.
    Loader,
}

/// Where the driver may be.
pub(super) fn of_driver() -> Vec<Place> {
    // WSL and NixOS keep it where the loader does not look.
    let others = ["/usr/lib/wsl/lib", "/run/opengl-driver/lib"].map(PathBuf::from);
    folders(paths(VARIABLE)).chain([Place::Loader]).chain(folders(others)).collect()
}

/// Where cuBLAS and NVRTC may be, the best first.
pub(super) fn of_libraries() -> Vec<Place> {
    let sites = sites();
    let toolkits = toolkits().into_iter().flat_map(|root| {
        ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"].map(|lib| root.join(lib))
    });
    let wheels = sites.iter().flat_map(|site| children(&site.join("nvidia"))).map(|wheel| wheel.join("lib"));
    let torch = sites.iter().map(|site| site.join("torch").join("lib"));
    folders(paths(VARIABLE))
        .chain(folders(toolkits.filter(|folder| folder.is_dir())))
        .chain([Place::Loader])
        .chain(folders(wheels.chain(torch).filter(|folder| folder.is_dir())))
        .collect()
}

fn folders(paths: impl IntoIterator<Item = PathBuf>) -> impl Iterator<Item = Place> {
    paths.into_iter().map(Place::Folder)
}

/// Roots of CUDA toolkits.
fn toolkits() -> Vec<PathBuf> {
    let mut roots: Vec<_> = ["CUDA_PATH", "CUDA_HOME"].into_iter().flat_map(paths).collect();
    roots.push(PathBuf::from("/usr/local/cuda"));
    roots.extend(newest(children(Path::new("/usr/local")), "cuda-"));
    roots.push(PathBuf::from("/opt/cuda"));
    // conda's own packages lie in the environment itself.
    roots.extend(paths("CONDA_PREFIX"));
    roots
}

/// Folders of installed Python packages: of the active environment, of every `python3` in the path, of
/// Jupyter, of the person.
/// Found by how they are laid out, as running Python takes longer than all the rest.
fn sites() -> Vec<PathBuf> {
    let mut prefixes: Vec<_> = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().flat_map(paths).collect();
    for folder in paths("PATH") {
        if folder.join("python3").exists() {
            prefixes.extend(installations(&folder));
        }
    }
    prefixes.extend(ancestors());
    prefixes.extend(paths("PYTHONUSERBASE"));
    prefixes.extend(std::env::home_dir().map(|home| home.join(".local")));
    let mut sites = Vec::new();
    for prefix in prefixes {
        let lib = prefix.join("lib");
        let versions = newest(children(&lib), "python3");
        for site in versions.iter().flat_map(|it| [it.join("site-packages"), it.join("dist-packages")]) {
            if site.is_dir() && !sites.contains(&site) {
                sites.push(site);
            }
        }
    }
    sites
}

/// The prefixes of the Python that started this process: Jupyter, often from an environment that nobody activated.
fn ancestors() -> Vec<PathBuf> {
    let parent = |process: u32| -> Option<u32> {
        // `pid (name) state parent ...`, and a name may have brackets.
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
    };
    let processes = std::iter::successors(Some(std::process::id()), |process| parent(*process));
    let command = |process| std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    processes.take(6).filter_map(|process| prefix(&command(process))).collect()
}

/// The prefix of the Python that runs this command, whose words end with zeros; none where it runs something else.
/// The word is what was called, so a link into another installation is not followed.
fn prefix(command: &[u8]) -> Option<PathBuf> {
    let program = Path::new(OsStr::from_bytes(command.split(|byte| *byte == 0).next()?));
    let python = program.file_name()?.as_bytes().starts_with(b"python");
    let folder = program.parent().filter(|folder| python && folder.is_absolute())?;
    folder.parent().map(Path::to_owned)
}

/// The prefixes of a `python3` in a folder of the path: its own, that of the file it is a link to, and Debian's for
/// what pip installs; of pyenv's shims, all versions that pyenv has.
fn installations(folder: &Path) -> Vec<PathBuf> {
    let mut prefixes = Vec::new();
    if folder.file_name() == Some(OsStr::new("shims"))
        && let Some(root) = folder.parent()
    {
        prefixes.extend(newest(children(&root.join("versions")), ""));
    }
    prefixes.extend(folder.parent().map(Path::to_owned));
    let real = std::fs::canonicalize(folder.join("python3")).ok();
    prefixes.extend(real.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned));
    if prefixes.iter().any(|prefix| prefix == Path::new("/usr")) {
        prefixes.push(PathBuf::from("/usr/local"));
    }
    prefixes
}

/// The paths in an environment variable.
fn paths(variable: &str) -> Vec<PathBuf> {
    let value = std::env::var_os(variable).unwrap_or_default();
    std::env::split_paths(&value).filter(|path| path.is_absolute()).collect()
}

/// What is in a folder, by name; nothing where it can't be read.
fn children(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    paths.sort();
    paths
}

/// Those whose name begins so, by the numbers in what follows, the greatest first: `3.12` before `3.9`.
fn newest(paths: Vec<PathBuf>, prefix: &str) -> Vec<PathBuf> {
    let numbers = |path: &PathBuf| -> Option<Vec<u32>> {
        let rest = path.file_name()?.to_str()?.strip_prefix(prefix)?;
        Some(rest.split('.').map(|part| part.parse().unwrap_or(0)).collect())
    };
    let mut numbered: Vec<_> = paths.into_iter().filter_map(|path| Some((numbers(&path)?, path))).collect();
    numbered.sort_by(|a, b| b.0.cmp(&a.0));
    numbered.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers() {
        let names = ["cuda-11.8", "cuda-12.10", "cuda-12.9", "other", "cuda-13.0"].map(PathBuf::from);
        let expected = ["cuda-13.0", "cuda-12.10", "cuda-12.9", "cuda-11.8"].map(PathBuf::from);
        assert_eq!(newest(names.to_vec(), "cuda-"), expected);
    }

    #[test]
    fn a_python_is_known_by_the_command_that_it_runs() {
        for (command, expected) in [
            (&b"/home/a/venv/bin/python3.12\0-m\0jupyterlab\0"[..], Some("/home/a/venv")),
            (b"/usr/bin/python3\0", Some("/usr")),
            (b"python3\0-m\0jupyterlab\0", None),
            (b"/usr/bin/bash\0/usr/bin/python3\0", None),
            (b"", None),
        ] {
            assert_eq!(prefix(command).as_deref(), expected.map(Path::new), "{}", String::from_utf8_lossy(command));
        }
    }

    #[test]
    fn pythons_are_found_by_their_layout() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["base/bin", "venv/bin", "pyenv/shims", "pyenv/versions/3.12.1", "pyenv/versions/3.9.2"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("base/bin/python3"), "").unwrap();
        std::os::unix::fs::symlink(root.join("base/bin/python3"), root.join("venv/bin/python3")).unwrap();
        for (folder, expected) in [
            ("venv/bin", vec!["venv", "base"]),
            ("pyenv/shims", vec!["pyenv/versions/3.12.1", "pyenv/versions/3.9.2", "pyenv"]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|it| root.join(it)).collect();
            assert_eq!(installations(&root.join(folder)), expected, "{folder}");
        }
    }
}
