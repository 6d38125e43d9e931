//! One notebook: its committed state, the engine that runs its cells, and what the front end asks of both.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::assist;
use crate::cell::compiler::cache;
use crate::cell::compiler::level;
use crate::cell::dependency::{self, StatusLine, stoppable};
use crate::cell::engine::Engine;
use crate::cell::failure::Failure;
use crate::cell::notebook::state::State;
use crate::cell::request::Request;
use crate::cell::stop::Stop;
use crate::command::{self, Command};
use crate::environment::{self, Environment, EnvironmentError};
use crate::guard;
use crate::language::{
    Completeness, Completions, Event, Execute, Language, LanguageInfo, MimeBundle, Outcome, Output, Stream,
};

/// What completion may read while a cell runs: the state after the last cell that succeeded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) state: State,
    pub(crate) compiler: Option<crate::cell::compiler::rustc::Compiler>,
}

/// A Rust notebook session.
#[derive(Debug)]
pub struct Session {
    engine: Mutex<Option<Engine>>,
    known: RwLock<Arc<Known>>,
    stop: Stop,
    /// Set by `:opt`; `level::AUTO` until then.
    opt: AtomicU8,
    /// Whether it was said why a GPU does not compute.
    told: AtomicBool,
    program: PathBuf,
    folder: PathBuf,
}

impl Session {
    /// A session whose cells run in `folder`, in processes of `program` (the `assay` binary).
    pub fn new(program: PathBuf, folder: PathBuf) -> Self {
        guard::start(&program);
        Self {
            engine: Mutex::new(None),
            known: RwLock::default(),
            stop: Stop::default(),
            opt: AtomicU8::new(level::AUTO),
            told: AtomicBool::new(false),
            program,
            folder,
        }
    }

    /// Looks for the environment and starts the cell host, so that the first cell need not wait for either.
    /// Without an environment nothing happens: the first cell builds it and says so.
    pub async fn warm_up(&self) {
        let mut engine = self.engine.lock().await;
        if engine.is_some() {
            return;
        }
        if let Ok(Ok(environment)) = tokio::task::spawn_blocking(Environment::find).await {
            let engine = engine.insert(self.new_engine(environment));
            if let Err(error) = engine.ensure_host().await {
                tracing::warn!(%error, "the cell host did not start");
            }
            self.publish(engine);
            for folder in [engine.compiler.environment.cells(), engine.compiler.environment.items()] {
                tokio::task::spawn_blocking(move || cache::sweep(&folder));
            }
        }
    }

    fn new_engine(&self, environment: Environment) -> Engine {
        Engine::new(Arc::new(environment), self.program.clone(), self.folder.clone())
    }

