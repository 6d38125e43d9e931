//! Optimised code for cells that are already running.
//!
//! A cell is compiled without optimisation, since that is quick, and starts at once. One that runs on is
//! compiled a second time with it, in the background, and the addresses through which the loaded code calls its
//! functions are then overwritten with those of the optimised ones. Both come from the same text under
//! the same crate name, so symbols, types, layouts and signatures are the same; what is being executed ends in
//! the old code, what is called next runs in the new.
//!
//! That takes two properties. The plain code is a `dylib`: it calls its functions, generic ones included,
//! through a table that the loader fills in. The optimised code is one codegen unit with `link-dead-code`: its
//! functions stay callable from outside, so LLVM may not change how they are called.
//!
//! A result could still tell the two apart by an address: of a `static`, a constant, a function, a vtable. So a crate
//! that has a `static` is not optimised, nor one that may see addresses or shares items with one that may
//! (see `source::addresses`).

mod image;
mod mode;
mod symbol;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use wire::ToHost;

use self::image::{Image, ImageError};
pub(crate) use self::mode::Mode;
use crate::cell::compiler::error::CompileError;
use crate::cell::compiler::rustc::{Compiled, Compiler};
use crate::cell::generated::krate::Generated;
use crate::cell::process::handle::Handle;
use crate::cell::source::addresses;

/// How long a cell runs before it is worth a second compilation: one with a loop, and any other.
const WORTH: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

#[derive(Debug, thiserror::Error)]
pub(crate) enum TierError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("the host is gone: {0}")]
    Host(#[from] std::io::Error),
    #[error("reading a library was given up: {0}")]
    Read(#[from] tokio::task::JoinError),
}

/// A library that the host has loaded.
#[derive(Debug)]
struct Loaded {
    cell: Generated,
    library: PathBuf,
    /// Read when first needed.
    image: Option<Arc<Image>>,
    /// Whether it is to be optimised: not if its level was given, and not twice.
    pending: bool,
}

/// Where a library keeps a function's address, and where its optimised version is in another.
type Slots = Vec<(u64, u64)>;

/// What decides whether a crate may be optimised.
#[derive(Debug)]
struct Text {
    /// Whether its code may see at which addresses things are.
    observes: bool,
    externs: BTreeSet<String>,
}

/// What one host has loaded, by crate, and what stands in for it.
#[derive(Debug, Default)]
struct Tiers {
    mode: Mode,
    loaded: BTreeMap<String, Loaded>,
    /// Of all crates that were run, also by earlier hosts.
    texts: BTreeMap<String, Text>,
    /// Crates of `loaded` whose slots are in none of the maps below yet.
    unread: Vec<String>,
    /// Where the libraries keep the address of a function that has no optimised version so far.
    callers: BTreeMap<String, Vec<(Arc<str>, u64)>>,
    /// The optimised version of a function: its library, and where in it.
    faster: BTreeMap<String, (Arc<str>, u64)>,
    /// What is to be patched, by the library with the optimised functions and the one that calls them. Each slot is
    /// here once.
    due: BTreeMap<(Arc<str>, Arc<str>), Slots>,
}

/// Shared with the task that runs in the background of a cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tier {
    mode: Mode,
    tiers: Arc<Mutex<Tiers>>,
}

/// The work in the background of a cell; dropped, its compiler is stopped.
#[derive(Debug)]
pub(crate) struct Optimising {
    task: tokio::task::JoinHandle<()>,
    over: Arc<AtomicBool>,
}

