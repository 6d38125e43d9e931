//! Message signatures: HMAC-SHA256 over header, parent header, metadata and content, never buffers.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use ring::hmac;

/// How many signatures are remembered, as in jupyter_client.
const HISTORY: usize = 1 << 16;

/// Signs and verifies with the connection file's key; an empty key turns signing off, as in Jupyter. Clones share
/// what was seen.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    key: Option<hmac::Key>,
    seen: Arc<Mutex<Seen>>,
}

/// The last signatures that were verified.
#[derive(Debug, Default)]
struct Seen {
    known: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Signer {
    pub(crate) fn new(key: &str) -> Self {
        let key = (!key.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()));
        Self { key, seen: Arc::default() }
    }

    /// The signature of `parts` in lower-case hexadecimal; empty without a key.
    pub(crate) fn sign(&self, parts: &[Bytes]) -> String {
        let Some(key) = &self.key else {
            return String::new();
        };
        let mut context = hmac::Context::with_key(key);
        for part in parts {
            context.update(part);
        }
        context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether `signature` is the one of `parts`, compared in constant time.
    pub(crate) fn verify(&self, parts: &[Bytes], signature: &[u8]) -> bool {
        let Some(key) = &self.key else { return true };
        let Some(signature) = from_hex(signature) else {
            return false;
        };
        hmac::verify(key, &parts.concat(), &signature).is_ok()
    }

    /// Whether a signature that was verified comes for the first time: who can read messages but not sign them must
    /// not have them executed again.
    pub(crate) fn is_first(&self, signature: &[u8]) -> bool {
        let bytes = from_hex(signature).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let (Some(_), Some(signature)) = (&self.key, bytes) else { return true };
        let mut seen = self.seen.lock();
        if !seen.known.insert(signature) {
            return false;
        }
        seen.order.push_back(signature);
        if seen.order.len() > HISTORY
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.known.remove(&oldest);
        }
        true
    }
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_and_a_changed_part_does_not() {
        let signer = Signer::new("secret");
        let parts = [Bytes::from_static(b"{}"), Bytes::from_static(b"[1]")];
        let signature = signer.sign(&parts);
        assert_eq!(signature.len(), 64);
        assert!(signer.verify(&parts, signature.as_bytes()));
        assert!(!signer.verify(&parts[..1], signature.as_bytes()));
        for wrong in ["", "zz", "0", &signature[..62], "é"] {
            assert!(!signer.verify(&parts, wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn an_empty_key_signs_nothing_and_accepts_everything() {
        let signer = Signer::new("");
        assert_eq!(signer.sign(&[]), "");
        assert!(signer.verify(&[], b"whatever"));
    }
}
