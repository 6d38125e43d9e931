//! Charts side by side in one picture.

use std::path::Path;

use super::canvas::{Area, picture};
use super::chart::{Chart, Draw};
use super::save::{PlotError, save};
use crate::display::{MimeBundle, Show};

/// A row of charts is no wider than this, if it has more than one.
const WIDEST: f64 = 1260.0;
/// A chart beside a higher one grows by at most this factor.
const STRETCH: f64 = 1.35;

/// One or more charts side by side, of any kind.
///
/// ```ignore
/// Figure::new(vec![loss, accuracy]).with(roc).with(confusion_matrix(&truth, &predicted)?)
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figure {
    charts: Vec<Chart>,
}

impl Figure {
    /// Puts charts side by side, from left to right, in as many rows as they need.
    pub fn new<C: Into<Chart>>(charts: Vec<C>) -> Self {
        Self { charts: charts.into_iter().map(Into::into).collect() }
    }

    /// Adds a chart, which may be of another kind.
    pub fn with(mut self, chart: impl Into<Chart>) -> Self {
        self.charts.push(chart.into());
        self
    }

    /// The picture as an SVG document.
    pub fn svg(&self) -> String {
        svg(&self.drawn())
    }

    /// Writes the picture to a file, as SVG or PNG by what its name ends in.
    ///
    /// # Errors
    /// When the name ends otherwise or the file can't be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        save(&self.svg(), path.as_ref())
    }

    fn drawn(&self) -> Vec<&dyn Draw> {
        self.charts.iter().map(Chart::drawn).collect()
    }
}

impl Show for Figure {
    fn show(&self) -> MimeBundle {
        let charts = self.drawn();
        MimeBundle::new().with_text(text(&charts)).with_svg(svg(&charts))
    }
}

/// Draws charts side by side.
pub(super) fn svg(charts: &[&dyn Draw]) -> String {
    let areas = arranged(charts);
    let reach = |end: fn(&Area) -> f64, least| areas.iter().map(end).fold(least, f64::max);
    let width = reach(|area| area.left + area.width, 220.0);
    let height = reach(|area| area.top + area.height, 60.0);
    picture(width, height, &text(charts), |canvas| {
        charts.iter().zip(&areas).for_each(|(chart, &area)| chart.draw(canvas, area));
    })
}

/// What charts say, in words.
pub(super) fn text(charts: &[&dyn Draw]) -> String {
    charts.iter().map(|chart| chart.text()).collect::<Vec<_>>().join("\n")
}

/// Where each chart is.
fn arranged(charts: &[&dyn Draw]) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    let (mut left, mut top, mut row) = (0.0, 0.0, 0);
    for chart in charts {
        let (width, height) = chart.size(charts.len() == 1);
        if left > 0.0 && left + width > WIDEST {
            top += level(&mut areas[row..]);
            (left, row) = (0.0, areas.len());
        }
        areas.push(Area { left, top, width, height });
        left += width;
    }
    level(&mut areas[row..]);
    areas
}

/// Makes areas as high as the highest of them, but none much higher than it was; returns how high that is.
fn level(row: &mut [Area]) -> f64 {
    let height = row.iter().map(|area| area.height).fold(0.0, f64::max);
    row.iter_mut().for_each(|area| area.height = height.min(area.height * STRETCH));
    height
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{bar_chart, line_chart};

    #[test]
    fn charts_of_any_kind_stand_in_rows() {
        let line = line_chart("loss");
        let bars = bar_chart("classes").bar("a", 1.0).bar("b", 2.0);
        let charts: Vec<&dyn Draw> = vec![&line, &bars, &line, &line];
        let areas = arranged(&charts);
        assert_eq!((areas[0].top, areas[1].top, areas[2].top), (0.0, 0.0, 0.0));
        assert_eq!((areas[3].left, areas[3].top), (0.0, areas[0].height));
        assert!(areas[0].height > areas[1].height && areas[1].left == areas[0].width);
        let figure = Figure::new(vec![line]).with(bars);
        let svg = figure.svg();
        assert!(svg.contains(">loss</text>") && svg.contains(">classes</text>"), "{svg}");
        assert!(figure.show().plain().is_some_and(|text| text.contains("loss") && text.contains("a 1")));
    }
}
