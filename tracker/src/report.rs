//! Runs as one HTML file that needs nothing else: no script, nothing from the network, everything that a run
//! contains escaped.

use std::fmt::Write;

use crate::html::{self, escape};
use crate::{Artifact, Chart, Error, Result, RunRecord, Store, chart, compare, format};

/// A larger picture or text is named and not shown.
const LARGEST: i64 = 4 << 20;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\
:root{color-scheme:light dark}h2{margin-top:2em}code,pre{font-size:0.9em}pre{overflow:auto;max-height:30em}\
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,32em),1fr));gap:1.5em}figure{margin:0}\
figcaption{font-weight:600}svg,img{max-width:100%;height:auto}.wide{overflow:auto}";

/// The page of some runs: their comparison, the curves of each metric one over another, the means of repeated runs,
/// what parameters make of the main metric, and what the runs attached. Curves are smoothed by a weight from 0 (as
/// they were logged) to below 1; see [`chart::smoothed`].
///
/// # Errors
/// [`Error::Smoothing`]; [`Error::Sql`] or [`Error::DamagedPoints`] when the file cannot be read.
pub fn page(store: &Store, runs: Vec<RunRecord>, smoothing: f64) -> Result<String> {
    let smoothing = chart::checked_weight(smoothing)?;
    let comparison = store.side_by_side(runs)?;
    let runs = &comparison.runs;
    let title = escape(&format::plain(&title(runs)));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src \
         'unsafe-inline'\"><style>{STYLE}</style></head><body><h1>{title}</h1><div class=\"wide\">"
    );
    page.push_str(&html::comparison(&comparison));
    page.push_str("</div>");
    metrics(&mut page, store, runs, smoothing)?;
    repeats(&mut page, store, runs, smoothing)?;
    parameters(&mut page, store, runs)?;
    for run in runs {
        about(&mut page, store, run)?;
    }
    page.push_str("</body></html>\n");
    Ok(page)
}

/// The names of the first runs.
fn title(runs: &[RunRecord]) -> String {
    const NAMED: usize = 4;
    let mut names: Vec<_> = runs.iter().take(NAMED).map(|run| format!("{} {}", run.name, run.uid)).collect();
    if runs.len() > NAMED {
        names.push(format!("and {} more", runs.len() - NAMED));
    }
    names.join(", ")
}

fn metrics(page: &mut String, store: &Store, runs: &[RunRecord], smoothing: f64) -> Result<()> {
    let how = if smoothing > 0.0 {
        format!("Smoothed by an exponential moving average of weight {smoothing}; faint behind, as it was logged.")
    } else {
        "As it was logged, not smoothed.".to_owned()
    };
    let _ = write!(page, "<h2>Metrics</h2><p>{how}</p><div class=\"charts\">");
    for key in compare::metric_keys(runs) {
        figure(page, &key, chart::curves(&key).smooth(smoothing).draw(store, runs))?;
    }
    page.push_str("</div>");
    Ok(())
}

/// Nothing where no run was repeated.
fn repeats(page: &mut String, store: &Store, runs: &[RunRecord], smoothing: f64) -> Result<()> {
    if !chart::has_repeats(runs) {
        return Ok(());
    }
    page.push_str(
        "<h2>Repeated runs</h2><p>Runs that differ only in a seed are one line: their mean, and the band that holds \
         the true mean with 95 % (Student's t).</p><div class=\"charts\">",
    );
    for key in compare::metric_keys(runs) {
        figure(page, &key, chart::bands(&key).smooth(smoothing).draw(store, runs))?;
    }
    page.push_str("</div>");
    Ok(())
}

