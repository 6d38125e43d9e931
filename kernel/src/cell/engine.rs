//! Runs cells one after another: plan, compile, run, commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use wire::{Ended, ToHost};

use super::commit::Ran;
use super::compiler::diagnostics;
use super::compiler::level;
use super::compiler::naming::Naming;
use super::compiler::rustc::{Compiled, Compiler};
use super::compiler::swap::{Mode, Optimising, Tier};
use super::correct::correct;
use super::explain::explain;
use super::failure::{Failure, lost};
use super::generated::flags::HIGHEST;
use super::generated::krate::{Generated, How};
use super::generated::text::{Surroundings, generate};
use super::hints::hints;
use super::notebook::executions::Executions;
use super::notebook::follow::Follow;
use super::notebook::held::Origin;
use super::notebook::plan::Plan;
use super::notebook::state::{Gone, State};
use super::process::host::{End, Host, HostError};
use super::request::Request;
use super::settled::Settled;
use super::source::items::ItemPart;
use super::source::split::{Split, split};
use super::supervise;
use crate::environment::Environment;
use crate::language::Output;

/// How often a cell's plan may be corrected; each correction settles at least one variable.
const ROUNDS: usize = 64;

/// One notebook's cells.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) compiler: Compiler,
    pub(crate) state: State,
    host: Option<Host>,
    pub(crate) executed: Executions,
    /// The crate that the last cell became.
    pub(crate) code: String,
    /// What `host` has loaded, and its optimised code.
    tier: Tier,
    /// How the plans of earlier cells were corrected.
    settled: Settled,
    /// The optimiser at work for the last cell.
    optimising: Option<Optimising>,
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
    /// The notebook as it is to be when the cell has ended well.
    draft: State,
    /// New variables that are not stored, and why.
    unstored: BTreeMap<String, Gone>,
    names: Option<Naming>,
    /// Whether it was compiled without optimisation and no one asked for that.
    quick: bool,
}

impl Engine {
    pub(crate) fn new(environment: Arc<Environment>, program: PathBuf, folder: PathBuf) -> Self {
        let compiler = Compiler { environment, extensions: Vec::new() };
        let (tier, optimising) = (Tier::new(Mode::of_environment()), None);
        let (state, executed) = (State::default(), Executions::default());
        let (settled, code) = (Settled::default(), String::new());
        Self { compiler, state, host: None, executed, code, tier, settled, optimising, program, folder }
    }

