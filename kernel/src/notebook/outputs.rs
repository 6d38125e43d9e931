//! Applies what a kernel publishes to a cell's outputs, as nbformat and nbclient do.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::document::{Document, lines};
use crate::client::Event;

/// What has to be remembered between messages.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Where each display id was shown: cell and output.
    displays: HashMap<String, Vec<(usize, usize)>>,
    /// Cells that are cleared as soon as something new is shown.
    to_clear: Vec<usize>,
}

impl Outputs {
    /// Applies one message to the cell that it belongs to.
    pub fn apply(&mut self, document: &mut Document, cell: usize, event: &Event) {
        let content = &event.content;
        match event.msg_type.as_str() {
            "clear_output" if content["wait"] == true => self.to_clear.push(cell),
            "clear_output" => self.clear(document, cell),
            "update_display_data" => self.update(document, content),
            "stream" => {
                self.clear_if_due(document, cell);
                print(document, cell, content);
            }
            "error" => {
                let output = json!({
                    "ename": content["ename"],
                    "evalue": content["evalue"],
                    "output_type": "error",
                    "traceback": content["traceback"],
                });
                self.push(document, cell, output);
            }
            "execute_result" => {
                let output = json!({
                    "data": bundle(&content["data"]),
                    "execution_count": content["execution_count"],
                    "metadata": object(&content["metadata"]),
                    "output_type": "execute_result",
                });
                self.push(document, cell, output);
            }
            "display_data" => {
                // Showing an id again also changes where it was shown before.
                self.update(document, content);
                let output = json!({
                    "data": bundle(&content["data"]),
                    "metadata": object(&content["metadata"]),
                    "output_type": "display_data",
                });
                let at = self.push(document, cell, output);
                if let (Some(at), Some(id)) = (at, display_id(content)) {
                    self.displays.entry(id.to_owned()).or_default().push((cell, at));
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, document: &mut Document, cell: usize, output: Value) -> Option<usize> {
        self.clear_if_due(document, cell);
        let outputs = outputs(document, cell)?;
        outputs.push(output);
        Some(outputs.len() - 1)
    }

    fn update(&self, document: &mut Document, content: &Value) {
        let Some(shown) = display_id(content).and_then(|id| self.displays.get(id)) else {
            return;
        };
        for (cell, at) in shown {
            if let Some(output) = outputs(document, *cell).and_then(|outputs| outputs.get_mut(*at)) {
                output["data"] = bundle(&content["data"]);
                output["metadata"] = object(&content["metadata"]);
            }
        }
    }

    fn clear_if_due(&mut self, document: &mut Document, cell: usize) {
        if self.to_clear.contains(&cell) {
            self.clear(document, cell);
        }
    }

    fn clear(&mut self, document: &mut Document, cell: usize) {
        self.to_clear.retain(|waiting| *waiting != cell);
        if let Some(outputs) = outputs(document, cell) {
            outputs.clear();
        }
        for shown in self.displays.values_mut() {
            shown.retain(|(shown_in, _)| *shown_in != cell);
        }
    }
}

/// Turns the text that was collected into nbformat's lines; once, when the cell has ended, because a cell
/// may print for hours.
pub(crate) fn finish(document: &mut Document, cell: usize) {
    for output in outputs(document, cell).into_iter().flatten() {
        if let Some(text) = output.get_mut("text")
            && let Some(whole) = text.as_str()
        {
            *text = lines(whole);
        }
    }
}

fn print(document: &mut Document, cell: usize, content: &Value) {
    let (Some(outputs), Some(text)) = (outputs(document, cell), content["text"].as_str()) else {
        return;
    };
    if let Some(last) = outputs.last_mut()
        && last["output_type"] == "stream"
        && last["name"] == content["name"]
    {
        match &mut last["text"] {
            Value::String(whole) => whole.push_str(text),
            lines => *lines = Value::String(super::document::joined(lines) + text),
        }
        return;
    }
    outputs.push(json!({ "name": content["name"], "output_type": "stream", "text": text }));
}

fn outputs(document: &mut Document, cell: usize) -> Option<&mut Vec<Value>> {
    document.cells_mut().get_mut(cell)?.get_mut("outputs")?.as_array_mut()
}

fn display_id(content: &Value) -> Option<&str> {
    content["transient"]["display_id"].as_str()
}

/// Text is stored as lines; JSON stays JSON.
fn bundle(data: &Value) -> Value {
    let stored = |mime: &str, value: &Value| match value {
        Value::String(text) if mime != "application/json" && !mime.ends_with("+json") => lines(text),
        other => other.clone(),
    };
    let data = data.as_object().into_iter().flatten();
    Value::Object(data.map(|(mime, value)| (mime.clone(), stored(mime, value))).collect::<Map<_, _>>())
}

fn object(value: &Value) -> Value {
    if value.is_object() { value.clone() } else { json!({}) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(cells: usize) -> Document {
        let cell = json!({ "cell_type": "code", "metadata": {}, "outputs": [], "source": [] });
        Document::from_value(json!({ "cells": vec![cell; cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5 }))
            .unwrap()
    }

    /// Applies messages to the cells they name and returns all outputs.
    fn applied(cells: usize, messages: &[(usize, &str, Value)]) -> Vec<Value> {
        let mut document = document(cells);
        let mut outputs = Outputs::default();
        for (cell, msg_type, content) in messages {
            let event = Event { msg_type: (*msg_type).to_owned(), content: content.clone() };
            outputs.apply(&mut document, *cell, &event);
        }
        (0..cells).for_each(|cell| finish(&mut document, cell));
        document.cells().iter().map(|cell| cell["outputs"].clone()).collect()
    }

    fn text(text: &str) -> Value {
        json!({ "name": "stdout", "text": text })
    }

    fn shown(id: &str, text: &str) -> Value {
        json!({ "data": { "text/plain": text }, "metadata": {}, "transient": { "display_id": id } })
    }

    #[test]
    fn consecutive_text_of_one_stream_is_one_output() {
        let error = json!({ "name": "stderr", "text": "e" });
        let outputs = applied(
            1,
            &[(0, "stream", text("a\nb")), (0, "stream", text("c\n")), (0, "stream", error), (0, "stream", text("d"))],
        );
        assert_eq!(
            outputs[0],
            json!([
                { "name": "stdout", "output_type": "stream", "text": ["a\n", "bc\n"] },
                { "name": "stderr", "output_type": "stream", "text": ["e"] },
                { "name": "stdout", "output_type": "stream", "text": ["d"] },
            ])
        );
    }

    #[test]
    fn clearing_waits_for_the_next_output_when_asked_to() {
        let wait = json!({ "wait": true });
        let outputs = applied(1, &[(0, "stream", text("old")), (0, "clear_output", wait.clone())]);
        assert_eq!(outputs[0][0]["text"], json!(["old"]));
        let outputs = applied(1, &[(0, "stream", text("old")), (0, "clear_output", wait), (0, "stream", text("new"))]);
        assert_eq!(outputs[0][0]["text"], json!(["new"]));
        let outputs = applied(1, &[(0, "stream", text("old")), (0, "clear_output", json!({ "wait": false }))]);
        assert_eq!(outputs[0], json!([]));
    }

    #[test]
    fn an_update_reaches_every_cell_that_shows_the_id() {
        let outputs = applied(
            3,
            &[
                (0, "display_data", shown("a", "1")),
                (1, "display_data", shown("b", "1")),
                (2, "display_data", shown("a", "2")),
                (2, "update_display_data", shown("a", "3")),
                (2, "update_display_data", shown("nobody", "9")),
            ],
        );
        let texts: Vec<&Value> = outputs.iter().map(|outputs| &outputs[0]["data"]["text/plain"]).collect();
        assert_eq!(texts, [&json!(["3"]), &json!(["1"]), &json!(["3"])]);
        assert!(outputs[0][0].get("transient").is_none());
    }

    #[test]
    fn json_stays_json_and_text_becomes_lines() {
        let content =
            json!({ "data": { "application/json": "{}", "text/html": "a\nb" }, "metadata": {}, "execution_count": 4 });
        let outputs = applied(1, &[(0, "execute_result", content)]);
        assert_eq!(outputs[0][0]["data"], json!({ "application/json": "{}", "text/html": ["a\n", "b"] }));
        assert_eq!(outputs[0][0]["execution_count"], 4);
    }
}
