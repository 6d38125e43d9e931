//! What a cell led to, as a front end sees it, against what it should have.

use std::time::Duration;

use kernel::client::{ExecuteOptions, Kernel};
use serde_json::Value;

use crate::cases::Expected;

/// No cell of a test takes this long, however busy the machine: one that does hangs.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub(crate) struct Seen {
    stdout: String,
    stderr: String,
    result: Option<String>,
    displays: Vec<Value>,
    errors: Vec<(String, String, String)>,
    status: String,
}

pub(crate) async fn execute(kernel: &Kernel, code: &str) -> Seen {
    let options = ExecuteOptions { stop_on_error: false, ..ExecuteOptions::default() };
    let mut execution = kernel.client().execute(code, options).unwrap();
    let finished = tokio::time::timeout(PATIENCE, execution.finish()).await;
    let (events, reply) =
        finished.unwrap_or_else(|_| panic!("after {PATIENCE:?} the cell still runs:\n{code}")).unwrap();
    let mut seen = Seen { status: text(&reply, "/status"), ..Seen::default() };
    for event in events {
        let content = &event.content;
        match event.msg_type.as_str() {
            "stream" if text(content, "/name") == "stdout" => seen.stdout += &text(content, "/text"),
            "stream" => seen.stderr += &text(content, "/text"),
            "execute_result" => seen.result = Some(text(content, "/data/text~1plain")),
            "display_data" | "update_display_data" => seen.displays.push(content["data"].clone()),
            "error" => {
                let lines: Vec<String> = serde_json::from_value(content["traceback"].clone()).unwrap();
                let plain = without_colours(&lines.join("\n"));
                seen.errors.push((text(content, "/ename"), text(content, "/evalue"), plain));
            }
            _ => {}
        }
    }
    seen
}

impl Seen {
    /// The cell's value as text.
    pub(crate) fn result(&self) -> Option<&str> {
        self.result.as_deref()
    }

    /// Whether there was a note.
    pub(crate) fn notes(&self) -> bool {
        self.stderr.lines().any(|line| line.starts_with("note: "))
    }

    /// What it printed to stderr, notes included.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// What it printed.
    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    /// The message of its error.
    pub(crate) fn error(&self) -> Option<&str> {
        self.errors.first().map(|(_, message, _)| message.as_str())
    }

    /// Whether two runs of a cell printed, showed and said the same.
    pub(crate) fn leads_to_the_same_as(&self, other: &Self) -> bool {
        fn errors(seen: &Seen) -> impl Iterator<Item = (&String, &String)> {
            seen.errors.iter().map(|(name, message, _)| (name, message))
        }
        (&self.stdout, &self.result, &self.displays, &self.status)
            == (&other.stdout, &other.result, &other.displays, &other.status)
            && errors(self).eq(errors(other))
    }

    /// Checks every expectation; a cell that expects no error must have none.
    /// `[@1]` stands for the count of the case's first cell, which is the one after `start`.
    pub(crate) fn check(&self, expected: &[Expected], start: usize) -> Result<(), String> {
        let fails = expected.iter().any(|it| it.what == "error");
        match (fails, self.status.as_str(), self.errors.len()) {
            (false, "ok", 0) | (true, "error", 1) => {}
            (fails, status, errors) => {
                return Err(format!("expected an error: {fails}; status {status}, {errors} error messages"));
            }
        }
        let texts = self.errors.iter().flat_map(|(_, message, trace)| [message, trace]);
        let notes = self.stderr.lines().filter(|line| line.starts_with("note: "));
        if let Some(text) = texts.map(String::as_str).chain(notes).find(|text| shows_what_is_ours(text)) {
            return Err(format!("generated text is shown: {text}"));
        }
        for it in expected {
            let (wanted, what) = match it.what.strip_prefix("not-") {
                Some(what) => (false, what),
                None => (true, it.what.as_str()),
            };
            let text = counted(&it.text, start);
            if self.has(what, &text) != wanted {
                return Err(format!("expected {} {text:?}", it.what));
            }
        }
        Ok(())
    }

    fn has(&self, what: &str, wanted: &str) -> bool {
        let error = |part: fn(&(String, String, String)) -> &String| self.errors.first().map(part);
        match what {
            "result" => self.result.as_deref() == Some(wanted),
            "no-result" => self.result.is_none(),
            "result-has" => self.result.as_deref().is_some_and(|result| result.contains(wanted)),
            "stdout" => self.stdout == wanted,
            "stdout-has" => self.stdout.contains(wanted),
            "stderr" => self.stderr.contains(wanted),
            "display" => self.displays.iter().any(|data| data.to_string().contains(wanted)),
            "error" => error(|it| &it.0).is_some_and(|name| name == wanted),
            "message" => error(|it| &it.1).is_some_and(|message| message.contains(wanted)),
            "traceback" => error(|it| &it.2).is_some_and(|trace| trace.contains(wanted)),
            other => panic!("no such expectation: {other}"),
        }
    }
}

/// Whether a message holds something that no person wrote.
fn shows_what_is_ours(text: &str) -> bool {
    let generated = |at: usize| {
        let hash = &text[at + "cell_".len()..];
        hash.bytes().take_while(u8::is_ascii_hexdigit).count() == 16
    };
    ["lab::host", "assay_body", "assay_cell", "assay-type", "show_tail"].iter().any(|ours| text.contains(ours))
        || text.match_indices("cell_").any(|(at, _)| generated(at))
}

fn counted(text: &str, start: usize) -> String {
    (1..=9).fold(text.to_owned(), |text, cell| text.replace(&format!("[@{cell}]"), &format!("[{}]", start + cell)))
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}
