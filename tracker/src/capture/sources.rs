//! The sources of the environment that cells link: with them a later assay can build it again.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::context::Context;
use crate::record::sha256;

/// All files of an environment.
pub(crate) struct Sources {
    /// As in [`Context::environment`].
    pub(crate) environment: String,
    pub(crate) files: Vec<File>,
}

/// One of them.
pub(crate) struct File {
    /// Below the workspace's root.
    pub(crate) path: String,
    pub(crate) hash: String,
    pub(crate) text: String,
}

impl Sources {
    /// Those of the environment of this process, read once; `None` in a program, and when they cannot be read.
    pub(crate) fn of(context: &Context) -> Option<Arc<Self>> {
        static READ: OnceLock<Option<Arc<Sources>>> = OnceLock::new();
        let (environment, folder) = (context.environment.as_ref()?, context.sources.as_ref()?);
        let read = || {
            let mut files = Vec::new();
            collect(folder, folder, &mut files)?;
            Some(Arc::new(Self { environment: environment.clone(), files })).filter(|read| !read.files.is_empty())
        };
        READ.get_or_init(read).clone()
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> Option<()> {
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let text = std::fs::read_to_string(&path).ok()?;
        let name = path.strip_prefix(root).ok()?.to_str()?.to_owned();
        files.push(File { path: name, hash: sha256(text.as_bytes()), text });
    }
    Some(())
}
