//! rustc's messages on the person's own text. rustc reports on the generated crate; every span is moved to
//! the cell it came from and drawn with the renderer that rustc itself uses.

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use serde::Deserialize;

use crate::cell::generated::krate::{Generated, Role, line_number};
use crate::cell::notebook::held::Origin;

/// One message, as `--error-format=json` gives it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Diagnostic {
    pub(crate) message: String,
    pub(crate) code: Option<Code>,
    pub(crate) level: String,
    pub(crate) spans: Vec<Span>,
    #[serde(default)]
    pub(crate) children: Vec<Diagnostic>,
}

/// For example `E0308`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Code {
    pub(crate) code: String,
}

/// A place that a message points at.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
    label: Option<String>,
    suggested_replacement: Option<String>,
    expansion: Option<Box<Expansion>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Expansion {
    span: Span,
}

/// A span on a person's text.
struct Mark<'a> {
    origin: &'a Origin,
    range: std::ops::Range<usize>,
    span: &'a Span,
}

/// The one error of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The code, or `CompileError`.
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) traceback: Vec<String>,
}

impl Diagnostic {
    /// Parses rustc's standard error; lines that are not messages are left out. What cells call `lab` has another name
    /// of its own where it computes on a GPU, and rustc writes that one.
    pub(crate) fn parse(stderr: &str) -> Vec<Self> {
        let stderr = stderr.replace("lab_gpu::", "lab::");
        stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub(crate) fn is_error(&self) -> bool {
        self.level.starts_with("error")
    }

    /// The lines "aborting due to .." and "for more information .." say nothing of a cell.
    pub(crate) fn is_summary(&self) -> bool {
        self.spans.is_empty() && self.code.is_none() && self.message.starts_with("aborting due to")
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_ref().map(|code| code.code.as_str())
    }

    /// What is said at the places that the message points at.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.spans.iter().filter_map(|span| span.label.as_deref())
    }

    /// The place in a person's text that this message is about.
    pub(crate) fn primary<'a>(&'a self, cell: &'a Generated) -> Option<(&'a Origin, usize)> {
        let mark = self.spans.iter().filter(|span| span.is_primary).find_map(|span| span.mark(cell))?;
        Some((mark.origin, mark.range.start))
    }

    /// Every place in a person's text that this message points at.
    pub(crate) fn places<'a>(&'a self, cell: &'a Generated) -> impl Iterator<Item = (&'a Origin, usize)> {
        self.spans.iter().filter_map(|span| span.mark(cell)).map(|mark| (mark.origin, mark.range.start))
    }

    /// The places of a borrow and of its last use, where the message says which that is; else all its places.
    pub(crate) fn tied<'a>(&'a self, cell: &'a Generated) -> Vec<(&'a Origin, usize)> {
        let mut places: Vec<_> = self.spans.iter().filter_map(|span| Some((span, span.mark(cell)?))).collect();
        let is_later = |span: &Span| span.label.as_ref().is_some_and(|label| label.contains("later"));
        if places.iter().any(|(span, _)| is_later(span)) {
            let first = places.iter().map(|(_, mark)| mark.range.start).min();
            places.retain(|(span, mark)| is_later(span) || Some(mark.range.start) == first);
        }
        places.into_iter().map(|(_, mark)| (mark.origin, mark.range.start)).collect()
    }

    /// The generated line that this message is about.
    pub(crate) fn primary_role<'a>(&'a self, cell: &'a Generated) -> Option<&'a Role> {
        let primary = self.spans.iter().filter(|span| span.is_primary);
        primary.filter_map(|span| span.within(cell)).find_map(|span| cell.role(span.byte_start))
    }

    /// Takes out what is said of a guarded closure of ours: what moves or borrows is what stands in it.
    fn without_cuts(&self, cell: &Generated) -> Self {
        if !cell.has_cuts() {
            return self.clone();
        }
        let is_cut =
            |span: &Span| span.within(cell).is_some_and(|at| matches!(cell.role(at.byte_start), Some(Role::Cut)));
        let (cuts, mut spans): (Vec<Span>, Vec<Span>) = self.spans.iter().cloned().partition(is_cut);
        for cut in cuts {
            let label = cut.label.unwrap_or_default();
            let moved = label.contains("moved into closure");
            let inside = |span: &&mut Span| {
                span.label.as_ref().is_some_and(|it| {
                    if moved { it.contains("moved due to use in closure") } else { it.contains("occurs due to use") }
                })
            };
            if let Some(span) = spans.iter_mut().find(inside) {
                span.is_primary |= cut.is_primary;
                span.label = Some(if moved { "value moved here".to_owned() } else { label });
            }
        }
        for label in spans.iter_mut().filter_map(|span| span.label.as_mut()) {
            *label = label.replace("later captured here by closure", "later used here");
        }
        Self { spans, ..self.clone() }
    }

    /// The generated lines that this message points at.
    pub(crate) fn roles<'a>(&'a self, cell: &'a Generated) -> impl Iterator<Item = &'a Role> {
        let own = self.spans.iter();
        own.chain(self.children.iter().flat_map(|child| &child.spans))
            .filter_map(|span| span.within(cell))
            .filter_map(|span| cell.role(span.byte_start))
    }
}

