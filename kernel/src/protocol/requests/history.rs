//! `history_request`: every field but the kind may be missing, as real clients send it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::language::Language;
use crate::protocol::history::Entry;
use crate::protocol::kernel::{Kernel, Refusal, Request};

/// A kernel remembers no session but its own, which is the first.
const SESSION: i64 = 1;

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    output: bool,
    #[serde(default)]
    hist_access_type: Access,
    #[serde(default)]
    session: Option<i64>,
    #[serde(default)]
    start: Option<i64>,
    #[serde(default)]
    stop: Option<i64>,
    #[serde(default)]
    n: Option<i64>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    unique: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Access {
    Range,
    #[default]
    Tail,
    Search,
}

pub(crate) async fn answer<L: Language>(kernel: Arc<Kernel<L>>, request: Request) -> Result<Value, Refusal> {
    let content: Content = request.content()?;
    let n = content.n.map(|n| usize::try_from(n).unwrap_or(0));
    let history = kernel.history.lock();
    let entries = match content.hist_access_type {
        Access::Tail => history.tail(n),
        Access::Search => history.search(content.pattern.as_deref().unwrap_or("*"), content.unique.unwrap_or(false), n),
        Access::Range if matches!(content.session.unwrap_or(0), 0 | SESSION) => {
            let line = |line: i64| u32::try_from(line.max(0)).unwrap_or(u32::MAX);
            history.range(line(content.start.unwrap_or(0)), content.stop.map(line))
        }
        Access::Range => Vec::new(),
    };
    let rows: Vec<Value> = entries.iter().map(|entry| row(entry, content.output)).collect();
    Ok(json!({ "status": "ok", "history": rows }))
}

fn row(entry: &Entry, with_output: bool) -> Value {
    if with_output {
        json!([SESSION, entry.line, [entry.input, entry.output]])
    } else {
        json!([SESSION, entry.line, entry.input])
    }
}
