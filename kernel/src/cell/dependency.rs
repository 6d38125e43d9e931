//! `:dep`: adds a crate to what cells can name.

use super::engine::Engine;
use super::failure::Failure;
use crate::environment::{Extension, Progress};
use crate::language::{Event, Output, Stream};

impl Engine {
    /// Builds the crate that `line` names (`regex = "1"`) beside the environment, or finds it built. What is
    /// loaded stays as it is, whatever happens.
    pub(crate) async fn add_dependency(&mut self, line: &str, output: &Output) -> Result<(), Failure> {
        let environment = self.compiler.environment.clone();
        let earlier = self.compiler.extensions.clone();
        let (dependency, shown) = (line.to_owned(), output.clone());
        let added = tokio::task::spawn_blocking(move || {
            let mut last = String::new();
            let mut report = |progress: &Progress| {
                let what = progress.what.chars().take(60).collect::<String>();
                let line = format!("{}/{} {what}", progress.done, progress.total);
                if progress.total > 0 && line != last {
                    shown.send(Event::Stream(Stream::Stderr, format!("\r{line}\u{1b}[K")));
                    last = line;
                }
            };
            let added = Extension::add(&environment, &earlier, &dependency, &mut report);
            if !last.is_empty() {
                shown.send(Event::Stream(Stream::Stderr, "\r\u{1b}[K".to_owned()));
            }
            added
        });
        let added = added.await.map_err(|error| Failure::new("InternalError", &error.to_string()))?;
        let extension = added.map_err(|error| Failure::new("DependencyError", &error.to_string()))?;
        let known = self.compiler.extensions.iter().any(|other| other.named() == extension.named());
        if !known {
            self.compiler.extensions.push(extension);
        }
        Ok(())
    }
}
