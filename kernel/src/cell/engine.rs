//! Runs cells one after another: plan, compile, run, commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wire::{Ended, ToHost};

use super::compiler::diagnostics;
use super::compiler::level;
use super::compiler::naming::Naming;
use super::compiler::rustc::{Compiled, Compiler};
use super::compiler::swap::{Beside, Tier};
use super::correct::correct;
use super::explain::explain;
use super::failure::{Failure, lost};
use super::generated::krate::{Generated, How};
use super::generated::text::{Surroundings, generate};
use super::generated::types;
use super::hints::hints;
use super::notebook::executions::Executions;
use super::notebook::follow::Follow;
use super::notebook::held::{Held, Origin};
use super::notebook::plan::Plan;
use super::notebook::state::{Gone, State, Variable};
use super::process::host::{End, Host, HostError};
use super::source::items::ItemPart;
use super::source::split::{Split, split};
use super::stop::Stop;
use crate::environment::Environment;
use crate::language::{Event, Output, Stream};

/// How long a cell may go without a reaction to an interrupt before the person is told what another one would do.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a cell's plan may be corrected; each correction settles at least one variable.
const ROUNDS: usize = 64;

/// A cell to run.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) cell: u32,
    pub(crate) text: &'a str,
    /// The cell with its commands, as it is recorded; `None`: it is none of the notebook's cells.
    pub(crate) source: Option<&'a str>,
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
    pub(crate) executed: Executions,
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

impl Engine {
    pub(crate) fn new(environment: Arc<Environment>, program: PathBuf, folder: PathBuf) -> Self {
        let compiler = Compiler { environment, extensions: Vec::new() };
        let (tier, beside) = (Tier::default(), None);
        let (state, executed) = (State::default(), Executions::default());
        Self { compiler, state, host: None, executed, tier, beside, program, folder }
    }

    /// Starts the cell host if there is none.
    pub(crate) async fn ensure_host(&mut self) -> Result<&mut Host, HostError> {
        let host = match self.host.take() {
            Some(host) => host,
            None => {
                self.tier = Tier::default();
                self.executed.forget_told();
                Host::start(&self.program, &self.compiler.environment, &self.folder).await?
            }
        };
        Ok(self.host.insert(host))
    }

    /// Runs one cell; the state changes only as far as the cell succeeded.
    pub(crate) async fn run(&mut self, request: &Request<'_>) -> Result<(), Failure> {
        let origin = Origin { cell: request.cell, text: request.text.into() };
        let Some(split) = split(request.text) else { return Err(explain(&self.compiler, &origin).await) };
        if split.parts.is_empty() {
            self.executed.add(request.cell, request.source);
            return Ok(());
        }
        self.bury_dead_host(request);
        self.beside = None;
        let whole = self.state.with_extensions(split);
        let split = self.to_compile(&whole, &origin, request.level);
        let Follow { carried, left } = self.state.follow(&split);
        // What is compiled again does not become slower by it.
        let given = carried.iter().map(|held| held.opt).fold(request.level.unwrap_or(0), u8::max);
        let level = request.level.or((given > 0).then_some(given)).map(|level| level.max(given));
        let mut ready = tokio::select! {
            ready = self.prepare(&split, &carried, &origin, level) => ready?,
            () = request.stop.asked() => return Err(Failure::interrupted("while it was compiled; nothing was run", &[])),
        };
        let handle = self.ensure_host().await?.handle();
        self.executed.add(request.cell, request.source);
        let order = ToHost::Run {
            library: ready.library.display().to_string(),
            symbol: ready.cell.symbol(),
            execution_count: request.cell,
            executed: self.executed.untold(),
            resolved: self.compiler.resolved().to_owned(),
            file: format!("{}.rs", ready.cell.krate()),
            lines: ready.cell.lines(request.cell),
        };
        self.beside = Some(self.tier.beside(&self.compiler, handle, &ready.cell, &ready.library, ready.quick));
        let called = self.call(&order, request).await;
        if let Some(beside) = &self.beside {
            beside.cell_is_over();
        }
        let (end, stopped) = called?;
        let stored: BTreeMap<String, String>;
        match end {
            End::Died { how, line } => return Err(self.died(&how, line, &origin, stopped)),
            End::Told { ended, variables } => {
                stored = variables.into_iter().map(|variable| (variable.name, variable.type_name)).collect();
                if !matches!(ended, Ended::Ok) {
                    return Err(self.failed(ended, &stored, &origin));
                }
            }
        }
        for left in left {
            say(request.output, &left.explain());
        }
        // A function or constant takes the place of a variable of its name, which would hide it.
        let hidden = whole.items().filter_map(|item| item.kind.name().map(str::to_owned)).collect();
        let request = &Request { level, ..*request };
        self.commit(&mut ready, &split, &carried, hidden, request, &stored).await?;
        if stopped {
            return Err(Failure::interrupted("when it had run to its end; its variables are kept", &[]));
        }
        Ok(())
    }

