//! `shutdown_request`: ends the language first, then answers, then ends us. A restart is the same to us;
//! the front end starts the next process.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::language::Language;
use crate::protocol::kernel::{Kernel, Request};

/// A front end kills us after about five seconds.
const PATIENCE: Duration = Duration::from_secs(4);

pub(crate) async fn answer<L: Language>(kernel: Arc<Kernel<L>>, request: Request) {
    {
        let _busy = kernel.busy(&request);
        let restart = request.message.content.get("restart").and_then(Value::as_bool).unwrap_or(false);
        end_language(&kernel, restart).await;
        let content = json!({ "status": "ok", "restart": restart });
        kernel.reply(&request, content.clone());
        kernel.iopub.publish("shutdown_reply", request.parent(), content);
    }
    kernel.stop.send_replace(true);
}

/// Ends the language, within reason.
pub(crate) async fn end_language<L: Language>(kernel: &Arc<Kernel<L>>, restart: bool) {
    kernel.stdin.cancel();
    if tokio::time::timeout(PATIENCE, kernel.language.shutdown(restart)).await.is_err() {
        tracing::error!("the language did not end in time");
    }
}
