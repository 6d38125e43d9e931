//! `debug_request`: there is no debugger; the answer has the form that a debugging front end reads.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::language::Language;
use crate::protocol::kernel::{Kernel, Refusal, Request};

pub(crate) async fn answer<L: Language>(_: Arc<Kernel<L>>, request: Request) -> Result<Value, Refusal> {
    let asked = &request.message.content;
    Ok(json!({
        "status": "error",
        "ename": "NoDebugger",
        "evalue": "this kernel has no debugger",
        "traceback": [],
        "type": "response",
        "seq": 0,
        "request_seq": asked.get("seq").cloned().unwrap_or(json!(0)),
        "command": asked.get("command").cloned().unwrap_or(json!("")),
        "success": false,
        "message": "this kernel has no debugger",
    }))
}
