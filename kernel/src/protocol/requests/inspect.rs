//! `inspect_request`.

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
    #[serde(default)]
    detail_level: u8,
}

pub(crate) async fn answer<L: Language>(kernel: Arc<Kernel<L>>, request: Request) -> Result<Value, Refusal> {
    let Content { code, cursor_pos, detail_level } = request.content()?;
    let known = kernel.language.inspect(&code, cursor(&code, cursor_pos), detail_level).await;
    Ok(json!({
        "status": "ok",
        "found": known.is_some(),
        "data": known.unwrap_or_default(),
        "metadata": {},
    }))
}
