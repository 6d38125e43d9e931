//! Charts as SVG: they look the same in a light and a dark notebook, in an exported page and in a file.
//!
//! Every picture has its own light panel, so its colours never depend on what is around it. A kind of chart
//! is a type that implements `Draw` and a line in the list in `chart`; that gives it its picture, its file, its
//! text and a place in a [`Figure`].

mod attention;
mod bar;
mod cells;
mod chart;
mod confusion;
mod correlation;
mod curve;
mod figure;
mod heatmap;
mod histogram;
mod images;
mod line;
mod live;
mod numbers;
mod pixels;
mod save;
mod scatter;

use ::tracker::draw::{axis, canvas, frame, legend, lines, palette, thin};

pub use attention::{AttentionMap, attention_map};
pub use bar::{BarChart, bar_chart};
pub use cells::Names;
pub use chart::Chart;
pub use correlation::correlation;
pub use curve::{PrecisionRecallChart, RocChart, pr_chart, roc_chart};
pub use figure::Figure;
pub use heatmap::{Heatmap, heatmap};
pub use histogram::{Histogram, histogram};
pub use images::{ImageGrid, image_grid, tensor_grid};
pub use line::{LineChart, line_chart};
pub use live::LiveChart;
pub use numbers::Numbers;
pub use save::PlotError;
pub(crate) use save::save;
pub use scatter::{ScatterChart, scatter};

#[cfg(test)]
mod tests;
