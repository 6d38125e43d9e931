//! The tracker as its users meet it: runs recorded through the library, read by the real `assay`.

#![allow(clippy::unwrap_used, missing_docs)]

mod artifacts;
mod bad_input;
mod child;
mod comparing;
mod configuration;
mod endings;
mod listing;
mod metrics;
mod page;
mod showing;
mod support;
mod writers;