    /// What of a cell is compiled: what it defines word for word as before is left out. Where all of it is as
    /// before, its crate is there already and is used as it is.
    fn to_compile(&self, whole: &Split, origin: &Origin, level: Option<u8>) -> Split {
        let rest = self.state.without_unchanged(whole, &origin.text, level.unwrap_or(0));
        if rest.parts.len() == whole.parts.len() {
            return rest;
        }
        let carried = self.state.carried(whole);
        let plan = Plan::new(&self.state, whole);
        let again = |opt| generate(&self.surroundings(), whole, &carried, origin, &plan, How::Run { opt }).krate();
        // Where it is ours to choose, it may be there at either level.
        let again = match level {
            Some(level) => vec![again(level)],
            None => vec![again(0), again(level::HIGHEST)],
        };
        let is_there = |part: &ItemPart| {
            part.kind.name().and_then(|name| self.state.items.get(name)).is_none_or(|held| again.contains(&held.krate))
        };
        if whole.items().all(is_there) { whole.clone() } else { rest }
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

    /// Compiles a cell, correcting how its variables are handled until it compiles.
    async fn prepare(
        &mut self,
        split: &Split,
        carried: &[Held],
        origin: &Origin,
        level: Option<u8>,
    ) -> Result<Ready, Failure> {
        let mut plan = Plan::new(&self.state, split);
        let choice = level::choose(&self.state, split);
        let mut opt = level.unwrap_or(choice.level);
        let mut unstored = BTreeMap::new();
        let mut names = None;
        for _ in 0..ROUNDS {
            let mut cell = generate(&self.surroundings(), split, carried, origin, &plan, How::Run { opt });
            cell.is_light = choice.is_light;
            if !plan.put.is_empty() && names.is_none() {
                let probe = generate(&self.surroundings(), split, carried, origin, &plan, How::Name);
                names = Some(Naming::ask(&self.compiler, probe, &cell));
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
                    let around = plan.around_body();
                    if !correct(&mut self.state, &mut plan, &mut unstored, &found, &cell, origin.cell) {
                        let hints = hints(&self.state, &found, &unstored);
                        return Err(diagnostics::render(&found, &cell, &hints).into());
                    }
                    // A name that is not found keeps the compiler from looking at types.
                    if plan.around_body() != around {
                        names = None;
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

    /// Has the host run a cell, and passes interrupts on; whether there was one. None of them costs anything until
    /// the person was told what it would.
    async fn call(&mut self, order: &ToHost, request: &Request<'_>) -> Result<(End, bool), Failure> {
        let names: Vec<String> = self.state.variables.keys().cloned().collect();
        let host = self.ensure_host().await?;
        let handle = host.handle();
        let mut asked: Option<Instant> = None;
        let mut told = false;
        let mut running = std::pin::pin!(host.run(order, request.output, request.allow_stdin));
        loop {
            let patience = asked.map(|asked| asked + PATIENCE);
            tokio::select! {
                end = &mut running => break Ok((end, asked.is_some())),
                () = request.stop.asked() => {
                    if told || request.stop.is_last() {
                        handle.kill();
                    } else {
                        asked.get_or_insert_with(Instant::now);
                        handle.interrupt();
                    }
                }
                () = tokio::time::sleep_until(patience.unwrap_or_else(Instant::now)), if patience.is_some() && !told => {
                    told = true;
                    let costs = match lost(&names) {
                        Some(names) => names.replacen("variables lost", "and these variables with it", 1),
                        None => "and no variables with it".to_owned(),
                    };
                    say(request.output, &format!("what runs has not come to a point at which it can stop; it goes on, and may still. To interrupt it once more ends its process, {costs}"));
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

    fn failed(&mut self, ended: Ended, stored: &BTreeMap<String, String>, origin: &Origin) -> Failure {
        let names = self.state.keep(stored, origin.cell, "it was moved when the cell failed");
        Failure::ended(ended, origin, &lost(&names))
    }

    /// Takes in what a cell that ended well has changed.
    async fn commit(
        &mut self,
        ready: &mut Ready,
        split: &Split,
        carried: &[Held],
        hidden: Vec<String>,
        request: &Request<'_>,
        stored: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let origin = Origin { cell: request.cell, text: request.text.into() };
        let cell = origin.cell;
        let types = match ready.names.take() {
            Some(names) => names.types(&ready.cell.krate()).await?,
            None => BTreeMap::new(),
        };
        let state = &mut self.state;
        let plan = std::mem::take(&mut ready.plan);
        for name in plan.lent.union(&plan.taken).filter(|name| !plan.back.contains(*name)) {
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
        let bound = |name: &String| split.bindings.iter().any(|binding| binding.name == *name);
        let mut forget: Vec<String> =
            hidden.into_iter().filter(|name| !bound(name) && state.variables.remove(name).is_some()).collect();
        // A cell stores all that is new, at its end, or nothing.
        let returned_early = plan.put.iter().any(|name| !stored.contains_key(name));
        for binding in split.bindings.iter().filter(|binding| plan.put.contains(&binding.name)) {
            let name = binding.name.clone();
            let Some(in_host) = stored.get(&name) else {
                let how = "the cell returned before its end".to_owned();
                state.variables.remove(&name);
                state.gone.insert(name, Gone::Lost { cell, how });
                continue;
            };
            if let Some(old) = state.variables.get_mut(&name).filter(|old| old.in_host == *in_host) {
                // The type has not changed, or this still is the old value.
                if !returned_early {
                    (old.mutable, old.cell) = (binding.mutable, cell);
                }
                continue;
            }
            match types.get(&name).filter(|ty| types::is_nameable(ty)) {
                Some(ty) => {
                    state.gone.remove(&name);
                    let variable =
                        Variable { ty: ty.clone(), mutable: binding.mutable, cell, in_host: in_host.clone() };
                    state.variables.insert(name, variable);
                }
                None => {
                    let why = match types.get(&name) {
                        Some(ty) if types::is_inside_cell(ty) => Gone::Inside { cell },
                        ty => Gone::Unnameable { cell, ty: ty.map(|ty| types::for_people(ty)).unwrap_or_default() },
                    };
                    say(request.output, &why.explain(&name));
                    state.variables.remove(&name);
                    state.gone.insert(name.clone(), why);
                    forget.push(name);
                }
            }
        }
        state.keep(stored, cell, "the cell returned before its end");
        for sentence in state.define(split, carried, &ready.cell.krate(), &origin, request.level.unwrap_or(0), &plan) {
            say(request.output, &sentence);
        }
        let stale = state.drop_stale(cell);
        if let Some(lost) = lost(&stale) {
            say(request.output, &format!("{lost}: their types are defined anew; run the cells that make them again"));
        }
        forget.extend(stale);
        self.ensure_host().await?.forget(forget).await;
        Ok(())
    }

    /// Forgets everything.
    pub(crate) async fn restart(&mut self) {
        self.state = State::default();
        self.executed = Executions::default();
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
