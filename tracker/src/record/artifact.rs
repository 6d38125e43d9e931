//! An artifact on its way to the database.

use sha2::{Digest, Sha256};
use std::path::Path;

use crate::capture::now_ms;

/// What is attached to a run, with its bytes.
pub(crate) struct NewArtifact {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) mime: String,
    pub(crate) step: Option<i64>,
    pub(crate) time_ms: i64,
    pub(crate) hash: String,
    pub(crate) bytes: Vec<u8>,
}

impl NewArtifact {
    pub(super) fn now(name: &str, kind: &str, mime: &str, step: Option<i64>, bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            mime: mime.to_owned(),
            step,
            time_ms: now_ms(),
            // Computed by the thread that stores.
            hash: String::new(),
            bytes,
        }
    }

    pub(super) fn hashed(mut self) -> Self {
        self.hash = sha256(&self.bytes);
        self
    }
}

/// In lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// The media type that an extension stands for.
pub(super) fn mime_of(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "html" => "text/html",
        "txt" | "log" | "md" | "rs" | "toml" => "text/plain; charset=utf-8",
        "csv" => "text/csv",
        "json" => "application/json",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}