    pub(crate) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, engine: &Engine) {
        let known = Known { state: engine.state.clone(), compiler: Some(engine.compiler.clone()) };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    async fn run(&self, request: &Execute, output: &Output) -> Result<Vec<Value>, Failure> {
        let (commands, code) = command::split(&request.code)?;
        let source = request.store_history.then_some(request.code.as_str());
        let mut slot = self.engine.lock().await;
        let mut payload = Vec::new();
        // A cell adds all of its crates or none.
        let before = slot.as_ref().map_or(0, |engine| engine.compiler.extensions.len());
        for command in commands {
            match command {
                Command::Help => payload.push(json!({
                    "source": "page", "start": 0, "data": {"text/plain": command::HELP},
                })),
                Command::Opt(level) => self.opt.store(level, Ordering::Relaxed),
                Command::Restart => {
                    if let Some(engine) = slot.as_mut() {
                        engine.restart(output).await;
                        self.publish(engine);
                    }
                }
                Command::Code => {
                    let code = slot.as_ref().map_or("", |engine| &engine.code);
                    output.send(Event::Stream(Stream::Stdout, code.to_owned()));
                }
                Command::Vars => {
                    let state = slot.as_ref().map(|engine| &engine.state);
                    output.send(assist::variables::table(state));
                }
                Command::Dep(line) => {
                    let engine = self.engine(&mut slot, output).await?;
                    let added = dependency::add(&mut engine.compiler, &line, &self.folder, output, &self.stop).await;
                    if added.is_err() {
                        engine.compiler.extensions.truncate(before);
                    }
                    self.publish(engine);
                    added?;
                }
            }
        }
        if code.trim().is_empty() {
            // Before there is an engine, nothing was executed that a run could depend on.
            if let Some(engine) = slot.as_mut() {
                engine.executed.add_done(request.execution_count, source);
            }
        } else {
            let engine = self.engine(&mut slot, output).await?;
            let level = level::level(&code, self.opt.load(Ordering::Relaxed));
            let request = Request {
                cell: request.execution_count,
                text: &code,
                source,
                level,
                allow_stdin: request.allow_stdin,
                output,
                stop: &self.stop,
            };
            let ran = engine.run(&request).await;
            self.publish(engine);
            ran?;
        }
        Ok(payload)
    }

    /// The engine, with its environment built first where that is still to be done.
    async fn engine<'a>(&self, slot: &'a mut Option<Engine>, output: &Output) -> Result<&'a mut Engine, Failure> {
        if let Some(reason) = &environment::chosen().reason
            && !self.told.swap(true, Ordering::Relaxed)
        {
            output.send(Event::Stream(Stream::Stderr, format!("{reason}\n")));
        }
        let engine = match slot.take() {
            Some(engine) => engine,
            None => {
                let output = output.clone();
                let found = stoppable(&self.stop, move |cancel| match Environment::find() {
                    Err(EnvironmentError::NotBuilt { .. }) => {
                        let title = "building the environment, once per machine".to_owned();
                        let mut line = StatusLine::new(&output, title);
                        environment::build(&mut |progress| line.show(progress), cancel)
                    }
                    found => found,
                });
                match found.await? {
                    Ok(environment) => self.new_engine(environment),
                    Err(EnvironmentError::Cancelled) => {
                        let how = "while the environment was built; what is built already is kept";
                        return Err(Failure::interrupted(how, &[]));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(slot.insert(engine))
    }

    async fn expressions(&self, request: &Execute) -> Map<String, Value> {
        let mut results = Map::new();
        for (name, expression) in &request.user_expressions {
            let shown = Arc::new(std::sync::Mutex::new(None));
            let seen = Arc::clone(&shown);
            let output = Output::new(move |event| {
                if let Event::Result { data, .. } = event {
                    *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(data);
                }
            });
            let one = Execute { code: expression.clone(), allow_stdin: false, store_history: false, ..request.clone() };
            let result = match self.run(&one, &output).await {
                Ok(_) => {
                    let data = shown.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
                    json!({"status": "ok", "data": data, "metadata": {}})
                }
                Err(failure) => json!({
                    "status": "error", "ename": failure.name, "evalue": failure.message, "traceback": failure.traceback,
                }),
            };
            results.insert(name.clone(), result);
        }
        results
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        Self::new("EnvironmentError", &error.to_string())
    }
}

impl Language for Session {
    fn info(&self) -> LanguageInfo {
        LanguageInfo {
            implementation: "assay".to_owned(),
            implementation_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: "rust".to_owned(),
            version: environment::toolchain_name(),
            mimetype: "text/rust".to_owned(),
            file_extension: ".rs".to_owned(),
            pygments_lexer: "rust".to_owned(),
            codemirror_mode: "rust".to_owned(),
            banner: format!(
                "assay {}: Rust for deep learning. `use lab::prelude::*` is there from the start; :help says more.",
                env!("CARGO_PKG_VERSION")
            ),
            help_links: vec![
                ("The Rust Standard Library".to_owned(), "https://doc.rust-lang.org/std/".to_owned()),
                ("Polars".to_owned(), "https://docs.rs/polars".to_owned()),
                ("dfdx".to_owned(), "https://docs.rs/dfdx".to_owned()),
            ],
        }
    }

    async fn execute(&self, request: Execute, output: Output) -> Outcome {
        self.stop.begin().await;
        let ran = self.run(&request, &output).await;
        let outcome = match ran {
            Ok(payload) => Outcome::Ok { payload, user_expressions: self.expressions(&request).await },
            Err(failure) => failure.into(),
        };
        self.stop.end();
        outcome
    }

    async fn complete(&self, code: &str, cursor: usize) -> Completions {
        assist::complete::complete(&self.known(), code, cursor).await
    }

    async fn inspect(&self, code: &str, cursor: usize, _detail: u8) -> Option<MimeBundle> {
        assist::inspect::inspect(&self.known(), code, cursor)
    }

    fn is_complete(&self, code: &str) -> Completeness {
        assist::completeness::completeness(code)
    }

    fn interrupt(&self) {
        self.stop.press();
    }

    async fn shutdown(&self, _restart: bool) {
        // A cell that is running holds the engine; its process must go all the same.
        self.stop.press_for_good();
        let engine = tokio::time::timeout(std::time::Duration::from_secs(3), self.engine.lock()).await;
        if let Ok(mut engine) = engine
            && let Some(engine) = engine.as_mut()
        {
            // Nobody reads what destructors show now.
            engine.restart(&Output::new(|_| {})).await;
        }
    }
}
