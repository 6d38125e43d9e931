//! `kernel_info_request`: who we are, at once.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::language::Language;
use crate::protocol::kernel::{Kernel, Refusal, Request};
use crate::protocol::transport::PROTOCOL_VERSION;

pub(crate) async fn answer<L: Language>(kernel: Arc<Kernel<L>>, _: Request) -> Result<Value, Refusal> {
    let info = kernel.language.info();
    let help_links: Vec<Value> =
        info.help_links.iter().map(|(text, url)| json!({ "text": text, "url": url })).collect();
    Ok(json!({
        "status": "ok",
        "protocol_version": PROTOCOL_VERSION,
        "implementation": info.implementation,
        "implementation_version": info.implementation_version,
        "language_info": {
            "name": info.name,
            "version": info.version,
            "mimetype": info.mimetype,
            "file_extension": info.file_extension,
            "pygments_lexer": info.pygments_lexer,
            "codemirror_mode": info.codemirror_mode,
            "nbconvert_exporter": "script",
        },
        "banner": info.banner,
        "help_links": help_links,
        "debugger": false,
        "supported_features": [],
    }))
}
