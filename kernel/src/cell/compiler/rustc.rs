//! One `rustc` call per cell, against the prebuilt environment; what was compiled before is not again.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;

use super::cache::{self, Work};
use super::diagnostics::Diagnostic;
use super::error::CompileError;
use super::level;
use super::seal;
use super::trouble;
use crate::cell::generated::flags::{FLAGS, OPTIMISED};
use crate::cell::generated::frames::key;
use crate::cell::generated::krate::{Generated, Role};
use crate::cell::generated::types;
use crate::environment::{Environment, Extension, toolchain_name};
use crate::guard;

/// Lints that find addresses of functions being compared or made numbers of.
const OF_ADDRESSES: [&str; 2] = ["unpredictable_function_pointer_comparisons", "function_casts_as_integer"];

/// What became of a crate.
#[derive(Debug)]
pub(crate) enum Compiled {
    Library(PathBuf),
    Failed(Vec<Diagnostic>),
}

/// Compiles cells for one environment.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    pub(crate) environment: Arc<Environment>,
    /// Crates added with `:dep`, in order.
    pub(crate) extensions: Vec<Extension>,
}

impl Compiler {
    /// What cells link, and where it is.
    pub(crate) fn libraries(&self) -> String {
        let environment = &self.environment;
        let mut all = format!("{} {} {}", environment.toolchain(), environment.hash(), environment.folder().display());
        for extension in &self.extensions {
            for (name, path) in [extension.library(), extension.named()] {
                // Writing to a String cannot fail.
                let _ = write!(all, "\n{name}={}", path.display());
            }
        }
        all
    }

    /// The folder with the lockfile and the features of all that cells link.
    pub(crate) fn resolved(&self) -> &Path {
        self.extensions.last().map_or(self.environment.folder(), Extension::folder)
    }

    /// Compiles a cell to a shared library, or finds the one that was compiled from the same text.
    ///
    /// # Errors
    /// When the compiler cannot be started or nothing can be written.
    pub(crate) async fn compile(&self, cell: &Generated) -> Result<Compiled, CompileError> {
        self.library(cell, self.plain(cell), &cell.flags).await
    }

