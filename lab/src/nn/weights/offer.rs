//! Stored weights, found by the names of a model: dfdx's names, PyTorch's, and what PyTorch has in one piece.

use std::collections::HashMap;
use std::convert::Infallible;

use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::shapes::Shape;
use dfdx::tensor::Tensor;

use super::Weights;
use crate::device::Dev;
use crate::nn::names::pytorch;

/// A stored weight, or a part of one.
pub(super) struct Found<'a> {
    pub(super) shape: Vec<usize>,
    pub(super) values: &'a [f32],
}

/// What may be loaded, under PyTorch's names.
pub(super) struct Offer<'a> {
    /// The model's own names and PyTorch's.
    names: HashMap<String, String>,
    found: HashMap<String, Found<'a>>,
    /// As in the file.
    order: Vec<String>,
}

impl<'a> Offer<'a> {
    pub(super) fn new(weights: &'a Weights, of_model: Vec<String>) -> Self {
        let theirs = pytorch(&of_model);
        let stored: Vec<_> = weights.stored.iter().map(|stored| stored.name.clone()).collect();
        let mut offer = Self { names: HashMap::new(), found: HashMap::new(), order: Vec::new() };
        for (stored, name) in weights.stored.iter().zip(pytorch(&stored)) {
            let found = Found { shape: stored.shape.clone(), values: &stored.values };
            if theirs.contains(&name) {
                offer.add(name, found);
            } else if !is_setting(&name, &found.shape) {
                offer.add_parts(name, found);
            }
        }
        offer.names = of_model.into_iter().zip(theirs).collect();
        offer
    }

    fn add(&mut self, name: String, found: Found<'a>) {
        self.order.push(name.clone());
        self.found.insert(name, found);
    }

    /// `torch.nn.MultiheadAttention` has the weights of queries, keys and values one after the other in
    /// `in_proj_weight`, or by themselves in `q_proj_weight`, `k_proj_weight` and `v_proj_weight`.
    fn add_parts(&mut self, name: String, found: Found<'a>) {
        let (module, last) = name.rsplit_once('.').map_or(("", name.as_str()), |(module, last)| (module, last));
        let part =
            |projection: &str, of: &str| format!("{module}.{projection}.{of}").trim_start_matches('.').to_owned();
        match (last, found.shape.as_slice()) {
            ("in_proj_weight" | "in_proj_bias", [rows, rest @ ..]) if rows.is_multiple_of(3) && *rows > 0 => {
                let shape = [&[rows / 3], rest].concat();
                let of = last.trim_start_matches("in_proj_");
                let parts = found.values.chunks_exact((found.values.len() / 3).max(1));
                for (projection, values) in ["q_proj", "k_proj", "v_proj"].into_iter().zip(parts) {
                    self.add(part(projection, of), Found { shape: shape.clone(), values });
                }
            }
            ("q_proj_weight" | "k_proj_weight" | "v_proj_weight", _) => {
                self.add(part(last.trim_end_matches("_weight"), "weight"), found);
            }
            _ => self.add(name, found),
        }
    }

    /// A weight by the model's name for it; gives PyTorch's name too.
    pub(super) fn take(&mut self, name: &str) -> (String, Option<Found<'a>>) {
        let name = self.names.remove(name).unwrap_or_else(|| name.to_owned());
        let found = self.found.remove(&name);
        (name, found)
    }

    /// What was never asked for.
    pub(super) fn left(mut self) -> Vec<String> {
        self.order.retain(|name| self.found.contains_key(name));
        self.order
    }
}

/// What dfdx writes to a file beside weights.
fn is_setting(name: &str, shape: &[usize]) -> bool {
    shape.is_empty() && matches!(name.rsplit('.').next(), Some("epsilon" | "momentum"))
}

/// The names of a model's weights, as dfdx has them.
pub(super) fn names<M: TensorCollection<f32, Dev>>(model: &M) -> Vec<String> {
    let mut names = Names(Vec::new());
    // Listing can't fail: the visitor below never returns an error.
    let _ = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut names });
    names.0
}

struct Names(Vec<String>);

impl TensorVisitor<f32, Dev> for Names {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, Dev>,
        (_, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Infallible> {
        self.0.push(name);
        Ok(None)
    }
}