    /// Starts the cell host if there is none.
    pub(crate) async fn ensure_host(&mut self) -> Result<&mut Host, HostError> {
        let host = match self.host.take() {
            Some(host) => host,
            None => {
                self.tier.forget_host().await;
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
        self.optimising = None;
        let whole = self.state.with_extensions(split);
        let (split, follow) = self.to_compile(whole.clone(), &origin, request.level);
        // A function or constant takes the place of a variable of its name, which would hide it.
        let hidden = whole.items().filter_map(|item| item.kind.name().map(str::to_owned)).collect();
        if split.parts.is_empty() {
            return self.define_nothing(hidden, request).await;
        }
        // What is compiled again does not become slower by it.
        let given = follow.carried.iter().map(|held| held.opt).fold(request.level.unwrap_or(0), u8::max);
        let level = request.level.or((given > 0).then_some(given)).map(|level| level.max(given));
        let mut ready = tokio::select! {
            ready = self.prepare(&split, &follow, &origin, level) => ready?,
            () = request.stop.asked() => return Err(Failure::interrupted("while it was compiled; nothing was run", &[])),
        };
        let handle = self.ensure_host().await?.handle();
        self.executed.add(request.cell, request.source);
        self.optimising = self.tier.optimise(&self.compiler, handle, &ready.cell, &ready.library, ready.quick).await;
        let names: Vec<String> = self.state.variables.keys().cloned().collect();
        let (executed, resolved) = (self.executed.untold(), self.compiler.resolved().to_owned());
        let order = |id| ToHost::Run {
            id,
            library: ready.library.display().to_string(),
            symbol: ready.cell.symbol(),
            execution_count: request.cell,
            executed,
            resolved,
            file: format!("{}.rs", ready.cell.file()),
            lines: ready.cell.lines(request.cell),
        };
        let host = self.ensure_host().await?;
        let (end, stopped) = supervise::call(host, order, &names, request).await;
        if let Some(optimising) = &self.optimising {
            optimising.cell_is_over();
        }
        let (ended, variables) = match end {
            End::Died { how, line } => return Err(self.died(&how, line, &origin, stopped)),
            End::Told { ended, variables } => (ended, variables),
        };
        let is_new = variables.iter().any(|variable| variable.stored.is_some());
        // The cell has run: what it moved is gone whether or not the types of what it made can be told.
        let (types, refused) = match ready.names.take().filter(|_| is_new) {
            Some(names) => match names.types(&ready.cell.hash).await {
                Ok(types) => (types, None),
                Err(error) => (BTreeMap::new(), Some(error)),
            },
            None => (BTreeMap::new(), None),
        };
        let built = ready.cell.built();
        let ran = Ran {
            split: &split,
            follow: &follow,
            plan: &ready.plan,
            unstored: &ready.unstored,
            types: &types,
            are_types_known: refused.is_none(),
            built: &built,
            origin: &origin,
            level: level.unwrap_or(0),
            variables: &variables,
        };
        let left = match line_of(&ended) {
            None => {
                follow.left.iter().for_each(|left| request.say(&left.explain()));
                follow.anew.iter().for_each(|sentence| request.say(sentence));
                let mut draft = std::mem::take(&mut ready.draft);
                let left = ran.commit(&mut draft, hidden);
                self.state = draft;
                left
            }
            Some(line) => ran.keep(&mut self.state, hidden, line),
        };
        let in_host = variables.into_iter().map(|variable| variable.name);
        let forget = in_host.filter(|name| !self.state.variables.contains_key(name)).collect();
        for note in self.forget(forget, request).await? {
            request.say(&note);
        }
        if !matches!(ended, Ended::Ok) {
            let notes: Vec<String> = lost(&left.lost).into_iter().chain(left.notes).collect();
            return Err(Failure::ended(ended, &origin, &notes));
        }
        if let Some(error) = refused {
            return Err(error.into());
        }
        left.notes.iter().for_each(|note| request.say(note));
        if stopped {
            return Err(Failure::interrupted("when it had run to its end; its variables are kept", &[]));
        }
        Ok(())
    }

    /// What of a cell is compiled: what it defines token for token as before is left out. Where all of it is as
    /// before, its crate is there already and is used as it is.
    fn to_compile(&self, whole: Split, origin: &Origin, level: Option<u8>) -> (Split, Follow) {
        let rest = self.state.without_unchanged(&whole, &origin.text, level.unwrap_or(0));
        if rest.parts.len() < whole.parts.len() {
            let at_first = self.state.follow_at_first(&whole, origin);
            for follow in [at_first, self.state.follow(&whole, origin)] {
                if self.is_compiled(&whole, &follow, origin, level) {
                    return (whole, follow);
                }
            }
        }
        let follow = self.state.follow(&rest, origin);
        (rest, follow)
    }

    /// Whether the crates that have a cell's items are what it would be compiled to.
    fn is_compiled(&self, whole: &Split, follow: &Follow, origin: &Origin, level: Option<u8>) -> bool {
        let plan = Plan::new(&self.state, whole);
        let among = self.surroundings(&self.state, level::choose(&self.state, whole).is_light);
        let again = |opt| {
            let generated = |plan: &Plan| generate(&among, whole, follow, origin, plan, How::Run { opt }).file();
            let first = generated(&plan);
            self.settled.of(&first, origin.cell).map_or(first, |(plan, ..)| generated(&plan))
        };
        // Where it is ours to choose, it may be there at either level.
        let again = match level {
            Some(level) => vec![again(level)],
            None => vec![again(0), again(HIGHEST)],
        };
        let is_there = |part: &ItemPart| {
            let krate = self.state.same(part).and_then(|held| self.state.crates.get(&held.krate));
            krate.is_some_and(|krate| again.contains(&krate.file))
        };
        whole.items().all(is_there)
    }

    /// All that the cell defines is there, and nothing else is in it.
    async fn define_nothing(&mut self, hidden: Vec<String>, request: &Request<'_>) -> Result<(), Failure> {
        self.executed.add(request.cell, request.source);
        let hidden: Vec<String> =
            hidden.into_iter().filter(|name| self.state.variables.remove(name).is_some()).collect();
        for note in self.forget(hidden, request).await? {
            request.say(&note);
        }
        Ok(())
    }

    /// Takes note of a host that ended after its last cell.
    fn bury_dead_host(&mut self, request: &Request<'_>) {
        if self.host.as_ref().is_some_and(|host| !host.is_alive()) {
            self.host = None;
            let how = "the process that runs cells ended between two cells";
            let names = self.lose_variables(request.cell, how);
            let lost = lost(&names).unwrap_or_else(|| "no variables were lost".to_owned());
            request.say(&format!("{how}; {lost}"));
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
        follow: &Follow,
        origin: &Origin,
        level: Option<u8>,
    ) -> Result<Ready, Failure> {
        // What the compiler refuses of earlier cells goes from the draft: this cell may still fail.
        let mut draft = self.state.clone();
        let mut plan = Plan::new(&draft, split);
        let choice = level::choose(&draft, split);
        let mut opt = level.unwrap_or(if self.tier.mode().is_forced() { 0 } else { choice.level });
        let mut unstored = BTreeMap::new();
        let (mut names, mut asked) = (None, None);
        let among = self.surroundings(&draft, choice.is_light);
        let first = generate(&among, split, follow, origin, &plan, How::Run { opt }).file();
        if let Some(known) = self.settled.of(&first, origin.cell) {
            (plan, unstored, asked) = known;
        }
        for _ in 0..ROUNDS {
            let among = self.surroundings(&draft, choice.is_light);
            let cell = generate(&among, split, follow, origin, &plan, How::Run { opt });
            self.code.clone_from(&cell.text);
            if !plan.put.is_empty() && names.is_none() {
                let probe = generate(&among, split, follow, origin, &plan, How::Name);
                names = Some(Naming::ask(&self.compiler, probe, asked.get_or_insert_with(|| cell.clone())));
            }
            let compiled = match level {
                None if opt > 0 => {
                    let quick = generate(&among, split, follow, origin, &plan, How::Run { opt: 0 });
                    match self.compiler.compile_soon(&cell, &quick).await? {
                        Some(compiled) => compiled,
                        None => {
                            (opt, names, asked) = (0, None, None);
                            continue;
                        }
                    }
                }
                _ => self.compiler.compile(&cell).await?,
            };
            match compiled {
                Compiled::Library(library) => {
                    let quick = level.is_none() && opt == 0;
                    if cell.file() != first && self.state.is_as(&draft) {
                        self.settled.note(first, &plan, &unstored, asked);
                    }
                    return Ok(Ready { library, cell, plan, draft, unstored, names, quick });
                }
                Compiled::Failed(found) => {
                    let around = plan.around_body();
                    if !correct(&mut draft, &mut plan, &mut unstored, &found, split, &cell, origin.cell) {
                        let hints = hints(&draft, &found, &unstored);
                        return Err(diagnostics::render(&found, &cell, &hints).into());
                    }
                    // A name that is not found keeps the compiler from looking at types.
                    if plan.around_body() != around {
                        (names, asked) = (None, None);
                    }
                }
            }
        }
        Err(Failure::new("CompileError", "the variables of this cell could not be settled"))
    }

    fn surroundings<'a>(&self, state: &'a State, is_light: bool) -> Surroundings<'a> {
        let extensions = self.compiler.extensions.iter().map(|extension| extension.library().0).collect();
        let (libraries, is_forced) = (self.compiler.libraries(), self.tier.mode().is_forced());
        Surroundings { state, extensions, libraries, is_light, is_forced }
    }

    /// Drops variables in the host; returns what there is to say of it.
    async fn forget(&mut self, names: Vec<String>, request: &Request<'_>) -> Result<Vec<String>, Failure> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(supervise::forget(self.ensure_host().await?, names, request).await)
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

    /// Forgets everything.
    pub(crate) async fn restart(&mut self, output: &Output) {
        self.state = State::default();
        self.executed = Executions::default();
        self.compiler.extensions.clear();
        self.optimising = None;
        if let Some(host) = self.host.take() {
            host.stop(output).await;
        }
    }
}

/// The line at which a cell failed; `None` where it ended well.
fn line_of(ended: &Ended) -> Option<u32> {
    match ended {
        Ended::Ok => None,
        Ended::Error { line, .. } | Ended::Panic { line, .. } | Ended::Interrupted { line } => Some(*line),
        Ended::NotLoaded { .. } => Some(0),
    }
}
