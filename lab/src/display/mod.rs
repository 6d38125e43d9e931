//! Rich output: what a value looks like under a cell, and how it gets there.
//!
//! A value that implements [`Show`] knows its own [`MimeBundle`]; [`display`] puts it under the running
//! cell, [`DisplayHandle`] keeps redrawing one output in place, and [`show_tail!`](crate::show_tail) is
//! what the engine wraps a cell's last expression in. Outside a notebook the plain text is printed.

mod bundle;
mod debug;
mod frame;
mod handle;
mod pending;
mod show;
mod table;
#[doc(hidden)]
pub mod tail;
mod tensor;

pub use ::tracker::html::escape;
pub use bundle::MimeBundle;
pub use handle::DisplayHandle;
pub use pending::flush;
pub use show::Show;
pub use table::Table;

pub(crate) use pending::{Pending, register};

use crate::host;

/// Shows a value under the running cell, in its richest form.
pub fn display(value: &impl Show) {
    send(value.show(), None, false);
}

/// Shows a fragment of HTML under the running cell. It is taken as it is: use [`escape`] for text in it.
pub fn html(fragment: &str) {
    send(MimeBundle::new().with_html(fragment).with_text(fragment), None, false);
}

/// Shows an SVG picture under the running cell.
pub fn svg(picture: &str) {
    send(MimeBundle::new().with_svg(picture).with_text("(a picture)"), None, false);
}

/// Shows text in Markdown under the running cell.
pub fn markdown(text: &str) {
    send(MimeBundle::new().with_markdown(text).with_text(text), None, false);
}

/// Removes what the cell has shown so far; with `wait`, only when the next output arrives, so nothing flickers.
pub fn clear_output(wait: bool) {
    host::clear_output(wait);
}

/// Sends a bundle to the notebook, or prints its plain text where there is none.
pub(crate) fn send(bundle: MimeBundle, display_id: Option<&str>, update: bool) {
    if bundle.is_empty() {
        return;
    }
    if host::attached() {
        host::display(bundle.into_map(), display_id, update);
    } else if let Some(text) = bundle.plain().filter(|_| !update) {
        println!("{text}");
    }
}
