//! Charts side by side in one picture.

use std::path::Path;

use super::canvas::{count, picture};
use super::line::LineChart;
use super::panel;
use super::save::{PlotError, save};
use crate::display::{MimeBundle, Show};

const HEIGHT: f64 = 270.0;

/// One or more charts side by side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figure {
    pub(super) charts: Vec<LineChart>,
}

impl Figure {
    /// Puts charts side by side, from left to right.
    pub fn new(charts: Vec<LineChart>) -> Self {
        Self { charts }
    }

    /// The picture as an SVG document.
    pub fn svg(&self) -> String {
        let wide = if self.charts.len() == 1 { 560.0 } else { 410.0 };
        let width = wide * count(self.charts.len().max(1));
        picture(width, HEIGHT, &self.text(), |canvas| {
            for (index, chart) in self.charts.iter().enumerate() {
                panel::draw(canvas, chart, wide * count(index), wide, HEIGHT);
            }
        })
    }

    /// Writes the picture to a file, as SVG or PNG by what its name ends in.
    ///
    /// # Errors
    /// When the name ends otherwise or the file can't be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        save(&self.svg(), path.as_ref())
    }

    pub(super) fn text(&self) -> String {
        self.charts.iter().map(LineChart::text).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Figure {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(self.text()).with_svg(self.svg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::line_chart;

    #[test]
    fn odd_data_is_drawn_without_nonsense() {
        let odd = [(1.0, f64::NAN), (2.0, f64::INFINITY), (3.0, -1.0), (4.0, 0.0)];
        let chart = line_chart("a < b & c").log_y().line("<odd>", &odd).line("empty", &[]);
        for figure in [Figure::default(), Figure::new(vec![chart.clone()]), Figure::new(vec![chart, line_chart("")])] {
            let svg = figure.svg();
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<odd>"), "{svg}");
        }
    }
}
