//! Weights apart from their model: saved, loaded whole or in part, held while others train.

mod format;
mod freeze;
mod load;
mod offer;

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::Tensor;

use super::names::{pytorch, pytorch_shape};
use crate::device::Dev;

pub use freeze::Frozen;
pub use load::{LoadReport, WrongShape};

/// The weights of a model or a file: for each its name, as [`summary`](crate::nn::summary) prints it and PyTorch's
/// `state_dict` has it, its shape and its numbers. Running statistics are weights too; settings such as a
/// dropout's share or a normalization's epsilon are not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights {
    stored: Vec<Stored>,
}

#[derive(Debug, Clone, PartialEq)]
struct Stored {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Names that begin so are not weights: what a training remembers besides, in a checkpoint.
const STATE: &str = "assay.";

/// Named numbers that are no weights of a model.
pub(crate) type State = Vec<(String, Vec<f32>)>;

/// Weights that could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file can't be read.
    #[error("can't read {path}: {source}", path = .path.display())]
    Read { path: PathBuf, source: std::io::Error },

    /// The file can't be written; an older file of that name is as it was.
    #[error("can't write {path}: {source}", path = .path.display())]
    Write { path: PathBuf, source: std::io::Error },

    /// The file is not safetensors, or it is cut short or damaged.
    #[error("{path} is not a whole safetensors file: {reason}", path = .path.display())]
    Format { path: PathBuf, reason: String },

    /// The file is of another model. The model was not changed.
    #[error("the weights are of another model ({report}); load_partial takes what fits")]
    OtherModel { report: LoadReport },

    /// No weight has this name or one that starts with it.
    #[error("no weight is called {prefix} or {prefix}.…; the model has {names}")]
    NoSuchWeight { prefix: String, names: String },
}

/// Writes a model's weights to a safetensors file. The file is complete or not there: it is written beside and
/// renamed.
///
/// # Errors
/// When the file can't be written.
pub fn save_weights<M: TensorCollection<f32, Dev>>(model: &M, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    Weights::of(model).save(path)
}

/// Loads a model's weights from a safetensors file that has exactly these weights: one of [`save_weights`] or of a
/// PyTorch model of the same layers, whose `torch.nn.MultiheadAttention` may have its three projections in one. Numbers
/// may be f64, f32, f16 or bf16 in the file.
///
/// # Errors
/// When the file can't be read, or is of another model, which is then not changed.
pub fn load_weights<M: TensorCollection<f32, Dev>>(model: &mut M, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    let weights = Weights::read(path)?;
    let report = weights.compare(model);
    if !report.is_complete() {
        return Err(WeightsError::OtherModel { report });
    }
    weights.load_into(model);
    Ok(())
}

/// Loads what has the same name and shape in a safetensors file, and says what was loaded and what was not.
///
/// # Errors
/// When the file can't be read.
pub fn load_partial<M: TensorCollection<f32, Dev>>(
    model: &mut M,
    path: impl AsRef<Path>,
) -> Result<LoadReport, WeightsError> {
    Ok(Weights::read(path)?.load_into(model))
}

impl Weights {
    /// Copies a model's weights.
    pub fn of<M: TensorCollection<f32, Dev>>(model: &M) -> Self {
        let mut weights = Self::default();
        // Copying can't fail: the visitor below never returns an error.
        let _ = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut weights });
        let names: Vec<_> = weights.stored.iter().map(|stored| stored.name.clone()).collect();
        for (stored, name) in weights.stored.iter_mut().zip(pytorch(&names)) {
            stored.name = name;
        }
        weights
    }

    /// Reads a safetensors file; of a checkpoint, the weights. What is not made of floating-point numbers is left
    /// out.
    ///
    /// # Errors
    /// When it can't be read, or is not a whole safetensors file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        Ok(Self::read_with_state(path.as_ref())?.0)
    }

    /// Reads a checkpoint: the weights, what training remembers besides, and its note.
    pub(crate) fn read_with_state(path: &Path) -> Result<(Self, State, Option<String>), WeightsError> {
        let bytes = std::fs::read(path).map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
        let format = |reason| WeightsError::Format { path: path.to_owned(), reason };
        let (stored, note) = format::parse(&bytes).map_err(format)?;
        let (state, stored): (Vec<_>, _) = stored.into_iter().partition(|stored| stored.name.starts_with(STATE));
        let state = state.into_iter().map(|stored| (stored.name[STATE.len()..].to_owned(), stored.values));
        Ok((Self { stored }, state.collect(), note))
    }

    /// Writes a safetensors file, beside and then renamed.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        self.save_with_state(path.as_ref(), Vec::new(), None)
    }

    /// Writes a checkpoint: the weights, and what [`Weights::read_with_state`] gives back.
    pub(crate) fn save_with_state(&self, path: &Path, state: State, note: Option<&str>) -> Result<(), WeightsError> {
        let write = |source| WeightsError::Write { path: path.to_owned(), source };
        let state = state.into_iter();
        let state =
            state.map(|(name, values)| Stored { name: format!("{STATE}{name}"), shape: vec![values.len()], values });
        let state: Vec<Stored> = state.collect();
        let all: Vec<&Stored> = self.stored.iter().chain(&state).collect();
        format::write(path, &all, note).map_err(write)
    }

    /// The names, in the order of the model or the file.
    pub fn names(&self) -> Vec<&str> {
        self.stored.iter().map(|stored| stored.name.as_str()).collect()
    }

    /// A weight's shape and numbers.
    pub fn get(&self, name: &str) -> Option<(&[usize], &[f32])> {
        let stored = self.stored.iter().find(|stored| stored.name == name)?;
        Some((&stored.shape, &stored.values))
    }

    /// The same weights under other names; what gets `None` is left out.
    pub fn renamed(self, rename: impl Fn(&str) -> Option<String>) -> Self {
        let rename = |stored: Stored| Some(Stored { name: rename(&stored.name)?, ..stored });
        Self { stored: self.stored.into_iter().filter_map(rename).collect() }
    }
}

impl TensorVisitor<f32, Dev> for Weights {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, Dev>,
        (tensor, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Infallible> {
        let shape = pytorch_shape(&name, tensor.shape().concrete().as_ref());
        // Not `copy_into`, which gives a permuted tensor's numbers in the order of memory.
        self.stored.push(Stored { name, shape, values: tensor.as_vec() });
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
