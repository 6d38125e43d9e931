//! The tracker as its users meet it: runs recorded through the library, read by the real `assay`.

#![allow(clippy::unwrap_used, missing_docs)]

mod artifacts;
mod bad_input;
mod child;
mod comparing;
mod configuration;
mod crashes;
mod endings;
mod exporting;
mod family;
mod keeping;
mod lineage;
mod listing;
mod metrics;
mod packing;
mod page;
mod querying;
mod reporting;
mod showing;
mod support;
mod writers;