    /// As [`Self::compile`], unless that takes long or `quick` was taken instead before: then `None`.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) async fn compile_soon(
        &self,
        cell: &Generated,
        quick: &Generated,
    ) -> Result<Option<Compiled>, CompileError> {
        if self.is_compiled(quick) && !self.is_compiled(cell) {
            return Ok(None);
        }
        // Given up, its compiler is stopped.
        tokio::time::timeout(level::HARDLY, self.compile(cell)).await.ok().transpose()
    }

    /// Whether [`Self::compile`] has nothing to do.
    fn is_compiled(&self, cell: &Generated) -> bool {
        self.plain(cell).exists()
    }

    fn plain(&self, cell: &Generated) -> PathBuf {
        let folder = if cell.has_items { self.environment.items() } else { self.environment.cells() };
        folder.join(format!("lib{}.so", cell.file()))
    }

    /// Compiles a cell so that its functions can replace those of its plain version; fails where one must not,
    /// since the cell compares or shows addresses of functions.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) async fn optimise(&self, cell: &Generated) -> Result<Compiled, CompileError> {
        self.library(cell, self.optimised(cell), &OPTIMISED).await
    }

    /// Whether [`Self::optimise`] has nothing to do.
    pub(crate) fn is_optimised(&self, cell: &Generated) -> bool {
        self.optimised(cell).exists()
    }

    /// Not among the items, where rustc would take it for one of them.
    fn optimised(&self, cell: &Generated) -> PathBuf {
        self.environment.cells().join(format!("lib{}.fast.so", cell.file()))
    }

    /// Compiles to the file `library`, unless it is there.
    async fn library(
        &self,
        cell: &Generated,
        library: PathBuf,
        how: &[impl AsRef<OsStr>],
    ) -> Result<Compiled, CompileError> {
        if cache::find(&library) {
            return Ok(Compiled::Library(library));
        }
        let (folder, name) = (library.parent().unwrap_or(Path::new(".")), library.file_name().unwrap_or_default());
        let work = self.work_folder(folder)?;
        // The file's name is also the library's name inside: by it the loader tells libraries apart.
        let output = work.path().join(name);
        let mut command = self.command(cell, work.path())?;
        command.args(how).arg("-o").arg(&output);
        for path in [self.environment.folder(), &self.environment.items()] {
            command.arg("-C").arg(with("link-arg=-Wl,-rpath,", path));
        }
        for extension in &self.extensions {
            command.arg("-C").arg(with("link-arg=-Wl,-rpath,", extension.folder()));
        }
        for file in &cell.memory {
            command.arg("-C").arg(with("link-arg=", &self.environment.items().join(format!("lib{file}.so"))));
        }
        let result = self.output(command).await?;
        let found = diagnostics(&result);
        let sees_addresses = found.iter().filter_map(Diagnostic::code).any(|code| OF_ADDRESSES.contains(&code));
        if !result.status.success() || sees_addresses {
            return Ok(Compiled::Failed(found));
        }
        // Complete or absent: another kernel may look for the same cell.
        seal::close(&output)
            .and_then(|()| std::fs::rename(&output, &library))
            .map_err(|source| CompileError::Write { path: library.clone(), source })?;
        Ok(Compiled::Library(library))
    }

    /// Asks the compiler for the types of the variables that `probe` names; `run` is the same cell's crate
    /// as it is run. A variable whose type could not be printed is absent.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) async fn names(
        &self,
        probe: &Generated,
        run: &Generated,
    ) -> Result<BTreeMap<String, String>, CompileError> {
        let known = self.environment.cells().join(format!("{}.types.json", run.file()));
        if let Some(names) = seal::read(&known).and_then(|json| serde_json::from_slice(&json).ok()) {
            return Ok(names);
        }
        let found = self.check(probe).await?;
        let mut names = BTreeMap::new();
        let added: Vec<_> = self.extensions.iter().map(|extension| extension.named().0).collect();
        let named = self.environment.externs().iter().map(|(name, _)| name.as_str());
        let external = named.chain(added.iter().map(String::as_str)).collect();
        for diagnostic in found {
            let Some(ty) = diagnostic.message.strip_prefix("assay-type ") else { continue };
            let key = match diagnostic.roles(probe).next() {
                Some(Role::Put(name)) => key(name, 0),
                Some(Role::Earlier(name, nth)) => key(name, *nth),
                _ => continue,
            };
            let ty = ty.replace(&probe.hash, &run.hash);
            names.insert(key, types::in_later_cells(&ty, &run.krate(), &external));
        }
        let work = self.work_folder(&self.environment.cells())?;
        if let Ok(json) = serde_json::to_vec(&names) {
            let part = work.path().join("types.json");
            // Only a cache: without it the types are asked for again.
            let _ = seal::add(&part, &json).and_then(|()| std::fs::rename(&part, &known));
        }
        Ok(names)
    }

    /// Type-checks a crate; types are printed in full.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) async fn check(&self, cell: &Generated) -> Result<Vec<Diagnostic>, CompileError> {
        let work = self.work_folder(&self.environment.cells())?;
        let mut command = self.command(cell, work.path())?;
        command
            // For the two flags below, which say how types are printed; no code is generated.
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["--crate-type", "cdylib", "--emit=metadata", "--diagnostic-width=1000000"])
            .args(["-Ztrim-diagnostic-paths=no", "-Zwrite-long-types-to-disk=no"]);
        Ok(diagnostics(&self.output(command).await?))
    }

    fn work_folder(&self, folder: &Path) -> Result<Work, CompileError> {
        Work::new(folder).map_err(|source| CompileError::Write { path: folder.to_owned(), source })
    }

    fn command(&self, cell: &Generated, work: &Path) -> Result<Command, CompileError> {
        let file = format!("{}.rs", cell.file());
        let path = work.join(&file);
        std::fs::write(&path, &cell.text).map_err(|source| CompileError::Write { path, source })?;
        let environment = &self.environment;
        let mut command = Command::new(environment.rustc());
        command
            .current_dir(work)
            // Goes with the folder, whatever becomes of the compiler.
            .env("TMPDIR", work)
            .args([file.as_str(), "--crate-name", &cell.krate()])
            .args(FLAGS)
            .arg("-L")
            .arg(with("dependency=", &environment.deps()))
            .arg("-L")
            .arg(with("dependency=", &environment.items()));
        for (name, path) in environment.externs() {
            command.arg("--extern").arg(with(&format!("{name}="), path));
        }
        if !self.extensions.is_empty() {
            // An extension names `lab` before the cell does.
            command.arg("-L").arg(with("dependency=", environment.folder()));
        }
        for extension in &self.extensions {
            for folder in [&extension.deps(), extension.folder()] {
                command.arg("-L").arg(with("dependency=", folder));
            }
            for (name, path) in [extension.library(), extension.named()] {
                command.arg("--extern").arg(with(&format!("{name}="), &path));
            }
        }
        for krate in &cell.externs {
            let library = environment.items().join(format!("lib{}.so", cell.files.get(krate).unwrap_or(krate)));
            command.arg("--extern").arg(with(&format!("{krate}="), &library));
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        Ok(command)
    }

    async fn output(&self, command: Command) -> Result<std::process::Output, CompileError> {
        let rustc = || self.environment.rustc().to_owned();
        let start = |source| CompileError::Start { rustc: rustc(), toolchain: toolchain_name(), source };
        let output = guard::output(command).await.map_err(start)?;
        trouble::check(&output, &self.environment)?;
        Ok(output)
    }
}

fn diagnostics(output: &std::process::Output) -> Vec<Diagnostic> {
    Diagnostic::parse(&String::from_utf8_lossy(&output.stderr))
}

fn with(prefix: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(prefix);
    argument.push(path);
    argument
}
