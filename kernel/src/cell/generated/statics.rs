//! How the statics of an item are written: with a symbol where they are made, so that code which is compiled
//! again can go on using the same memory, and as declared elsewhere by that code.

use std::fmt::Write;
use std::ops::Range;

use crate::cell::notebook::held::{HASH, Held, Memory, static_symbol};
use crate::cell::source::items::Edit;
use crate::cell::source::statics::Static;

/// An item's edits, and what follows it.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) edits: Vec<Edit>,
    pub(super) after: String,
    /// Whether the whole item is declared elsewhere.
    pub(super) is_elsewhere: bool,
}

/// How `held` is written.
pub(super) fn written(held: &Held) -> Written {
    let part = &held.part;
    let mut written = Written::default();
    let mut replaced: Vec<Range<usize>> = Vec::new();
    let cut: Vec<&Range<usize>> =
        part.edits.iter().filter(|(_, with)| with.is_empty()).map(|(range, _)| range).collect();
    for (index, it) in part.statics.iter().enumerate() {
        if cut.iter().any(|cut| cut.contains(&it.range.start)) {
            continue;
        }
        match held.memory.get(index).and_then(Option::as_ref) {
            Some(memory) => {
                replaced.push(it.range.clone());
                written.edits.push((it.range.clone(), elsewhere(it, memory).into()));
                written.is_elsewhere |= it.range == part.range;
            }
            None if it.local => {
                let after = locals(it, &static_symbol(HASH, part, index));
                match part.around {
                    Some(_) => written.after.push_str(&after),
                    None => written.edits.push((it.range.end..it.range.end, after.into())),
                }
            }
            None => {
                let name = format!("#[unsafe(export_name = \"{}\")] ", static_symbol(HASH, part, index));
                written.edits.push((it.range.start..it.range.start, name.into()));
            }
        }
    }
    let inside = |edit: &Edit| replaced.iter().any(|it| it.start <= edit.0.start && edit.0.end <= it.end);
    written.edits.extend(part.edits.iter().filter(|edit| !inside(edit)).cloned());
    written.edits.sort_by_key(|(range, _)| range.start);
    written
}

/// The declaration of a static that another library has.
fn elsewhere(it: &Static, memory: &Memory) -> String {
    let mut text = "unsafe extern \"Rust\" {".to_owned();
    for (index, variable) in it.variables.iter().enumerate() {
        let symbol = symbol(it, &memory.symbol, index);
        let (name, ty) = (&variable.name, &variable.ty);
        let line = match (it.local, variable.mutable) {
            (true, _) => format!("pub safe static {name}: &'static ::std::thread::LocalKey<{ty}>;"),
            (false, true) => format!("pub static mut {name}: {ty};"),
            (false, false) => format!("pub safe static {name}: {ty};"),
        };
        // Writing to a String cannot fail.
        let _ = write!(text, " #[link_name = \"{symbol}\"] {line}");
    }
    text.push_str(" }");
    text
}

/// Symbols for what `thread_local!` makes: that has none.
fn locals(it: &Static, made: &str) -> String {
    let mut text = String::new();
    for (index, variable) in it.variables.iter().enumerate() {
        let symbol = symbol(it, made, index);
        let (name, ty) = (&variable.name, &variable.ty);
        let _ = write!(
            text,
            " #[unsafe(export_name = \"{symbol}\")] pub static {symbol}: &'static ::std::thread::LocalKey<{ty}> = &{name};"
        );
    }
    text
}

fn symbol(it: &Static, symbol: &str, index: usize) -> String {
    if it.local { format!("{symbol}_{index}") } else { symbol.to_owned() }
}
