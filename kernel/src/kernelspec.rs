//! Installs the kernelspec, so that Jupyter finds the kernel.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

const LOGO: &str = include_str!("kernelspec/logo-svg.svg");

/// Where Jupyter looks for kernelspecs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The user's Jupyter data folder.
    User,
    /// The Python environment that is active: `VIRTUAL_ENV`, `CONDA_PREFIX`, or that of `python3`.
    SysPrefix,
    /// `share/jupyter/kernels` under any folder.
    Prefix(PathBuf),
}

/// Why a kernelspec could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    #[error("{name:?} is no kernel name; letters, digits, dot, minus and underscore are allowed")]
    Name { name: String },
    #[error("no home folder is known, so there is no user folder; use --prefix")]
    NoHome,
    #[error("no Python environment is active and python3 does not name one; use --prefix")]
    NoEnvironment,
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

/// Writes the kernelspec called `name` that starts `executable`, and returns its folder. An earlier one of
/// that name is replaced.
pub fn install(place: &Place, name: &str, executable: &Path) -> Result<PathBuf, InstallError> {
    let known = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(known) {
        return Err(InstallError::Name { name: name.to_owned() });
    }
    let folder = data_folder(place)?.join("kernels").join(name);
    let written = |path: &Path, result: io::Result<()>| {
        result.map_err(|source| InstallError::Write { path: path.to_owned(), source })
    };
    written(&folder, std::fs::create_dir_all(&folder))?;
    let text = serde_json::to_string_pretty(&specification(executable)).unwrap_or_default() + "\n";
    for (file, text) in [("kernel.json", text.as_str()), ("logo-svg.svg", LOGO)] {
        let path = folder.join(file);
        written(&path, std::fs::write(&path, text))?;
    }
    Ok(folder)
}

fn specification(executable: &Path) -> Value {
    json!({
        "argv": [executable, "kernel", "--connection-file", "{connection_file}"],
        "display_name": "Rust (assay)",
        "language": "rust",
        "interrupt_mode": "message",
        "metadata": { "debugger": false, "assay": { "version": env!("CARGO_PKG_VERSION") } },
    })
}

fn data_folder(place: &Place) -> Result<PathBuf, InstallError> {
    match place {
        Place::User => user_folder().ok_or(InstallError::NoHome),
        Place::SysPrefix => Ok(environment().ok_or(InstallError::NoEnvironment)?.join("share").join("jupyter")),
        Place::Prefix(prefix) => Ok(prefix.join("share").join("jupyter")),
    }
}

/// As `jupyter_core.paths.jupyter_data_dir` finds it.
fn user_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = set("JUPYTER_DATA_DIR") {
        return Some(folder);
    }
    let home = std::env::home_dir()?;
    Some(if cfg!(target_os = "macos") {
        home.join("Library").join("Jupyter")
    } else {
        set("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local").join("share")).join("jupyter")
    })
}

fn environment() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("VIRTUAL_ENV").or_else(|| set("CONDA_PREFIX")).or_else(|| {
        let asked = std::process::Command::new("python3")
            .args(["-c", "import sys; print(sys.prefix)"])
            .output()
            .ok()
            .filter(|asked| asked.status.success())?;
        let prefix = String::from_utf8(asked.stdout).ok()?;
        Some(PathBuf::from(prefix.trim_end_matches('\n'))).filter(|prefix| prefix.is_absolute())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernelspec_names_the_executable_and_replaces_an_earlier_one() {
        let prefix = tempfile::tempdir().unwrap();
        let place = Place::Prefix(prefix.path().to_owned());
        install(&place, "assay", Path::new("/old")).unwrap();
        let folder = install(&place, "assay", Path::new("/new/assay")).unwrap();
        assert_eq!(folder, prefix.path().join("share/jupyter/kernels/assay"));
        let text = std::fs::read_to_string(folder.join("kernel.json")).unwrap();
        let spec: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(spec["argv"], json!(["/new/assay", "kernel", "--connection-file", "{connection_file}"]));
        assert_eq!(spec["interrupt_mode"], "message");
        assert!(folder.join("logo-svg.svg").exists());
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        let place = Place::Prefix(PathBuf::from("/nowhere"));
        for name in ["", "..", "a/b", "a b", ".hidden"] {
            assert!(matches!(install(&place, name, Path::new("/x")), Err(InstallError::Name { .. })), "{name}");
        }
    }
}
