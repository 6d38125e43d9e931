//! Runs cells one after another: plan, compile, run, commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wire::{Ended, ToHost};

use super::brackets::{self, Open};
use super::compile::{CompileError, Compiled, Compiler};
use super::diagnostics;
use super::failure::{Failure, lost};
use super::generate::{Generated, How, Plan, Surroundings, generate, line_number, unparsed};
use super::host::{End, Host, HostError};
use super::opt;
use super::split::{Split, split};
use super::state::{Gone, Held, Origin, State, Variable};
use super::stop::Stop;
use super::tier::{Beside, Tier};
use super::types;
use crate::environment::Environment;
use crate::language::{Event, Output, Stream};

/// How long user code may take to notice an interrupt before its process is ended.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a cell's plan may be corrected; each correction settles at least one variable.
const ROUNDS: usize = 64;

/// A cell to run.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) cell: u32,
    pub(crate) text: &'a str,
    /// Of optimisation; `None`: quick to compile, optimised while it runs.
    pub(crate) level: Option<u8>,
    pub(crate) allow_stdin: bool,
    pub(crate) output: &'a Output,
    pub(crate) stop: &'a Stop,
}

/// One notebook's cells.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) compiler: Compiler,
    pub(crate) state: State,
    host: Option<Host>,
    /// What `host` has loaded, and its optimised code.
    tier: Tier,
    /// The optimiser at work for the last cell.
    beside: Option<Beside>,
    /// The binary that can be a cell host: this one.
    program: PathBuf,
    /// Where cells run.
    folder: PathBuf,
}

/// A cell that was compiled, and how its variables are handled.
struct Ready {
    library: PathBuf,
    cell: Generated,
    plan: Plan,
    /// New variables that are not stored, and why.
    unstored: BTreeMap<String, Gone>,
    names: Option<Naming>,
    /// Whether it was compiled without optimisation and no one asked for that.
    quick: bool,
}

/// The types of new variables, being asked for; dropped, its compiler is stopped.
struct Naming(tokio::task::JoinHandle<Result<BTreeMap<String, String>, CompileError>>);

impl Drop for Naming {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Engine {
    pub(crate) fn new(environment: Arc<Environment>, program: PathBuf, folder: PathBuf) -> Self {
        let compiler = Compiler { environment, extensions: Vec::new() };
        let (tier, beside) = (Tier::default(), None);
        Self { compiler, state: State::default(), host: None, tier, beside, program, folder }
    }

    /// Where cells run.
    pub(super) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Starts the cell host if there is none.
    pub(crate) async fn ensure_host(&mut self) -> Result<&mut Host, HostError> {
        let host = match self.host.take() {
            Some(host) => host,
            None => {
                self.tier = Tier::default();
                Host::start(&self.program, &self.compiler.environment, &self.folder).await?
            }
        };
        Ok(self.host.insert(host))
    }

    /// Runs one cell; the state changes only as far as the cell succeeded.
    pub(crate) async fn run(&mut self, request: &Request<'_>) -> Result<(), Failure> {
        let origin = Origin { cell: request.cell, text: request.text.into() };
        let Some(split) = split(request.text) else { return Err(self.explain(&origin).await) };
        if split.parts.is_empty() {
            return Ok(());
        }
        self.bury_dead_host(request);
        self.beside = None;
        let carried = self.state.carried(&split);
        let mut ready = tokio::select! {
            ready = self.prepare(&split, &carried, &origin, request.level) => ready?,
            () = request.stop.asked() => return Err(Failure::interrupted("while it was compiled; nothing was run", &[])),
        };
        let order = ToHost::Run {
            library: ready.library.display().to_string(),
            symbol: ready.cell.symbol(),
            execution_count: request.cell,
            source: request.text.to_owned(),
            file: format!("{}.rs", ready.cell.krate()),
            lines: ready.cell.lines(request.cell),
        };
        let handle = self.ensure_host().await?.handle();
        self.beside = Some(self.tier.beside(&self.compiler, handle, &ready.cell, &ready.library, ready.quick));
        let called = self.call(&order, request).await;
        if let Some(beside) = &self.beside {
            beside.cell_is_over();
        }
        let (end, stopped) = called?;
        let stored = match end {
            End::Died { how, line } => return Err(self.died(&how, line, &origin, stopped)),
            End::Told { ended: Ended::Ok, variables } => variables.into_iter().map(|variable| variable.name).collect(),
            End::Told { ended, variables } => {
                let alive = variables.iter().map(|variable| variable.name.as_str()).collect();
                return Err(self.failed(ended, &alive, &origin));
            }
        };
        self.commit(&mut ready, &split, &carried, &origin, request, &stored).await?;
        if stopped {
            return Err(Failure::interrupted("at its next boundary; its variables are kept", &[]));
        }
        Ok(())
    }