impl Span {
    /// The outermost place in the generated file: where the macro was called, for a span inside one.
    fn within(&self, cell: &Generated) -> Option<&Self> {
        let mut span = self;
        while !span.file_name.ends_with(&format!("{}.rs", cell.file())) {
            span = &span.expansion.as_ref()?.span;
        }
        Some(span)
    }

    fn mark<'a>(&'a self, cell: &'a Generated) -> Option<Mark<'a>> {
        let place = self.within(cell)?;
        let (origin, start) = cell.origin(place.byte_start)?;
        let end = cell.origin(place.byte_end).map_or(start, |(_, end)| end).max(start);
        Some(Mark { origin, range: start..end.min(origin.text.len()), span: self })
    }
}

/// Draws the errors among `diagnostics`; `hints` are added to the first.
pub(crate) fn render(diagnostics: &[Diagnostic], cell: &Generated, hints: &[String]) -> Rendered {
    let diagnostics: Vec<Diagnostic> = diagnostics.iter().map(|it| it.without_cuts(cell)).collect();
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|it| it.is_error() && !it.is_summary()).collect();
    // A line of ours may repeat what is wrong in a line of the person's.
    let said = |error: &Diagnostic| errors.iter().any(|it| it.message == error.message && it.primary(cell).is_some());
    let errors: Vec<&Diagnostic> =
        errors.iter().copied().filter(|error| error.primary(cell).is_some() || !said(error)).collect();
    let Some(first) = errors.first() else {
        return Rendered {
            name: "CompileError".to_owned(),
            message: "the compiler stopped without saying why".to_owned(),
            traceback: vec!["the compiler stopped without saying why".to_owned()],
        };
    };
    let name = first.code().unwrap_or("CompileError").to_owned();
    let message = match first.primary(cell) {
        Some((origin, byte)) => format!("{} ({})", clean(&first.message), place_of(origin, byte)),
        None => clean(&first.message),
    };
    let mut traceback = Vec::new();
    for (index, error) in errors.iter().enumerate() {
        let hints = if index == 0 { hints } else { &[] };
        traceback.extend(draw(error, cell, hints).lines().map(str::to_owned));
        traceback.push(String::new());
    }
    traceback.pop();
    Rendered { name, message, traceback }
}

fn place_of(origin: &Origin, byte: usize) -> String {
    format!("cell [{}], line {}", origin.cell, line_number(&origin.text, byte))
}

fn draw(diagnostic: &Diagnostic, cell: &Generated, hints: &[String]) -> String {
    let mut title = Level::ERROR.primary_title(clean(&diagnostic.message));
    if let Some(code) = diagnostic.code() {
        title = title.id(code.to_owned());
    }
    let mut main = Group::with_title(title).elements(snippets(&diagnostic.spans, cell));
    let mut groups = Vec::new();
    for child in diagnostic.children.iter().filter(|child| !is_about_files(&child.message)) {
        let level = level(&child.level);
        let message = clean(&child.message);
        let patched = child.spans.iter().any(|span| span.suggested_replacement.is_some());
        let marks: Vec<_> = child.spans.iter().filter_map(|span| span.mark(cell)).collect();
        if patched && marks.len() == child.spans.len() {
            groups.push(Group::with_title(level.secondary_title(message)).elements(patches(&marks)));
        } else if patched || marks.is_empty() {
            // A suggestion about generated lines helps no one; its sentence still may.
            main = main.element(level.message(message));
        } else {
            groups.push(Group::with_title(level.secondary_title(message)).elements(snippets(&child.spans, cell)));
        }
    }
    for hint in hints {
        main = main.element(Level::HELP.message(hint.clone()));
    }
    groups.insert(0, main);
    in_words(&Renderer::styled().render(&groups))
}

