//! The table that `:vars` shows.

use serde_json::{Map, json};

use crate::cell::generated::types::for_people;
use crate::cell::notebook::state::State;
use crate::language::Event;

/// The table as a display: text, and HTML for notebooks.
pub(crate) fn table(state: Option<&State>) -> Event {
    let rows: Vec<[String; 3]> = state
        .into_iter()
        .flat_map(|state| &state.variables)
        .map(|(name, variable)| [name.clone(), for_people(&variable.ty), format!("[{}]", variable.cell)])
        .collect();
    let mut data = Map::new();
    data.insert("text/plain".to_owned(), json!(text(&rows)));
    data.insert("text/html".to_owned(), json!(html(&rows)));
    Event::Display { data, metadata: Map::new(), display_id: None, update: false }
}

fn text(rows: &[[String; 3]]) -> String {
    if rows.is_empty() {
        return "no variables".to_owned();
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, ty) = (width(0), width(1));
    let lines: Vec<String> = rows.iter().map(|row| format!("{:name$}  {:ty$}  {}", row[0], row[1], row[2])).collect();
    lines.join("\n")
}

fn html(rows: &[[String; 3]]) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let body: String = rows
        .iter()
        .map(|row| {
            format!(
                "<tr><td><b>{}</b></td><td><code>{}</code></td><td>{}</td></tr>",
                escape(&row[0]),
                escape(&row[1]),
                row[2]
            )
        })
        .collect();
    format!("<table><thead><tr><th>name</th><th>type</th><th>cell</th></tr></thead><tbody>{body}</tbody></table>")
}
