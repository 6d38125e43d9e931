//! Displays that user code prints, as crates written for evcxr do:
//!
//! ```text
//! EVCXR_BEGIN_CONTENT text/html
//! <b>hi</b>
//! EVCXR_END_CONTENT
//! ```

use serde_json::Map;

use crate::language::{Event, Output, Stream};

const BEGIN: &str = "EVCXR_BEGIN_CONTENT";
const END: &str = "EVCXR_END_CONTENT";

/// Finds displays in what is printed; everything else passes at once, but for the start of a line that may
/// become a marker.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// The start of a line, or a display that is not complete.
    held: String,
    /// Whether what was handed on last did not end its line.
    inside_line: bool,
}

impl Content {
    /// Hands on `text`, and what was held before it.
    pub(crate) fn pass(&mut self, stream: Stream, text: &str, output: &Output) {
        self.held.push_str(text);
        let mut plain = String::new();
        while !self.held.is_empty() {
            let at_start = !self.inside_line;
            if at_start && self.held.starts_with(BEGIN) {
                let Some((mime, body, rest)) = display(&self.held) else { break };
                send(stream, &mut plain, output);
                let mut data = Map::new();
                data.insert(mime.to_owned(), body.into());
                output.send(Event::Display { data, metadata: Map::new(), display_id: None, update: false });
                self.held = rest.to_owned();
                continue;
            }
            if at_start && BEGIN.starts_with(self.held.as_str()) {
                break;
            }
            let end = self.held.find('\n').map_or(self.held.len(), |newline| newline + 1);
            plain.extend(self.held.drain(..end));
            self.inside_line = !plain.ends_with('\n');
        }
        send(stream, &mut plain, output);
    }
}

fn send(stream: Stream, plain: &mut String, output: &Output) {
    if !plain.is_empty() {
        output.send(Event::Stream(stream, std::mem::take(plain)));
    }
}

/// The first display of `text`: MIME type, body, and what follows; `None` while it is not complete.
fn display(text: &str) -> Option<(&str, &str, &str)> {
    let (head, rest) = text.strip_prefix(BEGIN)?.split_once('\n')?;
    let end = rest.find(END)?;
    let after = rest[end + END.len()..].strip_prefix("\r\n").or_else(|| rest[end + END.len()..].strip_prefix('\n'))?;
    Some((head.trim(), rest[..end].trim_end_matches(['\r', '\n']), after))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::Content;
    use crate::language::{Event, Output, Stream};

    #[test]
    fn displays_are_taken_out_however_the_text_is_cut() {
        let text = "a\nEVCXR_BEGIN_CONTENT text/html\n<b>\nEVCXR_END_CONTENT\nEVX EVCXR_BEGIN_CONTENT b";
        for size in [1, 3, 7, text.len()] {
            let seen = Arc::new(Mutex::new(String::new()));
            let into = Arc::clone(&seen);
            let output = Output::new(move |event| {
                let part = match event {
                    Event::Stream(_, text) => text,
                    Event::Display { data, .. } => format!("[{}]", data["text/html"]),
                    other => format!("{other:?}"),
                };
                into.lock().expect("no panic").push_str(&part);
            });
            let mut content = Content::default();
            for piece in text.as_bytes().chunks(size) {
                content.pass(Stream::Stdout, std::str::from_utf8(piece).expect("ASCII"), &output);
            }
            assert_eq!(*seen.lock().expect("no panic"), "a\n[\"<b>\"]EVX EVCXR_BEGIN_CONTENT b", "{size}");
        }
    }
}