    /// Takes note of a host that ended after its last cell.
    fn bury_dead_host(&mut self, request: &Request<'_>) {
        if self.host.as_mut().is_some_and(|host| !host.is_alive()) {
            self.host = None;
            let how = "the process that runs cells ended between two cells";
            let names = self.lose_variables(request.cell, how);
            let lost = lost(&names).unwrap_or_else(|| "no variables were lost".to_owned());
            say(request.output, &format!("{how}; {lost}"));
        }
    }

    fn lose_variables(&mut self, cell: u32, how: &str) -> Vec<String> {
        let names: Vec<String> = std::mem::take(&mut self.state.variables).into_keys().collect();
        for name in &names {
            self.state.gone.insert(name.clone(), Gone::Lost { cell, how: how.to_owned() });
        }
        names
    }

    /// What rustc says of a cell that does not parse.
    async fn explain(&self, origin: &Origin) -> Failure {
        // Inside the generated crate a bracket of ours would close it, and rustc would point there.
        if let Open::Bracket(at) = brackets::open(&origin.text) {
            let line = u32::try_from(line_number(&origin.text, at)).unwrap_or_default();
            return Failure::at("CompileError", "this cell contains an unclosed delimiter", line, origin, &[]);
        }
        let cell = unparsed(origin);
        match self.compiler.compile(&cell, 0).await {
            Ok(Compiled::Failed(mut found)) => {
                // Variables are not loaded here, so what is not about syntax, which has no code, is not true.
                if found.iter().any(|it| it.is_error() && !it.is_summary() && it.code().is_none()) {
                    found.retain(|it| it.code().is_none());
                }
                diagnostics::render(&found, &cell, &[]).into()
            }
            Ok(Compiled::Library(_)) => Failure::new("SyntaxError", "assay cannot split this cell into statements"),
            Err(error) => error.into(),
        }
    }

    /// Compiles a cell, correcting how its variables are handled until it compiles.
    async fn prepare(
        &mut self,
        split: &Split,
        carried: &[Held],
        origin: &Origin,
        level: Option<u8>,
    ) -> Result<Ready, Failure> {
        let mut plan = self.plan(split);
        let mut opt = level.unwrap_or_else(|| opt::first(&self.state, split));
        let mut unstored = BTreeMap::new();
        let mut names = None;
        for _ in 0..ROUNDS {
            let cell = generate(&self.surroundings(), split, carried, origin, &plan, How::Run { opt });
            if !plan.put.is_empty() && names.is_none() {
                let probe = generate(&self.surroundings(), split, carried, origin, &plan, How::Name);
                let (compiler, run) = (self.compiler.clone(), cell.clone());
                names = Some(Naming(tokio::spawn(async move { compiler.names(&probe, &run).await })));
            }
            let compiled = match level {
                None if opt > 0 => {
                    let quick = generate(&self.surroundings(), split, carried, origin, &plan, How::Run { opt: 0 });
                    match self.compiler.compile_soon(&cell, opt, &quick).await? {
                        Some(compiled) => compiled,
                        None => {
                            (opt, names) = (0, None);
                            continue;
                        }
                    }
                }
                _ => self.compiler.compile(&cell, opt).await?,
            };
            match compiled {
                Compiled::Library(library) => {
                    let quick = level.is_none() && opt == 0;
                    return Ok(Ready { library, cell, plan, unstored, names, quick });
                }
                Compiled::Failed(found) => {
                    if !self.correct(&mut plan, &mut unstored, &found, &cell, origin.cell) {
                        let hints = self.hints(&found, &unstored);
                        return Err(diagnostics::render(&found, &cell, &hints).into());
                    }
                }
            }
        }
        Err(Failure::new("CompileError", "the variables of this cell could not be settled"))
    }

    fn surroundings(&self) -> Surroundings<'_> {
        let extensions = self.compiler.extensions.iter().map(|extension| extension.library().0).collect();
        Surroundings { state: &self.state, extensions }
    }

