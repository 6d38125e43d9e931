//! The tracker as its users meet it: runs recorded through the library, read by the real `assay`.

#![allow(clippy::unwrap_used, missing_docs)]

mod artifacts;
mod bad_input;
mod charts;
mod child;
mod comparing;
mod configuration;
mod crashes;
mod endings;
mod environment;
mod exporting;
mod family;
mod gpus;
mod keeping;
mod lineage;
mod listing;
mod metrics;
mod packing;
mod page;
mod permissions;
mod querying;
mod reporting;
mod sessions;
mod showing;
mod stream;
mod support;
mod svg;
mod writers;
