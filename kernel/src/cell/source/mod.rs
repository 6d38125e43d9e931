//! From the text of a cell to its parts. Knows nothing of a notebook.

pub(crate) mod addresses;
pub(crate) mod bindings;
pub(crate) mod brackets;
pub(crate) mod checks;
pub(crate) mod depth;
pub(crate) mod heads;
pub(crate) mod imports;
pub(crate) mod items;
pub(crate) mod layout;
pub(crate) mod locals;
pub(crate) mod methods;
pub(crate) mod names;
mod plain;
pub(crate) mod span;
pub(crate) mod split;
pub(crate) mod statics;
pub(crate) mod step;
pub(crate) mod tokens;
pub(crate) mod uses;
