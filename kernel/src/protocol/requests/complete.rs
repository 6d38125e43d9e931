//! `complete_request`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cursor;
use crate::language::Language;
use crate::protocol::kernel::{Kernel, Refusal, Request};

#[derive(Deserialize)]
struct Content {
    code: String,
    #[serde(default)]
    cursor_pos: Option<i64>,
}

pub(crate) async fn answer<L: Language>(kernel: Arc<Kernel<L>>, request: Request) -> Result<Value, Refusal> {
    let Content { code, cursor_pos } = request.content()?;
    let found = kernel.language.complete(&code, cursor(&code, cursor_pos)).await;
    Ok(json!({
        "status": "ok",
        "matches": found.matches,
        "cursor_start": found.cursor_start,
        "cursor_end": found.cursor_end,
        "metadata": found.metadata,
    }))
}