/// Nothing where there are too few runs, or they do not differ in a parameter.
fn parameters(page: &mut String, store: &Store, runs: &[RunRecord]) -> Result<()> {
    let differing = chart::tried(runs);
    let (Some(metric), Some(first), true) = (chart::main_metric(runs), differing.first(), runs.len() > 2) else {
        return Ok(());
    };
    page.push_str("<h2>Parameters</h2><div class=\"wide\">");
    let all = chart::parallel(format!("metric.{metric}")).draw(store, runs);
    figure(page, &metric, all)?;
    page.push_str("</div><div class=\"charts\">");
    let one = chart::scatter(format!("param.{first}"), format!("metric.{metric}"));
    figure(page, &metric, one.draw(store, runs))?;
    page.push_str("</div>");
    Ok(())
}

/// A chart, or why there is none.
fn figure(page: &mut String, name: &str, picture: Result<chart::Picture>) -> Result<()> {
    match picture {
        Ok(picture) => {
            let _ = write!(page, "<figure>{}</figure>", picture.svg);
        }
        Err(error @ Error::NothingToDraw { .. }) => {
            let (name, why) = (escape(name), escape(&error.to_string()));
            let _ = write!(page, "<figure><figcaption>{name}</figcaption><p>{why}</p></figure>");
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn about(page: &mut String, store: &Store, run: &RunRecord) -> Result<()> {
    let _ = write!(page, "<h2>{} <code>{}</code></h2><p>", escape(&run.name), escape(&run.uid));
    let git = run.git.as_ref().map(|git| git.commit.clone());
    let tags: Vec<_> = run.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let lines = [
        ("status", Some(run.status.to_string())),
        ("error", run.error.clone()),
        ("started", Some(format::moment(run.started_ms))),
        ("duration", Some(format::duration(run.duration_ms))),
        ("note", run.note.clone()),
        ("group", run.group.clone()),
        ("tags", Some(tags.join(", ")).filter(|tags| !tags.is_empty())),
        ("commit", git),
        ("host", Some(run.host.clone())),
    ];
    for (label, text) in lines {
        if let Some(text) = text {
            let _ = write!(page, "{label}: {}<br>", escape(&text));
        }
    }
    let config = serde_json::to_string_pretty(&run.config).unwrap_or_default();
    let _ = write!(page, "</p><details><summary>configuration</summary><pre>{}</pre></details>", escape(&config));
    for artifact in newest(store.artifacts(run)?) {
        attached(page, store, run, &artifact)?;
    }
    Ok(())
}

/// The last one of each name, in the order of their names' first.
fn newest(artifacts: Vec<Artifact>) -> Vec<Artifact> {
    let mut kept: Vec<Artifact> = Vec::new();
    for artifact in artifacts {
        match kept.iter_mut().find(|other| other.name == artifact.name) {
            Some(older) => *older = artifact,
            None => kept.push(artifact),
        }
    }
    kept
}

fn attached(page: &mut String, store: &Store, run: &RunRecord, artifact: &Artifact) -> Result<()> {
    let shown = artifact.mime.starts_with("image/") || artifact.kind == "text";
    let name = escape(&artifact.name);
    if !shown || artifact.size > LARGEST {
        let (kind, size) = (escape(&artifact.kind), format::size(artifact.size));
        let _ = write!(page, "<p>{name} ({kind}, {size}): <code>{}</code></p>", escape(&artifact.hash));
        return Ok(());
    }
    let (_, bytes) = store.bytes(run, &artifact.name)?;
    if artifact.kind == "text" {
        let text = escape(&format::plain_lines(&String::from_utf8_lossy(&bytes)));
        let _ = write!(page, "<details><summary>{name}</summary><pre>{text}</pre></details>");
    } else {
        // As an image, an SVG can run no script.
        let (mime, data) = (escape(&artifact.mime), base64(&bytes));
        let _ = write!(
            page,
            "<figure><figcaption>{name}</figcaption><img alt=\"{name}\" src=\"data:{mime};base64,{data}\"></figure>"
        );
    }
    Ok(())
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * n) & 63];
            text.push(if n <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_as_the_rfc_has_it() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (text, expected) in cases {
            assert_eq!(super::base64(text.as_bytes()), expected);
        }
    }
}
