//! From weights into a model: what fits, and a report of what does not.

use std::convert::Infallible;
use std::fmt;

use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{
    RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorMut, ViewTensorName, ViewTensorRef,
};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Tensor, TensorFromVec};

use super::Weights;
use super::offer::{Offer, names};
use crate::device::Dev;
use crate::display::{MimeBundle, Show, Table};
use crate::nn::names::pytorch_shape;

/// What loading did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names of the weights that the model now has.
    pub loaded: Vec<String>,
    /// Weights of the model that the file does not have.
    pub missing: Vec<String>,
    /// Weights of the file that the model does not have.
    pub unexpected: Vec<String>,
    /// Weights that both have, in other shapes.
    pub wrong_shape: Vec<WrongShape>,
}

/// A weight that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongShape {
    pub name: String,
    pub model: Vec<usize>,
    pub file: Vec<usize>,
}

impl LoadReport {
    /// Whether each has what the other has.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.wrong_shape.is_empty()
    }

    /// Compares a weight of the model with what is stored; gives its numbers if they fit.
    fn take<'a>(&mut self, from: &mut Offer<'a>, name: &str, shape: &[usize]) -> Option<&'a [f32]> {
        let (name, found) = from.take(name);
        match found {
            None => self.missing.push(name),
            Some(found) if found.shape != shape && found.shape != pytorch_shape(&name, shape) => {
                let (model, file) = (shape.to_vec(), found.shape);
                self.wrong_shape.push(WrongShape { name, model, file });
            }
            Some(found) => {
                self.loaded.push(name);
                return Some(found.values);
            }
        }
        None
    }
}

impl Weights {
    /// Copies into the model what has the same name and shape.
    pub fn load_into<M: TensorCollection<f32, Dev>>(&self, model: &mut M) -> LoadReport {
        let mut load = Load { from: Offer::new(self, names(model)), report: LoadReport::default() };
        // Loading can't fail: the visitors below never return an error.
        let _ = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut load });
        LoadReport { unexpected: load.from.left(), ..load.report }
    }

    /// What `load_into` would report.
    pub fn compare<M: TensorCollection<f32, Dev>>(&self, model: &M) -> LoadReport {
        let mut compare = Compare { from: Offer::new(self, names(model)), report: LoadReport::default() };
        let _ = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut compare });
        LoadReport { unexpected: compare.from.left(), ..compare.report }
    }
}

struct Load<'a> {
    from: Offer<'a>,
    report: LoadReport,
}

impl TensorVisitor<f32, Dev> for Load<'_> {
    type Viewer = (ViewTensorMut, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, Dev>,
        (tensor, name): (&mut Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Infallible> {
        if let Some(values) = self.report.take(&mut self.from, &name, tensor.shape().concrete().as_ref()) {
            put(tensor, values);
        }
        Ok(None)
    }
}

struct Compare<'a> {
    from: Offer<'a>,
    report: LoadReport,
}

impl TensorVisitor<f32, Dev> for Compare<'_> {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, Dev>,
        (tensor, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Infallible> {
        self.report.take(&mut self.from, &name, tensor.shape().concrete().as_ref());
        Ok(None)
    }
}

/// Writes numbers in row-major order. A tensor that was permuted has another order in memory, which dfdx does not
/// tell, so what was written is read again; such a tensor is replaced.
fn put<S: Shape>(tensor: &mut Tensor<S, f32, Dev>, values: &[f32]) {
    tensor.copy_from(values);
    if !same(&tensor.as_vec(), values)
        && let Ok(fresh) = tensor.device().try_tensor_from_vec(values.to_vec(), *tensor.shape())
    {
        *tensor = fresh;
    }
}

/// Whether these are the same bits, NaN included.
fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

impl fmt::Display for WrongShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {:?} in the model and {:?} in the file", self.name, self.model, self.file)
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fit", self.loaded.len())?;
        for (what, names) in [("missing", &self.missing), ("unexpected", &self.unexpected)] {
            if !names.is_empty() {
                write!(f, "; {what}: {}", names.join(", "))?;
            }
        }
        self.wrong_shape.iter().try_for_each(|wrong| write!(f, "; {wrong}"))
    }
}

impl Show for LoadReport {
    fn show(&self) -> MimeBundle {
        let mut table = Table::new(&["weight", "what happened"]).left(0).left(1);
        let mut rows = |what: &str, names: &[String]| {
            names.iter().for_each(|name| {
                table.row(&[name.as_str(), what]);
            });
        };
        rows("not in the file", &self.missing);
        rows("not in the model", &self.unexpected);
        for wrong in &self.wrong_shape {
            table.row(&[wrong.name.clone(), format!("{:?} in the model, {:?} in the file", wrong.model, wrong.file)]);
        }
        table.caption(format!("{} weights were loaded", self.loaded.len())).show()
    }
}
