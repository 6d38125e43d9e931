//! A Jupyter message between its frames and its JSON. Values stay raw: which fields a message must have
//! is decided where it is handled, so a client that leaves one out is still understood.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::signature::Signer;

const DELIMITER: &[u8] = b"<IDS|MSG>";

/// The version of the protocol we speak, as in every header and in `kernel_info_reply`.
pub(crate) const PROTOCOL_VERSION: &str = "5.5";

/// A message's header, kept whole so that replies can echo fields that we do not know.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) msg_id: String,
    pub(crate) msg_type: String,
    pub(crate) raw: Arc<Value>,
}

/// One message on any channel.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Routing identities, or the topic on IOPub.
    pub(crate) identities: Vec<Bytes>,
    pub(crate) header: Header,
    pub(crate) parent: Arc<Value>,
    pub(crate) metadata: Value,
    pub(crate) content: Value,
    pub(crate) buffers: Vec<Bytes>,
}

/// Why a multipart message is not a Jupyter message of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("no <IDS|MSG> delimiter in {frames} frames")]
    Delimiter { frames: usize },
    #[error("{frames} frames after the delimiter; a signature and four parts are needed")]
    Truncated { frames: usize },
    #[error("the signature does not match")]
    Signature,
    #[error("the same signature came before")]
    Duplicate,
    #[error("the {part} is not JSON: {source}")]
    Json { part: &'static str, source: serde_json::Error },
    #[error("the {part} is not an object")]
    NotAnObject { part: &'static str },
    #[error("the header has no {field}")]
    Header { field: &'static str },
}

impl Header {
    /// A fresh header of ours.
    pub(crate) fn new(msg_type: &str, session: &str) -> Self {
        let msg_id = Uuid::new_v4().to_string();
        let raw = Arc::new(json!({
            "msg_id": msg_id,
            "session": session,
            "username": "assay",
            "date": Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
            "msg_type": msg_type,
            "version": PROTOCOL_VERSION,
        }));
        Self { msg_id, msg_type: msg_type.to_owned(), raw }
    }

    fn parse(raw: Value) -> Result<Self, Malformed> {
        let text = |field: &'static str| {
            raw.get(field).and_then(Value::as_str).map(str::to_owned).ok_or(Malformed::Header { field })
        };
        Ok(Self { msg_id: text("msg_id")?, msg_type: text("msg_type")?, raw: Arc::new(raw) })
    }
}

impl Message {
    /// A message without a parent or buffers.
    pub(crate) fn new(msg_type: &str, session: &str, content: Value) -> Self {
        Self {
            identities: Vec::new(),
            header: Header::new(msg_type, session),
            parent: Arc::new(Value::Object(Map::new())),
            metadata: Value::Object(Map::new()),
            content,
            buffers: Vec::new(),
        }
    }

    /// Reads and verifies one multipart message.
    pub(crate) fn decode(mut frames: Vec<Bytes>, signer: &Signer) -> Result<Self, Malformed> {
        let delimiter = frames
            .iter()
            .position(|frame| frame.as_ref() == DELIMITER)
            .ok_or(Malformed::Delimiter { frames: frames.len() })?;
        let rest = frames.split_off(delimiter);
        let [_, signature, parts @ ..] = rest.as_slice() else {
            return Err(Malformed::Truncated { frames: rest.len() - 1 });
        };
        let [header, parent, metadata, content, buffers @ ..] = parts else {
            return Err(Malformed::Truncated { frames: rest.len() - 1 });
        };
        if !signer.verify(&parts[..4], signature) {
            return Err(Malformed::Signature);
        }
        if !signer.is_first(signature) {
            return Err(Malformed::Duplicate);
        }
        Ok(Self {
            identities: frames,
            header: Header::parse(object("header", header)?)?,
            // A client that has no parent may send anything here, `null` and an empty frame included.
            parent: Arc::new(object("parent header", parent).unwrap_or_else(|_| json!({}))),
            metadata: object("metadata", metadata).unwrap_or_else(|_| json!({})),
            content: object("content", content)?,
            buffers: buffers.to_vec(),
        })
    }

    /// The signed frames of this message.
    pub(crate) fn encode(&self, signer: &Signer) -> Vec<Bytes> {
        let part = |value: &Value| Bytes::from(value.to_string());
        let parts = [part(&self.header.raw), part(&self.parent), part(&self.metadata), part(&self.content)];
        let mut frames = self.identities.clone();
        frames.push(Bytes::from_static(DELIMITER));
        frames.push(Bytes::from(signer.sign(&parts)));
        frames.extend(parts);
        frames.extend(self.buffers.iter().cloned());
        frames
    }
}

fn object(part: &'static str, bytes: &[u8]) -> Result<Value, Malformed> {
    let value: Value = serde_json::from_slice(bytes).map_err(|source| Malformed::Json { part, source })?;
    if value.is_object() { Ok(value) } else { Err(Malformed::NotAnObject { part }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(signer: &Signer) -> Vec<Bytes> {
        let mut message = Message::new("kernel_info_request", "s", json!({}));
        message.identities = vec![Bytes::from_static(b"id")];
        message.buffers = vec![Bytes::from_static(b"\xff\x00")];
        message.encode(signer)
    }

    #[test]
    fn a_message_with_buffers_survives_the_round_trip() {
        let signer = Signer::new("k");
        let message = Message::decode(sample(&signer), &signer).unwrap();
        assert_eq!(message.header.msg_type, "kernel_info_request");
        assert_eq!(message.identities, [Bytes::from_static(b"id")]);
        assert_eq!(message.buffers, [Bytes::from_static(b"\xff\x00")]);
    }

    #[test]
    fn every_truncation_is_refused_without_a_panic() {
        let signer = Signer::new("k");
        let whole = sample(&signer);
        for kept in 0..7 {
            assert!(Message::decode(whole[..kept].to_vec(), &signer).is_err(), "{kept} frames");
        }
    }

    #[test]
    fn fields_of_the_header_that_we_do_not_know_are_kept() {
        let signer = Signer::new("");
        let mut frames = sample(&signer);
        frames[3] = Bytes::from_static(br#"{"msg_id":"a","msg_type":"b","subshell_id":"c"}"#);
        let message = Message::decode(frames, &signer).unwrap();
        assert_eq!(message.header.raw["subshell_id"], "c");
    }

    #[test]
    fn deep_nesting_and_bad_text_are_refused() {
        let signer = Signer::new("");
        for content in [vec![b'['; 100_000], b"\xff\xfe".to_vec(), b"3".to_vec(), Vec::new()] {
            let mut frames = sample(&signer);
            frames[6] = Bytes::from(content);
            assert!(Message::decode(frames, &signer).is_err());
        }
    }
}
