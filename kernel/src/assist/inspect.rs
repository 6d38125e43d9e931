//! What is known of the name at the cursor.

use crate::cell::generated::types::for_people;
use crate::language::MimeBundle;
use crate::session::Known;

/// The type of a variable, or the source of an item.
pub(crate) fn inspect(known: &Known, code: &str, cursor: usize) -> Option<MimeBundle> {
    let text: Vec<char> = code.chars().collect();
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let cursor = cursor.min(text.len());
    let start = text[..cursor].iter().rposition(|c| !is_word(c)).map_or(0, |at| at + 1);
    let end = text[cursor..].iter().position(|c| !is_word(c)).map_or(text.len(), |at| cursor + at);
    let name: String = text[start..end].iter().collect();
    let state = &known.state;
    let said = match (state.variables.get(&name), state.items.get(&name)) {
        (Some(variable), _) => format!("{name}: {}\nmade by cell [{}]", for_people(&variable.ty), variable.cell),
        (None, Some(held)) => {
            format!("{}\ndefined in cell [{}]", &held.origin.text[held.part.range.clone()], held.origin.cell)
        }
        (None, None) => return None,
    };
    let mut bundle = MimeBundle::new();
    bundle.insert("text/plain".to_owned(), said.into());
    Some(bundle)
}
