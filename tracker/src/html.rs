//! Runs and comparisons as HTML for a notebook's output. It names no text colour, so that it can be
//! read on light and dark pages; everything that a run contains is escaped.

use std::fmt::Write;

use serde_json::Value;

use crate::compare::{self, MetricRow};
use crate::{Comparison, Metric, RunRecord};
use crate::{data, format};

const TABLE: &str = "<table style=\"border-collapse:collapse;font-variant-numeric:tabular-nums\">";
const CELL: &str = "padding:0.25em 0.8em;border-bottom:1px solid rgba(128,128,128,0.3);text-align:";

/// A table of runs: what sets them apart and how they ended.
pub fn runs(runs: &[RunRecord]) -> String {
    if runs.is_empty() {
        return "<p>No runs.</p>".to_owned();
    }
    let params = compare::differing_params(runs);
    let metrics = Comparison::of(runs.to_vec()).metrics;
    let mut html = Table::begin();
    let fixed = ["run", "name", "status", "started", "duration"].map(str::to_owned);
    let arrows = metrics.iter().map(|row| format!("{} {}", row.metric, row.direction.arrow()));
    html.heading(fixed.into_iter().chain(params.iter().cloned()).chain(arrows));
    for (index, run) in runs.iter().enumerate() {
        html.row();
        html.left(&format!("<code>{}</code>", escape(&run.uid)));
        html.left(&escape(&run.name));
        html.left(&status(run));
        html.left(&escape(&format::moment(run.started_ms)));
        html.right(&escape(&format::duration(run.duration_ms)), false);
        for path in &params {
            html.right(&run.param(path).map(|value| escape(&format::value(value))).unwrap_or_default(), false);
        }
        for row in &metrics {
            html.right(&last_and_best(run.metric(&row.metric)), row.best_last.contains(&index));
        }
    }
    html.end()
}

/// A comparison: one column per run; the best value of a row in bold and marked.
pub fn comparison(comparison: &Comparison) -> String {
    let mut html = Table::begin();
    let titles = comparison.runs.iter().map(|run| format!("{} {}", run.name, run.uid));
    html.heading(std::iter::once(String::new()).chain(titles));
    html.row();
    html.left("status");
    comparison.runs.iter().for_each(|run| html.right(&status(run), false));
    html.row();
    html.left("duration");
    comparison.runs.iter().for_each(|run| html.right(&escape(&format::duration(run.duration_ms)), false));
    for param in comparison.differing() {
        values(&mut html, &param.path, &param.values, format::value);
    }
    for row in &comparison.metrics {
        metric(&mut html, row);
    }
    for part in comparison.environment.iter().filter(|row| row.differs) {
        values(&mut html, &format!("environment.{}", part.path), &part.values, format::environment);
    }
    let mut html = html.end();
    for data in data::differing(&comparison.runs) {
        let _ = write!(html, "<p>{}</p>", escape(&data));
    }
    let same = comparison.params.iter().filter(|row| !row.differs).count();
    if same > 0 && comparison.runs.len() > 1 {
        let noun = if same == 1 { "parameter is" } else { "parameters are" };
        let _ = write!(html, "<p><small>{same} {noun} the same in all.</small></p>");
    }
    html
}

/// A row of what each run has under a name, if it has it.
fn values(html: &mut Table, label: &str, values: &[Option<Value>], show: fn(&Value) -> String) {
    html.row();
    html.left(&escape(label));
    for value in values {
        html.right(&value.as_ref().map(|value| escape(&show(value))).unwrap_or_default(), false);
    }
}

fn metric(html: &mut Table, row: &MetricRow) {
    let mut line = |what: &str, values: &[Option<f64>], best: &[usize]| {
        html.row();
        html.left(&format!("{}{what} {}", escape(&row.metric), row.direction.arrow()));
        for (index, value) in values.iter().enumerate() {
            html.right(&value.map(format::number).unwrap_or_default(), best.contains(&index));
        }
    };
    line("", &row.last, &row.best_last);
    if row.best_is_not_last() {
        line(", best", &row.best, &row.best_best);
    }
}

fn status(run: &RunRecord) -> String {
    match &run.error {
        Some(error) => format!("<span title=\"{}\">{}</span>", escape(error), run.status),
        None => run.status.to_string(),
    }
}

/// The last value, and the best one in small when it was another.
fn last_and_best(metric: Option<&Metric>) -> String {
    let Some(metric) = metric else {
        return String::new();
    };
    let last = format::number(metric.last);
    match metric.best() {
        Some(best) if best.value != metric.last => {
            format!("{last} <small>(best {})</small>", format::number(best.value))
        }
        _ => last,
    }
}

struct Table(String);

impl Table {
    fn begin() -> Self {
        Self(TABLE.to_owned())
    }

    fn heading(&mut self, titles: impl Iterator<Item = String>) {
        self.0.push_str("<thead><tr>");
        for title in titles {
            let _ = write!(self.0, "<th style=\"{CELL}left\">{}</th>", escape(&title));
        }
        self.0.push_str("</tr></thead><tbody>");
    }

    fn row(&mut self) {
        if self.0.ends_with("</td>") {
            self.0.push_str("</tr>");
        }
        self.0.push_str("<tr>");
    }

    /// Takes HTML, as `right` does: its caller has escaped what is not.
    fn left(&mut self, html: &str) {
        let _ = write!(self.0, "<td style=\"{CELL}left\">{html}</td>");
    }

    fn right(&mut self, html: &str, best: bool) {
        let html = if best { format!("<b>★ {html}</b>") } else { html.to_owned() };
        let _ = write!(self.0, "<td style=\"{CELL}right\">{html}</td>");
    }

    fn end(mut self) -> String {
        self.0.push_str("</tr></tbody></table>");
        self.0
    }
}

/// Text that stays text on a page, also inside an attribute.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
