//! Stand-in for the cell host, until the engine's own takes its place: nothing is attached.

use serde_json::{Map, Value};

pub fn attached() -> bool {
    false
}

pub fn interrupted() -> bool {
    false
}

pub fn display(_data: Map<String, Value>, _display_id: Option<&str>, _update: bool) {}

pub fn result(_data: Map<String, Value>) {}

pub fn clear_output(_wait: bool) {}

pub fn input(_prompt: &str) -> std::io::Result<String> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "there is no one to ask",
    ))
}
