//! One output in several formats; the front end picks the richest it can draw.

use serde_json::{Map, Value};

/// The same output as plain text, HTML, SVG or Markdown, keyed by MIME type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MimeBundle {
    data: Map<String, Value>,
}

impl MimeBundle {
    /// An output with nothing in it, which shows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the form for terminals and text exports. Every bundle should have one.
    pub fn with_text(self, text: impl Into<String>) -> Self {
        self.with("text/plain", text.into())
    }

    /// Adds a fragment of HTML.
    pub fn with_html(self, html: impl Into<String>) -> Self {
        self.with("text/html", html.into())
    }

    /// Adds an SVG document.
    pub fn with_svg(self, svg: impl Into<String>) -> Self {
        self.with("image/svg+xml", svg.into())
    }

    /// Adds text in Markdown.
    pub fn with_markdown(self, markdown: impl Into<String>) -> Self {
        self.with("text/markdown", markdown.into())
    }

    /// Adds any other textual format under its MIME type.
    pub fn with(mut self, mime: &str, content: String) -> Self {
        self.data.insert(mime.to_owned(), Value::String(content));
        self
    }

    /// The plain text, if there is one.
    pub fn plain(&self) -> Option<&str> {
        self.data.get("text/plain").and_then(Value::as_str)
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The bundle as Jupyter's wire format has it.
    pub fn into_map(self) -> Map<String, Value> {
        self.data
    }
}
