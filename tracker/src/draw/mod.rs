//! What charts are drawn with, here and in `lab`: a canvas that writes SVG, axes with round ticks, colours, names.
//!
//! Every picture has its own light panel, so its colours never depend on what is around it.

pub mod axis;
pub mod canvas;
pub mod frame;
pub mod legend;
pub mod lines;
pub mod palette;
pub mod thin;
