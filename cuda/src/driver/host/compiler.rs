//! From CUDA C++ to a shared object, by the machine's C++ compiler, once for each text.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::module::Module;
use super::source;
use crate::code::{Failure, INVALID_SOURCE, Outcome, UNKNOWN};
use crate::kernels::Unit;

/// What makes CUDA C++ plain C++: included before every unit, in this order, or by units themselves.
const BEFORE: [(&str, &str); 2] =
    [("language.h", include_str!("cuda/language.h")), ("block.h", include_str!("cuda/block.h"))];
const HALF: (&str, &str) = ("cuda_fp16.h", include_str!("cuda/cuda_fp16.h"));

/// Headers that the C++ compiler has itself; a unit may carry them for compilers that have none.
const STANDARD: [&str; 12] = [
    "assert.h", "cassert", "cfloat", "climits", "cmath", "cstddef", "cstdint", "float.h", "limits.h", "math.h",
    "stddef.h", "stdint.h",
];

/// A kernel looks at the bits of a float through a pointer to int, and adds and multiplies as written. Checks that some
/// systems switch on by themselves know nothing of threads that leave their stacks.
const FLAGS: [&str; 10] = [
    "-std=c++17",
    "-w",
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-ffp-contract=off",
    "-fno-stack-protector",
    "-U_FORTIFY_SOURCE",
    "-I.",
];

/// The call under which failures are known.
pub(super) const CALL: &str = "cuModuleLoadData";

/// Compiles units and keeps what came out.
pub(super) struct Compiler {
    command: Option<OsString>,
    cache: PathBuf,
    tool: Mutex<Option<Tool>>,
}

/// The compiler, and what it says it is.
#[derive(Clone)]
struct Tool {
    program: PathBuf,
    arguments: Vec<String>,
    version: Vec<u8>,
}

/// Where a module will be once one of several threads has loaded it.
type Slot = Arc<Mutex<Option<Arc<Module>>>>;

/// All modules of the process by file, whichever device loaded them: their static memory is there once.
static LOADED: Mutex<BTreeMap<PathBuf, Slot>> = Mutex::new(BTreeMap::new());

impl Compiler {
    /// See [`super::Limits`].
    pub(super) fn new(command: Option<OsString>, cache: PathBuf) -> Self {
        Self { command, cache, tool: Mutex::default() }
    }

    /// The module of a unit: as loaded before, or from the cache, or compiled now.
    pub(super) fn load(&self, unit: &Unit) -> Outcome<Arc<Module>> {
        let tool = self.tool()?;
        let path = self.cache.join(format!("{}.so", key(&tool, unit)));
        let slot = LOADED.lock().entry(path.clone()).or_default().clone();
        let mut slot = slot.lock();
        if let Some(module) = &*slot {
            return Ok(module.clone());
        }
        let module = match cached(&path) {
            Some(module) => module,
            None => {
                self.compile(&tool, unit, &path)?;
                Module::open(&path)?
            }
        };
        Ok(slot.insert(Arc::new(module)).clone())
    }

    /// Compiles beside the cache's files and moves the result among them, so that no process sees half of it.
    fn compile(&self, tool: &Tool, unit: &Unit, path: &Path) -> Outcome<()> {
        let refused = |error: io::Error| {
            let reason = format!("the folder of compiled kernels, {}, can't be written: {error}", self.cache.display());
            Failure::because(CALL, UNKNOWN, reason)
        };
        fs::create_dir_all(&self.cache).map_err(refused)?;
        let folder = tempfile::tempdir_in(&self.cache).map_err(refused)?;
        let at = folder.path();
        for (name, text) in files(unit)? {
            write(&at.join(name), &text).map_err(refused)?;
        }
        let body = format!("#line 1 {:?}\n{}\n", unit.name, source::shared(&unit.text));
        write(&at.join("unit.cpp"), &body).map_err(refused)?;
        let mark = format!("-D__global__={}", source::MARK);
        let text = tool.run(unit, at, &["-E", "-P", &mark, "unit.cpp"])?;
        let launches = source::launches(&source::kernels(&String::from_utf8_lossy(&text)));
        write(&at.join("unit.cpp"), &format!("{body}#line 1 \"launches\"\n{launches}")).map_err(refused)?;
        tool.run(unit, at, &["-shared", "unit.cpp", "-o", "unit.so"])?;
        seal(&at.join("unit.so"), path).map_err(refused)
    }

