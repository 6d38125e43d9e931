//! Charts as SVG: they look the same in a light and a dark notebook, in an exported page and in a file.
//!
//! Every picture has its own light panel, so its colours never depend on what is around it. plotters
//! draws; sizes are doubled inside and halved by the view box, since plotters rounds to whole pixels.

mod axis;
mod canvas;
mod confusion;
mod figure;
mod images;
mod line;
mod live;
mod palette;
mod panel;
mod save;

pub use figure::Figure;
pub use images::{ImageGrid, image_grid};
pub use line::{LineChart, line_chart};
pub use live::LiveChart;
pub use save::PlotError;

pub(crate) use confusion::confusion_svg;
