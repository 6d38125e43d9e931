//! `:dep`: adds a crate to what cells can name. And how a build, which waits for cargo, can be stopped.

use std::path::Path;

use super::compiler::rustc::Compiler;
use super::failure::Failure;
use super::stop::Stop;
use crate::environment::{Addition, Cancel, EnvironmentError, Progress};
use crate::language::{Event, Output, Stream};

/// Builds the crate that `line` names (`regex = "1"`) beside the environment, or finds it built. What is
/// loaded stays as it is, whatever happens.
pub(crate) async fn add(
    compiler: &mut Compiler,
    line: &str,
    folder: &Path,
    output: &Output,
    stop: &Stop,
) -> Result<(), Failure> {
    let environment = compiler.environment.clone();
    let earlier = compiler.extensions.clone();
    let (dependency, folder, shown) = (line.to_owned(), folder.to_owned(), output.clone());
    let built = stoppable(stop, move |cancel| {
        let mut line = StatusLine::new(&shown, format!("`:dep {dependency}`"));
        let addition = Addition { environment: &environment, earlier: &earlier, line: &dependency, folder: &folder };
        addition.add(&mut |progress| line.show(progress), cancel)
    });
    match built.await? {
        Ok(added) => {
            compiler.extensions.extend(added);
            Ok(())
        }
        Err(EnvironmentError::Cancelled) => {
            Err(Failure::interrupted(&format!("while `:dep {line}` was built; nothing was changed"), &[]))
        }
        Err(error) => Err(Failure::new("DependencyError", &error.to_string())),
    }
}

/// Runs `build` on a thread of its own; the interrupt button ends it, cargo and its compilers included.
///
/// # Errors
/// When it panics.
pub(crate) async fn stoppable<T: Send + 'static>(
    stop: &Stop,
    build: impl FnOnce(&Cancel) -> T + Send + 'static,
) -> Result<T, Failure> {
    let cancel = Cancel::default();
    let inside = cancel.clone();
    let mut built = tokio::task::spawn_blocking(move || build(&inside));
    loop {
        tokio::select! {
            built = &mut built => return built.map_err(|error| Failure::new("InternalError", &error.to_string())),
            () = stop.asked() => cancel.cancel(),
        }
    }
}

/// One line under the cell that is redrawn, and gone when the build is over.
pub(crate) struct StatusLine {
    output: Output,
    title: String,
    shown: String,
}

impl StatusLine {
    pub(crate) fn new(output: &Output, title: String) -> Self {
        Self { output: output.clone(), title, shown: String::new() }
    }

    pub(crate) fn show(&mut self, progress: &Progress) {
        let line = format!("{}: {progress}", self.title);
        if line != self.shown {
            self.output.send(Event::Stream(Stream::Stderr, format!("\r{line}\u{1b}[K")));
            self.shown = line;
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            self.output.send(Event::Stream(Stream::Stderr, "\r\u{1b}[K".to_owned()));
        }
    }
}