/// Where rustc put the long names of types, and how to call it: of no use in a notebook.
fn is_about_files(message: &str) -> bool {
    message.starts_with("the full ") && message.contains("written to") || message.contains("consider using `--verbose`")
}

fn level(name: &str) -> Level<'static> {
    match name {
        "help" => Level::HELP,
        "warning" => Level::WARNING,
        "error" => Level::ERROR,
        _ => Level::NOTE,
    }
}

/// One snippet per cell that the spans touch.
fn snippets<'a>(spans: &'a [Span], cell: &'a Generated) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let marks: Vec<Mark<'a>> = spans.iter().filter_map(|span| span.mark(cell)).collect();
    let mut cells: Vec<&Origin> = Vec::new();
    // The primary span's cell first: its line heads the message.
    for primary in [true, false] {
        for mark in marks.iter().filter(|mark| mark.span.is_primary == primary) {
            if !cells.iter().any(|origin| origin.cell == mark.origin.cell) {
                cells.push(mark.origin);
            }
        }
    }
    let of_cell = |origin: &'a Origin| {
        let annotations = marks.iter().filter(|mark| mark.origin.cell == origin.cell).map(|mark| {
            let kind = if mark.span.is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            kind.span(mark.range.clone()).label(mark.span.label.as_deref().map(clean))
        });
        Snippet::source(&*origin.text)
            .path(format!("cell [{}]", origin.cell))
            .annotations(annotations.collect::<Vec<_>>())
    };
    cells.into_iter().map(of_cell).collect()
}

fn patches<'a>(marks: &[Mark<'a>]) -> Option<Snippet<'a, Patch<'a>>> {
    let origin = marks.first()?.origin;
    let patches = marks
        .iter()
        .filter(|mark| mark.origin.cell == origin.cell)
        .map(|mark| Patch::new(mark.range.clone(), mark.span.suggested_replacement.clone().unwrap_or_default()));
    Some(Snippet::source(&*origin.text).path(format!("cell [{}]", origin.cell)).patches(patches.collect::<Vec<_>>()))
}

/// `cell [3]:2:14` becomes `cell [3], line 2, column 14`.
pub(crate) fn in_words(drawn: &str) -> String {
    let mut words = String::with_capacity(drawn.len());
    for line in drawn.split_inclusive('\n') {
        let place = line.split_once("cell [").and_then(|(before, rest)| {
            let (cell, rest) = rest.split_once("]:")?;
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
            let (row, column) = rest[..end].split_once(':')?;
            let arrow = before.contains("-->") || before.contains(":::");
            arrow.then(|| format!("{before}cell [{cell}], line {row}, column {column}{}", &rest[end..]))
        });
        match place {
            Some(place) => words.push_str(&place),
            None => words.push_str(line),
        }
    }
    words
}

/// Leaves out the names of generated crates, and the closure around a cell's body.
fn clean(message: &str) -> String {
    let message = message
        .replace("` inside of a closure", "` outside of a loop or a labelled block")
        .replace("in a closure that returns", "in a cell, which returns")
        .replace("assay_body::", "")
        .replace("{closure#0}::", "");
    let mut rest = message.as_str();
    let mut cleaned = String::with_capacity(message.len());
    while let Some(at) = rest.find("cell_") {
        let hash = rest[at + 5..].bytes().take_while(u8::is_ascii_hexdigit).count();
        let end = at + 5 + hash;
        if hash == 16 && rest[end..].starts_with("::") {
            cleaned.push_str(&rest[..at]);
            rest = &rest[end + 2..];
        } else if hash == 16 && rest[..at].ends_with('@') {
            // `{closure@cell_0123456789abcdef.rs:7:20: 7:27}`: where it is in the generated file.
            cleaned.push_str(&rest[..at - 1]);
            rest = rest[end..].find('}').map_or("", |close| &rest[end + close..]);
        } else {
            cleaned.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    cleaned + rest
}
