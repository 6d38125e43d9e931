//! ROC and precision-recall curves.

use super::axis::Axis;
use super::canvas::{Area, Canvas, Stroke};
use super::chart::Draw;
use super::frame::{Frame, Labels};
use super::legend::{Entry, column, column_width};
use super::palette;
use super::thin::stretches;
use crate::display::{MimeBundle, Show};
use crate::metric::{PrecisionRecallCurve, RocCurve};

/// Curves of true against false positives, each with the area under it.
#[derive(Debug, Clone, PartialEq)]
pub struct RocChart {
    unit: UnitChart,
}

/// A chart without curves yet. The dashed diagonal is chance.
pub fn roc_chart(title: impl Into<String>) -> RocChart {
    let labels = Labels { title: title.into(), x: "false positive rate".into(), y: "true positive rate".into() };
    RocChart { unit: UnitChart { labels, curves: Vec::new() } }
}

impl RocChart {
    /// Adds a curve.
    pub fn curve(mut self, name: impl AsRef<str>, curve: &RocCurve) -> Self {
        let points = curve.false_positive_rate.iter().copied().zip(curve.true_positive_rate.iter().copied()).collect();
        let score = format!("AUC {:.3}", curve.auc());
        self.unit.curves.push(Curve { name: label(name.as_ref(), &score), points, chance: [(0.0, 0.0), (1.0, 1.0)] });
        self
    }
}

/// Curves of precision against recall, each with its average precision.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionRecallChart {
    unit: UnitChart,
}

/// A chart without curves yet. The dashed lines are chance: the share of what is true.
pub fn pr_chart(title: impl Into<String>) -> PrecisionRecallChart {
    let labels = Labels { title: title.into(), x: "recall".into(), y: "precision".into() };
    PrecisionRecallChart { unit: UnitChart { labels, curves: Vec::new() } }
}

impl PrecisionRecallChart {
    /// Adds a curve, as the steps whose area the average precision is.
    pub fn curve(mut self, name: impl AsRef<str>, curve: &PrecisionRecallCurve) -> Self {
        let corners = curve.recall.windows(2).zip(curve.precision.windows(2));
        let steps = corners.flat_map(|(recall, precision)| [(recall[1], precision[0]), (recall[1], precision[1])]);
        let first = curve.recall.first().copied().zip(curve.precision.first().copied());
        let base = curve.precision.first().copied().unwrap_or(0.0);
        let score = format!("AP {:.3}", curve.average_precision());
        self.unit.curves.push(Curve {
            name: label(name.as_ref(), &score),
            points: first.into_iter().chain(steps).collect(),
            chance: [(0.0, base), (1.0, base)],
        });
        self
    }
}

/// Curves over two shares.
#[derive(Debug, Clone, PartialEq)]
struct UnitChart {
    labels: Labels,
    curves: Vec<Curve>,
}

#[derive(Debug, Clone, PartialEq)]
struct Curve {
    /// The name and its score.
    name: String,
    points: Vec<(f64, f64)>,
    /// What chance would give.
    chance: [(f64, f64); 2],
}

fn label(name: &str, score: &str) -> String {
    format!("{name} {score}").trim().to_owned()
}

impl UnitChart {
    fn entries(&self) -> Vec<Entry> {
        self.curves.iter().enumerate().map(|(index, curve)| Entry::of(index, &curve.name)).collect()
    }

    fn size(&self) -> (f64, f64) {
        (332.0 + column_width(&self.entries()), 330.0)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        let entries = self.entries();
        let axes = (Axis::shares(), Axis::shares());
        let frame = Frame::new(area, &self.labels, axes, 0.0, column_width(&entries)).square();
        frame.draw(canvas, area, &self.labels);
        let mut drawn: Vec<[(f64, f64); 2]> = Vec::new();
        for (index, curve) in self.curves.iter().enumerate() {
            if !drawn.contains(&curve.chance) {
                // The diagonal belongs to all curves, a base rate to its own.
                let color =
                    if curve.chance[0].1 == curve.chance[1].1 { palette::series(index) } else { palette::QUIET };
                self.stretch(canvas, &frame, &curve.chance, Stroke::new(color, 1.25).opacity(0.55).dashed(true));
                drawn.push(curve.chance);
            }
        }
        for (index, curve) in self.curves.iter().enumerate() {
            let stroke = Stroke::new(palette::series(index), 2.0).dashed(palette::dashed(index));
            self.stretch(canvas, &frame, &curve.points, stroke);
        }
        column(canvas, &entries, (frame.right + 14.0, frame.top + 6.0), frame.bottom - frame.top);
    }

    fn stretch(&self, canvas: &mut Canvas, frame: &Frame, points: &[(f64, f64)], stroke: Stroke) {
        for stretch in stretches(points.iter().map(|&point| frame.place(point))) {
            canvas.line(&stretch, stroke);
        }
    }

    fn text(&self) -> String {
        let names: Vec<&str> = self.curves.iter().map(|curve| curve.name.as_str()).collect();
        format!("{}: {}", self.labels.title, names.join(", "))
    }
}

impl Draw for RocChart {
    fn size(&self, _: bool) -> (f64, f64) {
        self.unit.size()
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        self.unit.draw(canvas, area);
    }

    fn text(&self) -> String {
        self.unit.text()
    }
}

impl Draw for PrecisionRecallChart {
    fn size(&self, _: bool) -> (f64, f64) {
        self.unit.size()
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        self.unit.draw(canvas, area);
    }

    fn text(&self) -> String {
        self.unit.text()
    }
}

impl Show for RocCurve {
    fn show(&self) -> MimeBundle {
        roc_chart("ROC curve").curve("", self).show()
    }
}

impl Show for PrecisionRecallCurve {
    fn show(&self) -> MimeBundle {
        pr_chart("Precision and recall").curve("", self).show()
    }
}
