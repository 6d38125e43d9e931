//! dfdx's kernels as the dfdx package has them: a file of kernels for each operation, and four headers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Unit;

/// All files of kernels, by name, and one more: `cuda_utils.cu`, with the kernels of the header of that name.
#[derive(Clone, Debug)]
pub struct Sources {
    units: BTreeMap<String, Unit>,
    headers: Headers,
}

type Headers = Arc<[(Cow<'static, str>, Cow<'static, str>)]>;

/// Why the sources can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// A file or folder can't be read.
    #[error("can't read dfdx's kernels: {path}: {error}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There are none in the folder.
    #[error("there are no kernels of dfdx in {path}", path = path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

impl Sources {
    /// Reads the sources of the dfdx package in this folder, with all files below its `src`.
    ///
    /// # Errors
    /// When they can't be read, or there are none.
    pub fn read(dfdx: &Path) -> Result<Self, SourcesError> {
        let mut files = Vec::new();
        collect(&dfdx.join("src"), &mut files)?;
        if files.is_empty() {
            return Err(SourcesError::Empty { path: dfdx.to_owned() });
        }
        Ok(Self::of(files))
    }

    /// Takes sources by name (`sum_to.cu`, `cuda_utils.cuh`) and text.
    #[must_use]
    pub fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let (mut headers, mut kernels) = (Vec::new(), Vec::new());
        for (name, text) in files {
            let list = if name.ends_with(".cuh") { &mut headers } else { &mut kernels };
            list.push((name, text));
        }
        // The order of files in a folder must not make another key in the cache.
        headers.sort();
        let headers = headers.into_iter().map(|(name, text)| (Cow::Owned(name), Cow::Owned(text))).collect();
        kernels.push(("cuda_utils.cu".to_owned(), "#include \"cuda_utils.cuh\"\n".to_owned()));
        let mut sources = Self { units: BTreeMap::new(), headers };
        for (name, text) in kernels {
            let unit = sources.with(name.clone(), text);
            sources.units.insert(name, unit);
        }
        sources
    }

    /// A text that may include dfdx's headers, as those that dfdx makes at run time do.
    #[must_use]
    pub fn with(&self, name: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Unit {
        Unit { name: name.into(), text: text.into(), headers: Arc::clone(&self.headers) }
    }

    /// The file of this name.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.get(name)
    }

    /// All files, by name.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }
}

/// All `.cu` and `.cuh` below a folder. No two have the same name.
fn collect(folder: &Path, files: &mut Vec<(String, String)>) -> Result<(), SourcesError> {
    let failed = |path: &Path, error| SourcesError::Unreadable { path: path.to_owned(), error };
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|it| it == "cu" || it == "cuh") {
            let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, text));
        }
    }
    Ok(())
}
