//! What all charts have in common: a picture, a file, a text, a place in a figure.

use std::path::Path;

use super::canvas::{Area, Canvas};
use super::save::{PlotError, save};
use super::{
    AttentionMap, BarChart, Heatmap, Histogram, ImageGrid, LineChart, PrecisionRecallChart, RocChart, ScatterChart,
    figure,
};
use crate::display::{MimeBundle, Show};
use crate::metric::ConfusionMatrix;

/// Draws itself into a part of a picture.
pub(super) trait Draw {
    /// Width and height in logical pixels, alone or beside other charts.
    fn size(&self, alone: bool) -> (f64, f64);

    /// Draws into an area at least as large as [`Draw::size`] says.
    fn draw(&self, canvas: &mut Canvas, area: Area);

    /// What the chart says, in words.
    fn text(&self) -> String;
}

/// A kind of chart is one line in this list and an implementation of [`Draw`].
macro_rules! charts {
    ($($kind:ident($type:ident)),* $(,)?) => {
        /// Any chart, as a [`Figure`](super::Figure) holds it.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        #[allow(missing_docs)] // each is named after what it holds
        pub enum Chart {
            $($kind($type),)*
        }

        impl Chart {
            pub(super) fn drawn(&self) -> &dyn Draw {
                match self {
                    $(Self::$kind(chart) => chart,)*
                }
            }
        }

        $(
            impl From<$type> for Chart {
                fn from(chart: $type) -> Self {
                    Self::$kind(chart)
                }
            }

            impl $type {
                /// The picture as an SVG document.
                pub fn svg(&self) -> String {
                    figure::svg(&[self])
                }

                /// Writes the picture to a file, as SVG or PNG by what its name ends in.
                ///
                /// # Errors
                /// When the name ends otherwise or the file can't be written.
                pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
                    save(&self.svg(), path.as_ref())
                }
            }

            impl Show for $type {
                fn show(&self) -> MimeBundle {
                    MimeBundle::new().with_text(self.text()).with_svg(self.svg())
                }
            }
        )*
    };
}

charts! {
    Attention(AttentionMap),
    Bars(BarChart),
    Confusion(ConfusionMatrix),
    Heatmap(Heatmap),
    Histogram(Histogram),
    Images(ImageGrid),
    Lines(LineChart),
    PrecisionRecall(PrecisionRecallChart),
    Roc(RocChart),
    Scatter(ScatterChart),
}

/// The names of the axes of charts that have two.
macro_rules! labelled {
    ($($type:ident),* $(,)?) => {
        $(
            impl $type {
                /// Names the axis across.
                pub fn x_label(mut self, label: impl Into<String>) -> Self {
                    self.labels.x = label.into();
                    self
                }

                /// Names the axis upward.
                pub fn y_label(mut self, label: impl Into<String>) -> Self {
                    self.labels.y = label.into();
                    self
                }
            }
        )*
    };
}

labelled!(BarChart, Heatmap, Histogram, LineChart, ScatterChart);
