//! `interrupt_request`: stops the running cell, also one that waits for input.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::language::Language;
use crate::protocol::kernel::{Kernel, Refusal, Request};

pub(crate) async fn answer<L: Language>(kernel: Arc<Kernel<L>>, _: Request) -> Result<Value, Refusal> {
    kernel.language.interrupt();
    kernel.stdin.cancel();
    Ok(json!({ "status": "ok" }))
}