    /// Has the host run a cell, and passes interrupts on; whether there was one.
    async fn call(&mut self, order: &ToHost, request: &Request<'_>) -> Result<(End, bool), Failure> {
        let host = self.ensure_host().await?;
        let handle = host.handle();
        let mut asked = false;
        let mut running = std::pin::pin!(host.run(order, request.output, request.allow_stdin));
        loop {
            tokio::select! {
                end = &mut running => break Ok((end, asked)),
                () = request.stop.asked() => {
                    if asked {
                        handle.kill();
                    } else {
                        asked = true;
                        handle.interrupt();
                    }
                }
                () = tokio::time::sleep(PATIENCE), if asked => {
                    // What has seen the interrupt is on its way to a boundary, however far that is.
                    if !handle.saw_interrupt() {
                        handle.kill();
                    }
                }
            }
        }
    }

    fn died(&mut self, how: &str, line: u32, origin: &Origin, stopped: bool) -> Failure {
        self.host = None;
        let how = if stopped { "it did not stop by itself and was ended" } else { how };
        let names = self.lose_variables(origin.cell, how);
        if stopped {
            return Failure::interrupted("by ending its process, since it did not stop by itself", &names);
        }
        Failure::crashed(how, line, origin, &names)
    }

    fn failed(&mut self, ended: Ended, alive: &BTreeSet<&str>, origin: &Origin) -> Failure {
        let names: Vec<String> =
            self.state.variables.keys().filter(|name| !alive.contains(name.as_str())).cloned().collect();
        for name in &names {
            self.state.variables.remove(name);
            let how = "it was moved or assigned to when the cell failed".to_owned();
            self.state.gone.insert(name.clone(), Gone::Lost { cell: origin.cell, how });
        }
        Failure::ended(ended, origin, &lost(&names))
    }

    /// Takes in what a cell that ended well has changed.
    async fn commit(
        &mut self,
        ready: &mut Ready,
        split: &Split,
        carried: &[Held],
        origin: &Origin,
        request: &Request<'_>,
        stored: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        let types = match ready.names.take() {
            Some(mut names) => {
                (&mut names.0).await.map_err(|error| Failure::new("InternalError", &error.to_string()))??
            }
            None => BTreeMap::new(),
        };
        let state = &mut self.state;
        let cell = origin.cell;
        for name in ready.plan.lent.union(&ready.plan.taken).filter(|name| !ready.plan.back.contains(*name)) {
            state.variables.remove(name);
            state.gone.insert(name.clone(), Gone::Moved { cell });
        }
        for (name, why) in std::mem::take(&mut ready.unstored) {
            if let Gone::Borrows { .. } = why {
                say(request.output, &why.explain(&name));
            }
            state.variables.remove(&name);
            state.gone.insert(name, why);
        }
        // A function or constant takes the place of a variable of its name, which would hide it.
        let bound = |name: &str| split.bindings.iter().any(|binding| binding.name == name);
        let hidden = split.items().filter_map(|item| item.kind.name()).filter(|name| !bound(name));
        let mut forget: Vec<String> =
            hidden.filter(|name| state.variables.remove(*name).is_some()).map(str::to_owned).collect();
        for binding in split.bindings.iter().filter(|binding| ready.plan.put.contains(&binding.name)) {
            let name = binding.name.clone();
            if !stored.contains(&name) {
                let how = "the cell returned before its end".to_owned();
                state.gone.insert(name, Gone::Lost { cell, how });
                continue;
            }
            match types.get(&name).filter(|ty| types::is_nameable(ty)) {
                Some(ty) => {
                    state.gone.remove(&name);
                    let variable = Variable { ty: ty.clone(), mutable: binding.mutable, cell };
                    state.variables.insert(name, variable);
                }
                None => {
                    let ty = types.get(&name).map(|ty| types::for_people(ty)).unwrap_or_default();
                    let why = Gone::Unnameable { cell, ty };
                    say(request.output, &why.explain(&name));
                    state.variables.remove(&name);
                    state.gone.insert(name.clone(), why);
                    forget.push(name);
                }
            }
        }
        state.define(split, carried, &ready.cell.krate(), origin);
        forget.extend(state.drop_stale(cell));
        self.ensure_host().await?.forget(forget).await;
        Ok(())
    }

    /// Forgets everything.
    pub(crate) async fn restart(&mut self) {
        self.state = State::default();
        self.compiler.extensions.clear();
        self.beside = None;
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
    }
}

fn say(output: &Output, sentence: &str) {
    output.send(Event::Stream(Stream::Stderr, format!("note: {sentence}\n")));
}