impl Optimising {
    /// The cell is over: what was begun is finished, in case it is run again, and nothing new is begun.
    pub(crate) fn cell_is_over(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Drop for Optimising {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tier {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode, tiers: Arc::new(Mutex::new(Tiers { mode, ..Tiers::default() })) }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// The process is gone, and with it all that it had loaded.
    pub(crate) async fn forget_host(&self) {
        let mut tiers = self.tiers.lock().await;
        let texts = std::mem::take(&mut tiers.texts);
        *tiers = Tiers { mode: self.mode, texts, ..Tiers::default() };
    }

    /// Optimises `cell`, which the host is about to run from `library`, and what it calls of earlier cells,
    /// if it runs for long; unless it was compiled `quick`ly, only the latter.
    pub(crate) async fn optimise(
        &self,
        compiler: &Compiler,
        handle: Handle,
        cell: &Generated,
        library: &Path,
        quick: bool,
    ) -> Option<Optimising> {
        if self.mode == Mode::Off {
            return None;
        }
        let (tiers, compiler) = (Arc::clone(&self.tiers), compiler.clone());
        let (cell, library) = (cell.clone(), library.to_owned());
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let work = async move {
            let mut tiers = tiers.lock().await;
            let krate = cell.file();
            tiers.add(cell, library, quick);
            match tiers.speed_up(&krate, &compiler, &handle, &is_over).await {
                Ok(()) => {}
                // The cell ended its process; it is told of that elsewhere.
                Err(TierError::Host(error)) => tracing::debug!(%error, %krate, "not optimised"),
                // The cell runs on as it was.
                Err(error) => tracing::warn!(%error, %krate, "not optimised"),
            }
        };
        if self.mode.is_forced() {
            work.await;
            return None;
        }
        Some(Optimising { task: tokio::spawn(work), over })
    }
}

impl Tiers {
    fn add(&mut self, cell: Generated, library: PathBuf, quick: bool) {
        let krate = cell.krate();
        let text = || Text { observes: addresses::observes(&cell.text), externs: cell.externs.clone() };
        self.texts.entry(krate.clone()).or_insert_with(text);
        let pending = quick && cell.is_replaceable();
        if !self.loaded.contains_key(&krate) {
            self.load(krate, Loaded { cell, library, image: None, pending });
        }
    }

    fn load(&mut self, krate: String, loaded: Loaded) {
        self.unread.push(krate.clone());
        self.loaded.insert(krate, loaded);
    }

    /// Whether a crate, one that it names or one that names it may see addresses.
    fn is_observed(&self, krate: &str) -> bool {
        let below = self.behind(krate);
        let observers = self.texts.iter().filter(|(_, text)| text.observes).map(|(observer, _)| observer);
        let mut shared =
            observers.filter(|observer| below.contains(*observer) || self.behind(observer).contains(krate));
        shared.next().is_some()
    }

    /// A crate and all those that it names, or those name.
    fn behind(&self, krate: &str) -> BTreeSet<String> {
        let mut behind = BTreeSet::new();
        let mut next = vec![krate];
        while let Some(krate) = next.pop() {
            if behind.insert(krate.to_owned()) {
                next.extend(self.texts.get(krate).iter().flat_map(|text| &text.externs).map(String::as_str));
            }
        }
        behind
    }

    async fn speed_up(
        &mut self,
        krate: &str,
        compiler: &Compiler,
        handle: &Handle,
        over: &AtomicBool,
    ) -> Result<(), TierError> {
        // The same generic function of the same types may have been optimised for an earlier cell.
        self.patch(handle).await?;
        let order = self.order(krate);
        // What was optimised in an earlier session is there at once.
        let (known, new): (Vec<_>, Vec<_>) =
            order.into_iter().partition(|it| compiler.is_optimised(&self.loaded[it].cell));
        for krate in known {
            self.replace(&krate, compiler, handle).await?;
        }
        let [with_loop, other] = WORTH;
        if !self.mode.is_forced() {
            tokio::time::sleep(if self.loaded[krate].cell.repeats { with_loop } else { other }).await;
        }
        if over.load(Ordering::Relaxed) {
            return Ok(());
        }
        for krate in new {
            if over.load(Ordering::Relaxed) {
                break;
            }
            self.replace(&krate, compiler, handle).await?;
        }
        Ok(())
    }

    /// The crates behind `krate` that are still to be optimised: one with a loop first, then what it calls.
    fn order(&self, krate: &str) -> Vec<String> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = vec![krate.to_owned()];
        while let Some(krate) = next.pop() {
            let Some(loaded) = self.loaded.get(&krate).filter(|_| seen.insert(krate.clone())) else { continue };
            let file = |it| loaded.cell.files.get(it).unwrap_or(it).clone();
            next.extend(loaded.cell.externs.iter().map(file));
            if loaded.pending {
                order.push(krate);
            }
        }
        order
    }

    /// Compiles a crate with optimisation and has calls go to it.
    async fn replace(&mut self, krate: &str, compiler: &Compiler, handle: &Handle) -> Result<(), TierError> {
        let plain = self.image(krate).await?;
        let is_observed = self.is_observed(krate);
        let Some(loaded) = self.loaded.get_mut(krate) else { return Ok(()) };
        if is_observed || plain.has_statics || plain.slots.is_empty() {
            loaded.pending = false;
            return Ok(());
        }
        // Given up here when the next cell comes, it is still to be done.
        let compiled = compiler.optimise(&loaded.cell).await;
        loaded.pending = false;
        let Compiled::Library(library) = compiled? else { return Ok(()) };
        let path: Arc<str> = library.display().to_string().into();
        let image = read(library.clone()).await?;
        if image.has_statics {
            return Ok(());
        }
        let cell = loaded.cell.clone();
        for (name, at) in image.functions.iter().filter(|(name, _)| plain.functions.contains_key(*name)) {
            let function = cell.versioned(name);
            // The same function of the same types may have been optimised with another crate.
            if let Entry::Vacant(new) = self.faster.entry(function) {
                for (caller, slot) in self.callers.remove(new.key()).unwrap_or_default() {
                    self.due.entry((Arc::clone(&path), caller)).or_default().push((slot, *at));
                }
                new.insert((Arc::clone(&path), *at));
            }
        }
        self.load(format!("{krate}.fast"), Loaded { cell, library, image: Some(image), pending: false });
        self.patch(handle).await
    }

    /// Has the calls of every loaded library go to the optimised functions that there are.
    async fn patch(&mut self, handle: &Handle) -> Result<(), TierError> {
        if self.faster.is_empty() {
            return Ok(());
        }
        while let Some(krate) = self.unread.last().cloned() {
            let read = self.read_slots(&krate).await;
            // Only now: given up while it was read, it is still to be done.
            self.unread.pop();
            read?;
        }
        while let Some(((path, library), slots)) = self.due.pop_first() {
            let (path, library) = (path.to_string(), library.to_string());
            handle.send(&ToHost::Replace { library: path, of: library, slots }).await?;
        }
        Ok(())
    }

    async fn read_slots(&mut self, krate: &str) -> Result<(), TierError> {
        let image = self.image(krate).await?;
        let Some(loaded) = self.loaded.get(krate) else { return Ok(()) };
        let library: Arc<str> = loaded.library.display().to_string().into();
        for (slot, name) in image.slots.iter().filter(|(slot, _)| self.mode.takes(*slot)) {
            let function = loaded.cell.versioned(name);
            let caller = Arc::clone(&library);
            match self.faster.get(&function) {
                Some((path, at)) => self.due.entry((Arc::clone(path), caller)).or_default().push((*slot, *at)),
                None => self.callers.entry(function).or_default().push((caller, *slot)),
            }
        }
        Ok(())
    }

    async fn image(&mut self, krate: &str) -> Result<Arc<Image>, TierError> {
        let Some(loaded) = self.loaded.get_mut(krate) else { return Ok(Arc::default()) };
        match &loaded.image {
            Some(image) => Ok(Arc::clone(image)),
            None => Ok(Arc::clone(loaded.image.insert(read(loaded.library.clone()).await?))),
        }
    }
}

async fn read(library: PathBuf) -> Result<Arc<Image>, TierError> {
    Ok(Arc::new(tokio::task::spawn_blocking(move || Image::read(&library)).await??))
}
