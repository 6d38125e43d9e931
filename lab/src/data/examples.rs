//! Rows to learn from, without their widths in the type: what loops over them is compiled once.

use std::sync::Arc;

use super::Matrix;

/// Features and targets of the same rows. A copy shares the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    pub(super) x: Arc<Matrix>,
    pub(super) y: Targets,
}

/// What is to be learned.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Targets {
    /// The class of each row, of `count`.
    Classes {
        of: Arc<[usize]>,
        count: usize,
    },
    Numbers(Arc<Matrix>),
}

/// Rows to learn from, with the shapes in which they reach a model and its loss: a
/// [`Dataset`](super::Dataset) or [`Samples`](super::Samples).
pub trait Supervised {
    /// The shape of the features.
    type Features;
    /// The shape of the targets.
    type Targets;

    /// The rows.
    fn examples(&self) -> Examples;
}

/// The numbers of some rows, one row after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Picked {
    pub(super) x: Vec<f32>,
    /// Targets as numbers; one-hot rows for classes.
    pub(super) y: Vec<f32>,
    /// The class of each row, if there are classes.
    pub(super) classes: Vec<usize>,
    pub(super) rows: usize,
}

impl Examples {
    pub(super) fn len(&self) -> usize {
        self.x.rows()
    }

    /// Copies the rows with these numbers to the end of `picked`.
    pub(super) fn pick(&self, rows: &[usize], picked: &mut Picked) {
        picked.rows += rows.len();
        self.x.pick_into(rows, &mut picked.x);
        match &self.y {
            Targets::Numbers(targets) => targets.pick_into(rows, &mut picked.y),
            Targets::Classes { of, count } => {
                picked.classes.extend(rows.iter().map(|&row| of[row]));
                one_hot(of, rows, *count, &mut picked.y);
            }
        }
    }
}

/// Adds a row of zeros with a one in the place of the class, for each of `rows`.
fn one_hot(classes: &[usize], rows: &[usize], width: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + rows.len() * width, 0.0);
    for (place, &row) in out[start..].chunks_exact_mut(width).zip(rows) {
        place[classes[row]] = 1.0;
    }
}
