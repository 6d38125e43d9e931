//! Runs as one HTML file that needs nothing else: no script, nothing from the network, everything that a run
//! contains escaped.

use std::fmt::Write;

use crate::html::{self, escape};
use crate::{Artifact, Comparison, Result, RunRecord, Store, chart, compare, format};

/// A larger picture or text is named and not shown.
const LARGEST: i64 = 4 << 20;

/// How many pixels a curve is drawn with.
const PIXELS: usize = 600;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\
:root{color-scheme:light dark}h2{margin-top:2em}code,pre{font-size:0.9em}pre{overflow:auto;max-height:30em}\
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(28em,1fr));gap:1.5em}figure{margin:0}\
figcaption{font-weight:600}svg,img{max-width:100%;height:auto}i.key{display:inline-block;width:0.9em;height:0.9em;\
border-radius:2px;margin:0 0.4em 0 1em}.wide{overflow:auto}";

/// The page of some runs: their comparison, the curves of each metric one over another, and what they attached.
///
/// # Errors
/// [`crate::Error::Sql`] or [`crate::Error::DamagedPoints`] when the file cannot be read.
pub fn page(store: &Store, runs: Vec<RunRecord>) -> Result<String> {
    let comparison = Comparison::of(runs);
    let runs = &comparison.runs;
    let title: Vec<_> = runs.iter().map(|run| format!("{} {}", run.name, run.uid)).collect();
    let title = escape(&format::plain(&title.join(", ")));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src \
         'unsafe-inline'\"><style>{STYLE}</style></head><body><h1>{title}</h1><div class=\"wide\">"
    );
    page.push_str(&html::comparison(&comparison));
    page.push_str("</div>");
    curves(&mut page, store, runs)?;
    for run in runs {
        about(&mut page, store, run)?;
    }
    page.push_str("</body></html>\n");
    Ok(page)
}

fn curves(page: &mut String, store: &Store, runs: &[RunRecord]) -> Result<()> {
    page.push_str("<h2>Metrics</h2><p>");
    for (index, run) in runs.iter().enumerate() {
        let colour = chart::colour(index);
        let name = escape(&format!("{} {}", run.name, run.uid));
        let _ = write!(page, "<i class=\"key\" style=\"background:{colour}\"></i>{name}");
    }
    page.push_str("</p><div class=\"charts\">");
    for key in compare::metric_keys(runs) {
        let mut drawn = Vec::new();
        for (index, run) in runs.iter().enumerate().filter(|(_, run)| run.metric(&key).is_some()) {
            drawn.push((format!("{} {}", run.name, run.uid), index, store.curve(run, &key, PIXELS)?));
        }
        let _ = write!(page, "<figure><figcaption>{}</figcaption>{}</figure>", escape(&key), chart::overlay(&drawn));
    }
    page.push_str("</div>");
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
