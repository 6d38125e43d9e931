//! A member of the environment's workspace: a library that links a crate that was added, and does no more.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::sources;

/// What makes one.
pub(super) struct Project<'a> {
    /// Its own crate name.
    pub(super) krate: &'a str,
    /// What the added crate is called, once that is known.
    pub(super) name: Option<&'a str>,
    /// The added crate's line in Cargo.toml.
    pub(super) requirement: &'a str,
    /// The libraries of those added before.
    pub(super) earlier: Vec<&'a str>,
    /// The environment's package.
    pub(super) lab: &'a str,
}

impl Project<'_> {
    /// Writes it into the workspace `source`.
    pub(super) fn write(&self, source: &Path) -> io::Result<Written> {
        let folder = source.join("extensions").join(self.krate);
        let mut dependencies = format!("lab = {{ path = \"../../{0}\", package = \"{0}\" }}\n", self.lab);
        let mut code = "pub extern crate lab;\n".to_owned();
        for other in &self.earlier {
            dependencies.push_str(&format!("{other} = {{ path = \"../{other}\" }}\n"));
            code.push_str(&format!("pub extern crate {other};\n"));
        }
        if let Some(name) = self.name {
            code.push_str(&format!("pub extern crate {name};\n"));
        }
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[lib]\ncrate-type = [\"dylib\"]\n\n\
             [dependencies]\n{dependencies}{}\n",
            self.krate, self.requirement
        );
        let written = Written { folder, keep: false };
        sources::write_changed(&written.folder.join("Cargo.toml"), manifest.as_bytes())?;
        sources::write_changed(&written.folder.join("src/lib.rs"), code.as_bytes())?;
        Ok(written)
    }
}

/// A member that was written for one build; removed unless something came of it.
pub(super) struct Written {
    folder: PathBuf,
    keep: bool,
}

impl Written {
    pub(super) fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.keep {
            // What stays is removed by the next build.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
