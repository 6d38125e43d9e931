//! A notebook file: nbformat 4, read and written so that what was not touched stays as it was.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A notebook in memory; fields that we do not know are kept, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    root: Map<String, Value>,
    cells: Vec<Value>,
}

/// Why a file is no notebook for us, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a notebook: {source}")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{path} is not a notebook: {reason}")]
    Shape { path: PathBuf, reason: String },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

impl Document {
    /// Reads a notebook file.
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        let text = std::fs::read(path).map_err(|source| DocumentError::Read { path: path.to_owned(), source })?;
        let root: Value =
            serde_json::from_slice(&text).map_err(|source| DocumentError::Json { path: path.to_owned(), source })?;
        Self::from_value(root).map_err(|reason| DocumentError::Shape { path: path.to_owned(), reason })
    }

    /// A notebook from its JSON; the error says what is wrong with it.
    pub fn from_value(root: Value) -> Result<Self, String> {
        let Value::Object(mut root) = root else {
            return Err("it is not an object".to_owned());
        };
        match root.get("nbformat").and_then(Value::as_u64) {
            Some(4) => {}
            Some(other) => return Err(format!("nbformat {other} is not supported, only 4 is")),
            None => return Err("it has no nbformat".to_owned()),
        }
        // The cells are taken out for easy access; an empty list keeps their place among the fields.
        let Some(Value::Array(cells)) = root.get_mut("cells") else {
            return Err("it has no cells".to_owned());
        };
        let cells = std::mem::take(cells);
        if let Some(at) = cells.iter().position(|cell| !cell.is_object()) {
            return Err(format!("cell {} is not an object", at + 1));
        }
        Ok(Self { root, cells })
    }

    /// The file's text as Jupyter writes it: one space of indentation and a newline at the end.
    pub fn to_text(&self) -> String {
        let mut root = self.root.clone();
        root.insert("cells".to_owned(), Value::Array(self.cells.clone()));
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b" "));
        // Values have string keys and go into memory: neither can fail.
        let _ = root.serialize(&mut serializer);
        String::from_utf8(text).unwrap_or_default() + "\n"
    }

    /// Writes the file whole or not at all, and makes its folder.
    pub fn write(&self, path: &Path) -> Result<(), DocumentError> {
        let failed = |source| DocumentError::Write { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::Builder::new()
            .prefix(".assay-")
            // As an ordinary new file: the umask decides.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(failed)?;
        file.write_all(self.to_text().as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    pub fn cells(&self) -> &[Value] {
        &self.cells
    }

    pub(crate) fn cells_mut(&mut self) -> &mut Vec<Value> {
        &mut self.cells
    }

    /// The notebook's own metadata.
    pub(crate) fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        object_at(&mut self.root, "metadata")
    }

    /// The source of a cell, whether it is stored as one text or as lines.
    pub fn source(&self, cell: usize) -> String {
        self.cells.get(cell).and_then(|cell| cell.get("source")).map(joined).unwrap_or_default()
    }

    pub fn is_code(&self, cell: usize) -> bool {
        self.cells.get(cell).is_some_and(|cell| cell["cell_type"] == "code")
    }

    pub fn has_tag(&self, cell: usize, tag: &str) -> bool {
        let tags = self.cells.get(cell).and_then(|cell| cell["metadata"]["tags"].as_array());
        tags.is_some_and(|tags| tags.iter().any(|known| known == tag))
    }

    /// A code cell of ours, in the order of fields that Jupyter writes.
    pub(crate) fn new_code_cell(&self, source: &str, tags: &[&str]) -> Value {
        let mut cell = Map::new();
        cell.insert("cell_type".to_owned(), json!("code"));
        cell.insert("execution_count".to_owned(), Value::Null);
        // Cells have ids since 4.5, and must not have them before.
        if self.root.get("nbformat_minor").and_then(Value::as_u64).unwrap_or(0) >= 5 {
            cell.insert("id".to_owned(), json!(Uuid::new_v4().simple().to_string()[..8]));
        }
        cell.insert("metadata".to_owned(), json!({ "tags": tags }));
        cell.insert("outputs".to_owned(), json!([]));
        cell.insert("source".to_owned(), lines(source));
        Value::Object(cell)
    }

    /// Removes what an earlier execution left in all code cells.
    pub(crate) fn clear_outputs(&mut self) {
        for cell in self.cells.iter_mut().filter(|cell| cell["cell_type"] == "code") {
            cell["execution_count"] = Value::Null;
            cell["outputs"] = json!([]);
        }
    }
}

/// Text in nbformat's form: a list of lines that keep their ends.
pub(crate) fn lines(text: &str) -> Value {
    text.split_inclusive('\n').collect()
}

/// Text in either of nbformat's forms.
pub(crate) fn joined(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

fn object_at<'a>(parent: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let value = parent.entry(field).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("made an object just above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "{\n \"cells\": [\n  {\n   \"cell_type\": \"code\",\n   \"execution_count\": 3,\n   \"id\": \"a1\",\n   \"metadata\": {},\n   \"outputs\": [],\n   \"source\": [\n    \"let x = \\\"é\\\";\\n\",\n    \"x\"\n   ],\n   \"zzz_unknown\": 1.5\n  }\n ],\n \"metadata\": {\n  \"mine\": null\n },\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n";

    #[test]
    fn a_notebook_survives_byte_for_byte() {
        let document = Document::from_value(serde_json::from_str(SAMPLE).unwrap()).unwrap();
        assert_eq!(document.to_text(), SAMPLE);
        assert_eq!(document.source(0), "let x = \"é\";\nx");
    }

    #[test]
    fn writing_replaces_the_file_whole_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("a.ipynb");
        let document = Document::from_value(serde_json::from_str(SAMPLE).unwrap()).unwrap();
        for _ in 0..2 {
            document.write(&path).unwrap();
        }
        assert_eq!(Document::read(&path).unwrap(), document);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_notebook_is_refused_in_words() {
        for (value, expected) in [
            (json!([]), "not an object"),
            (json!({}), "no nbformat"),
            (json!({ "nbformat": 3, "cells": [] }), "nbformat 3"),
            (json!({ "nbformat": 4 }), "no cells"),
            (json!({ "nbformat": 4, "cells": [{}, 1] }), "cell 2"),
        ] {
            let error = Document::from_value(value).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