    fn tool(&self) -> Outcome<Tool> {
        let mut tool = self.tool.lock();
        if let Some(tool) = &*tool {
            return Ok(tool.clone());
        }
        Ok(tool.insert(self.find()?).clone())
    }

    fn find(&self) -> Outcome<Tool> {
        let named = self.command.clone().or_else(|| std::env::var_os("CXX")).filter(|command| !command.is_empty());
        if let Some(command) = named {
            let told = command.to_string_lossy().into_owned();
            return Tool::of(&told).ok_or_else(|| {
                let reason = format!("the C++ compiler `{told}` can't be run: name another in the variable CXX");
                Failure::because(CALL, INVALID_SOURCE, reason)
            });
        }
        ["c++", "g++", "clang++"].iter().find_map(|command| Tool::of(command)).ok_or_else(|| {
            let reason = "kernels for the processor need a C++ compiler: install g++ or clang++, or name one in CXX";
            Failure::because(CALL, INVALID_SOURCE, reason)
        })
    }
}

impl Tool {
    /// The compiler of a command line, if it answers.
    fn of(command: &str) -> Option<Self> {
        let mut words = command.split_whitespace().map(str::to_owned);
        let mut tool = Self { program: words.next()?.into(), arguments: words.collect(), version: Vec::new() };
        let Output { status, stdout, .. } = tool.command().arg("--version").output().ok()?;
        tool.version = stdout;
        status.success().then_some(tool)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }

    /// What the compiler writes to its standard output.
    fn run(&self, unit: &Unit, folder: &Path, arguments: &[&str]) -> Outcome<Vec<u8>> {
        let before = BEFORE.iter().flat_map(|(name, _)| ["-include", name]);
        let mut command = self.command();
        command.args(FLAGS).args(before).args(arguments).current_dir(folder);
        let output = command.output().map_err(|error| {
            let reason = format!("the C++ compiler {} can't be run: {error}", self.program.display());
            Failure::because(CALL, INVALID_SOURCE, reason)
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = format!("{} does not compile ({}):\n{}", unit.name, output.status, said.trim_end());
        Err(Failure::because(CALL, INVALID_SOURCE, reason))
    }
}

/// All files that a unit may include, by name.
fn files(unit: &Unit) -> Outcome<Vec<(&str, String)>> {
    let ours = BEFORE.iter().chain([&HALF]).map(|(name, text)| (*name, (*text).to_owned()));
    let is_ours = |name: &str| BEFORE.iter().chain([&HALF]).any(|(ours, _)| *ours == name);
    let theirs = unit.headers.iter().filter(|(name, _)| !is_ours(name) && !STANDARD.contains(&&**name));
    let theirs = theirs.map(|(name, text)| {
        let inside = Path::new(&**name).components().all(|part| matches!(part, Component::Normal(_)));
        let reason = || format!("{}: a header must lie in the unit's folder, and {name} does not", unit.name);
        let file = (&**name, source::shared(text));
        inside.then_some(file).ok_or_else(|| Failure::because(CALL, INVALID_SOURCE, reason()))
    });
    ours.map(Ok).chain(theirs).collect()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}

/// A hash of all that the shared object comes from.
fn key(tool: &Tool, unit: &Unit) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(tool.program.as_os_str().as_encoded_bytes());
    add(&tool.version);
    tool.arguments.iter().for_each(|argument| add(argument.as_bytes()));
    FLAGS.iter().for_each(|flag| add(flag.as_bytes()));
    BEFORE.iter().chain([&HALF]).for_each(|(_, text)| add(text.as_bytes()));
    [&unit.name, &unit.text].into_iter().for_each(|text| add(text.as_bytes()));
    unit.headers.iter().flat_map(|(name, text)| [name, text]).for_each(|text| add(text.as_bytes()));
    format!("{:x}", hash.finalize())
}

/// Puts a shared object into the cache with its hash behind it, which the loader does not look at.
fn seal(from: &Path, to: &Path) -> io::Result<()> {
    let mut bytes = fs::read(from)?;
    bytes.extend_from_slice(&Sha256::digest(&bytes));
    fs::write(from, bytes)?;
    fs::rename(from, to)
}

/// The module in the cache, unless it is damaged: the loader would read behind the end of a file that was cut off.
fn cached(path: &Path) -> Option<Module> {
    let bytes = fs::read(path).ok()?;
    let (object, seal) = bytes.split_last_chunk::<32>()?;
    (Sha256::digest(object)[..] == *seal).then(|| Module::open(path).ok()).flatten()
}
