//! A chart as a reader of its XML sees it: what is written where, and which values its lines have by its own ticks.

use roxmltree::{Document, Node};

/// The places that a line goes through.
pub(crate) type Path = Vec<(f64, f64)>;

pub(crate) struct Svg {
    text: String,
}

/// How places in the picture become values again.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    log: bool,
    /// A place and a value (or its logarithm), twice.
    known: [(f64, f64); 2],
}

impl Scale {
    pub(crate) fn value(&self, place: f64) -> f64 {
        let [(a, from), (b, to)] = self.known;
        let value = from + (place - a) / (b - a) * (to - from);
        if self.log { 10f64.powf(value) } else { value }
    }
}

impl Svg {
    /// Panics unless it is well-formed XML, has no script, and all its numbers are numbers.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        for node in document.descendants().filter(Node::is_element) {
            let known = ["svg", "g", "title", "rect", "polyline", "polygon", "circle", "text"];
            assert!(known.contains(&node.tag_name().name()), "{} in {text}", node.tag_name().name());
            for attribute in node.attributes().filter(|attribute| attribute.name() != "aria-label") {
                assert!(!attribute.name().starts_with("on"), "{}", attribute.name());
                assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"), "{attribute:?}");
            }
        }
        Self { text }
    }

    fn document(&self) -> Document<'_> {
        Document::parse(&self.text).unwrap()
    }

    /// What is written, in the order of drawing.
    pub(crate) fn texts(&self) -> Vec<String> {
        let document = self.document();
        let texts = document.descendants().filter(|node| node.has_tag_name("text"));
        texts.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.texts().iter().any(|written| written.contains(text))
    }

    /// What is said where a pointer rests, for each thing that says something.
    pub(crate) fn titles(&self) -> Vec<String> {
        let document = self.document();
        let titles = document.descendants().filter(|node| node.has_tag_name("title"));
        titles.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    /// The labels of the axis upward with their places, or of the axis across.
    pub(crate) fn ticks(&self, upward: bool) -> Vec<(f64, String)> {
        let document = self.document();
        let texts = document.descendants().filter(|node| node.has_tag_name("text") && node.has_attribute("x"));
        let (anchor, place) = if upward { ("end", "y") } else { ("middle", "x") };
        let ticks = texts.filter(|node| node.attribute("text-anchor") == Some(anchor));
        let ticks = ticks.map(|node| (number(&node, place), node.text().unwrap_or_default().to_owned()));
        // The name of an axis stands in the middle, too.
        ticks.filter(|(_, label)| label.starts_with(|first: char| first.is_ascii_digit() || first == '-')).collect()
    }

    pub(crate) fn scale(&self, upward: bool, log: bool) -> Scale {
        let ticks = self.ticks(upward);
        let known = [ticks.first(), ticks.last()].map(|tick| {
            let (place, label) = tick.unwrap();
            let value: f64 = label.parse().unwrap();
            (*place, if log { value.log10() } else { value })
        });
        Scale { log, known }
    }

    /// The lines that a pointer can rest on, as places, in the order of drawing; together what says the same.
    pub(crate) fn lines(&self) -> Vec<(String, Vec<Path>)> {
        let document = self.document();
        let groups = document.descendants().filter(|node| node.children().any(|child| child.has_tag_name("title")));
        let mut lines: Vec<(String, Vec<Path>)> = Vec::new();
        for group in groups {
            let title = group.children().find(|child| child.has_tag_name("title")).unwrap();
            let title = title.text().unwrap_or_default();
            let found = group.children().filter(|child| child.has_tag_name("polyline")).map(|line| points(&line));
            match lines.iter_mut().find(|line| line.0 == title) {
                Some(line) => line.1.extend(found),
                None => lines.push((title.to_owned(), found.collect())),
            }
        }
        lines
    }

    /// The corners of each surface, such as a band.
    pub(crate) fn surfaces(&self) -> Vec<Path> {
        let document = self.document();
        document.descendants().filter(|node| node.has_tag_name("polygon")).map(|node| points(&node)).collect()
    }

    /// The centres of dots that say something, with what they say.
    pub(crate) fn dots(&self) -> Vec<(String, (f64, f64))> {
        let document = self.document();
        let mut dots = Vec::new();
        for circle in document.descendants().filter(|node| node.has_tag_name("circle")) {
            let mut around = circle.ancestors().flat_map(|group| group.children());
            if let Some(title) = around.find(|node| node.has_tag_name("title")) {
                let place = (number(&circle, "cx"), number(&circle, "cy"));
                dots.push((title.text().unwrap_or_default().to_owned(), place));
            }
        }
        dots
    }
}

fn number(node: &Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap().parse().unwrap()
}

fn points(node: &Node<'_, '_>) -> Path {
    let pairs = node.attribute("points").unwrap().split_whitespace().map(|pair| pair.split_once(',').unwrap());
    pairs.map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).collect()
}
