//! The echo language: a cell's lines are directives, or text that becomes the cell's result.

use std::sync::Arc;
use std::time::Duration;

use kernel::language::{
    Completeness, Completions, Event, Execute, Language, LanguageInfo, MimeBundle, Outcome, Output, Stream,
};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, oneshot};

/// The language; `interrupted` wakes a cell that sleeps.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    interrupted: Arc<Notify>,
}

/// What a line did to the cell.
enum Step {
    Next,
    Text,
    Page(String),
    Failed { ename: String, evalue: String },
}

impl Language for Echo {
    fn info(&self) -> LanguageInfo {
        LanguageInfo {
            implementation: "echo".to_owned(),
            implementation_version: "1.0.0".to_owned(),
            name: "echo".to_owned(),
            version: "1.0.0".to_owned(),
            mimetype: "text/plain".to_owned(),
            file_extension: ".txt".to_owned(),
            pygments_lexer: "text".to_owned(),
            codemirror_mode: "null".to_owned(),
            banner: "echo".to_owned(),
            help_links: vec![("Echo".to_owned(), "https://example.invalid/".to_owned())],
        }
    }

    async fn execute(&self, request: Execute, output: Output) -> Outcome {
        let mut payload = Vec::new();
        let mut echoed = Vec::new();
        for line in request.code.lines() {
            match self.run(line, &output).await {
                Step::Next => {}
                Step::Text => echoed.push(line),
                Step::Page(text) => {
                    payload.push(json!({ "source": "page", "data": { "text/plain": text }, "start": 0 }));
                }
                Step::Failed { ename, evalue } => {
                    let traceback = vec![format!("{ename}: {evalue}")];
                    return Outcome::Error { ename, evalue, traceback };
                }
            }
        }
        if !echoed.is_empty() {
            let data = bundle("text/plain", json!(echoed.join("\n")));
            output.send(Event::Result { data, metadata: Map::new() });
        }
        let user_expressions = request
            .user_expressions
            .into_iter()
            .map(|(name, code)| (name, json!({ "status": "ok", "data": { "text/plain": code }, "metadata": {} })))
            .collect();
        Outcome::Ok { payload, user_expressions }
    }

    /// Completes the word before the cursor to itself with `_alpha` and `_beta`.
    async fn complete(&self, code: &str, cursor: usize) -> Completions {
        let before: Vec<char> = code.chars().take(cursor).collect();
        let start = before.iter().rposition(|c| !c.is_alphanumeric()).map_or(0, |at| at + 1);
        let word: String = before[start..].iter().collect();
        Completions {
            matches: vec![format!("{word}_alpha"), format!("{word}_beta")],
            cursor_start: start,
            cursor_end: cursor,
            metadata: Map::new(),
        }
    }

    async fn inspect(&self, code: &str, cursor: usize, detail: u8) -> Option<MimeBundle> {
        let known = !code.trim().is_empty();
        known.then(|| bundle("text/plain", json!(format!("{code} at {cursor}, detail {detail}"))))
    }

    fn is_complete(&self, code: &str) -> Completeness {
        match code.trim_end().chars().last() {
            Some('{') => Completeness::Incomplete { indent: "    ".to_owned() },
            Some('!') => Completeness::Invalid,
            _ => Completeness::Complete,
        }
    }

    fn interrupt(&self) {
        self.interrupted.notify_waiters();
    }

    async fn shutdown(&self, _restart: bool) {
        self.interrupted.notify_waiters();
    }
}

impl Echo {
    async fn run(&self, line: &str, output: &Output) -> Step {
        let (directive, rest) = line.split_once(' ').unwrap_or((line, ""));
        match directive {
            ":stdout" => output.send(Event::Stream(Stream::Stdout, format!("{rest}\n"))),
            ":stderr" => output.send(Event::Stream(Stream::Stderr, format!("{rest}\n"))),
            ":print" => output.send(Event::Stream(Stream::Stdout, rest.to_owned())),
            ":megabytes" => {
                for _ in 0..rest.parse().unwrap_or(0_u32) {
                    output.ready().await;
                    output.send(Event::Stream(Stream::Stdout, " ".repeat((1 << 20) - 1) + "\n"));
                }
            }
            ":lines" => {
                for number in 0..rest.parse().unwrap_or(0_u32) {
                    output.send(Event::Stream(Stream::Stdout, format!("line {number:>40}\n")));
                }
            }
            ":late" => late(rest.to_owned(), output.clone()),
            ":display" => {
                let (mime, text) = rest.split_once(' ').unwrap_or(("text/plain", rest));
                show(output, bundle(mime, json!(text)), None, false);
            }
            ":show" | ":update" => {
                let (id, text) = rest.split_once(' ').unwrap_or((rest, ""));
                show(output, bundle("text/plain", json!(text)), Some(id), directive == ":update");
            }
            ":clear" => output.send(Event::ClearOutput { wait: rest == "wait" }),
            ":page" => return Step::Page(rest.to_owned()),
            ":error" => {
                let (ename, evalue) = rest.split_once(' ').unwrap_or((rest, ""));
                return Step::Failed { ename: ename.to_owned(), evalue: evalue.to_owned() };
            }
            ":panic" => panic!("asked to"),
            ":wait" => tokio::time::sleep(Duration::from_millis(rest.parse().unwrap_or(0))).await,
            ":sleep" => {
                self.interrupted.notified().await;
                return interrupted();
            }
            ":input" | ":password" => {
                return self.ask(rest, directive == ":password", output).await;
            }
            ":env" => output.send(Event::Stream(Stream::Stdout, std::env::var(rest).unwrap_or_default())),
            ":pwd" => {
                let folder = std::env::current_dir().unwrap_or_default();
                output.send(Event::Stream(Stream::Stdout, folder.display().to_string()));
            }
            ":exit" => std::process::exit(3),
            _ => return Step::Text,
        }
        Step::Next
    }

    async fn ask(&self, prompt: &str, password: bool, output: &Output) -> Step {
        let (reply, answer) = oneshot::channel();
        output.send(Event::Input { prompt: prompt.to_owned(), password, reply });
        let interrupt = self.interrupted.notified();
        tokio::select! {
            () = interrupt => interrupted(),
            answer = answer => match answer {
                Ok(answer) => {
                    output.send(Event::Stream(Stream::Stdout, format!("got {answer}\n")));
                    Step::Next
                }
                Err(_) => Step::Failed { ename: "NoInput".to_owned(), evalue: "nobody answers".to_owned() },
            },
        }
    }
}

fn interrupted() -> Step {
    Step::Failed { ename: "Interrupted".to_owned(), evalue: "the cell was interrupted".to_owned() }
}

/// Prints after the cell has ended.
fn late(rest: String, output: Output) {
    let (delay, text) = rest.split_once(' ').unwrap_or(("0", &rest));
    let (delay, text) = (Duration::from_millis(delay.parse().unwrap_or(0)), format!("{text}\n"));
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        output.send(Event::Stream(Stream::Stdout, text));
    });
}

fn show(output: &Output, data: MimeBundle, id: Option<&str>, update: bool) {
    let display_id = id.map(str::to_owned);
    output.send(Event::Display { data, metadata: Map::new(), display_id, update });
}

fn bundle(mime: &str, value: Value) -> MimeBundle {
    Map::from_iter([(mime.to_owned(), value)])
}
