//! Comms: this kernel has no targets, and says so to whoever opens one.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::language::Language;
use crate::protocol::kernel::{Kernel, Refusal, Request};

/// `comm_info_request`.
pub(crate) async fn info<L: Language>(_: Arc<Kernel<L>>, _: Request) -> Result<Value, Refusal> {
    Ok(json!({ "status": "ok", "comms": {} }))
}

/// `comm_open`, `comm_msg` and `comm_close`, which have no replies.
pub(crate) fn handle<L: Language>(kernel: &Kernel<L>, request: &Request) {
    let _busy = kernel.busy(request);
    let content = &request.message.content;
    if request.msg_type() == "comm_open" {
        let target = content.get("target_name").and_then(Value::as_str).unwrap_or_default();
        tracing::debug!(target, "closed a comm for a target that is not known");
        if let Some(id) = content.get("comm_id").and_then(Value::as_str) {
            kernel.iopub.publish("comm_close", request.parent(), json!({ "comm_id": id, "data": {} }));
        }
    }
}
