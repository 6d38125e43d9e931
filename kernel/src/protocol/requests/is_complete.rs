//! `is_complete_request`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::language::{Completeness, Language};
use crate::protocol::kernel::{Kernel, Refusal, Request};

#[derive(Deserialize)]
struct Content {
    code: String,
}

pub(crate) async fn answer<L: Language>(kernel: Arc<Kernel<L>>, request: Request) -> Result<Value, Refusal> {
    let Content { code } = request.content()?;
    Ok(match kernel.language.is_complete(&code) {
        Completeness::Complete => json!({ "status": "complete" }),
        Completeness::Incomplete { indent } => json!({ "status": "incomplete", "indent": indent }),
        Completeness::Invalid => json!({ "status": "invalid" }),
    })
}
