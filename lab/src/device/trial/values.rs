//! The processor's values in a file, and how far others are from them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;

use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use crate::device::Dev;

/// Numbers by name.
pub(super) type Named = BTreeMap<String, Vec<f32>>;

/// What a case gives.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Rows {
    /// Outputs, or weights after a step.
    pub(super) values: Named,
    /// Gradients of one loss.
    pub(super) gradients: Named,
}

/// All that is compared.
#[derive(Serialize, Deserialize)]
pub(super) struct Values {
    pub(super) cases: BTreeMap<String, Rows>,
    /// Of training, step by step.
    pub(super) losses: Vec<f32>,
}

impl Values {
    #[cfg(not(feature = "gpu"))]
    pub(super) fn write(&self) {
        std::fs::write(path(), serde_json::to_vec(self).expect("JSON")).expect("a file");
    }

    #[cfg(feature = "gpu")]
    pub(super) fn read() -> Self {
        let path = path();
        let json = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&json).expect("the processor's values")
    }
}

fn path() -> PathBuf {
    std::env::var_os("ASSAY_VALUES").expect("ASSAY_VALUES names the file of the processor's values").into()
}

/// How far a row is from what was expected.
#[cfg(feature = "gpu")]
pub(super) struct Difference {
    pub(super) what: String,
    /// As a share of the size of what was expected.
    pub(super) off: f64,
}

#[cfg(feature = "gpu")]
impl Rows {
    /// How far each row is from the expected one, as a share of its size. The size is the root of the mean square, for
    /// that is what bounds the error of a product (Higham, *Accuracy and Stability of Numerical Algorithms*, 3.5): an
    /// element in which large terms cancel has no small error of its own. So it is for a gradient of zero, as that of
    /// the bias of keys, which softmax takes no notice of: its size is that of all gradients of the case.
    ///
    /// Expected values are the processor's in fp32, themselves 1e-6 off or less.
    pub(super) fn differences(&self, case: &str, expected: &Self) -> Vec<Difference> {
        let all = size(expected.gradients.values().flatten().copied());
        let values = compare(case, &self.values, &expected.values, 0.0);
        let gradients = compare(&format!("{case}, gradient"), &self.gradients, &expected.gradients, all);
        values.into_iter().chain(gradients).collect()
    }
}

#[cfg(feature = "gpu")]
fn compare(case: &str, got: &Named, expected: &Named, least: f64) -> Vec<Difference> {
    assert!(got.keys().eq(expected.keys()), "the same rows: {:?}, {:?}", got.keys(), expected.keys());
    let pairs = got.iter().zip(expected.values()).map(|((name, got), expected)| {
        assert_eq!(got.len(), expected.len(), "{case}: {name}");
        let scale = size(expected.iter().copied()).max(least);
        let off = size(got.iter().zip(expected).map(|(got, expected)| got - expected));
        Difference { what: format!("{case}: {name}"), off: if off == 0.0 { 0.0 } else { off / scale } }
    });
    pairs.collect()
}

/// The root of the mean square.
#[cfg(feature = "gpu")]
fn size(numbers: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0u32), |(sum, count), number| (sum + f64::from(number).powi(2), count + 1));
    (sum / f64::from(count.max(1))).sqrt()
}

/// The weights of a model, or their gradients, by name.
pub(super) fn of_model<M: TensorCollection<f32, Dev>>(model: &M, gradients: Option<&Gradients<f32, Dev>>) -> Named {
    let mut collect = Collect { gradients, found: Named::new() };
    let Ok(_) = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut collect });
    collect.found
}

struct Collect<'a> {
    gradients: Option<&'a Gradients<f32, Dev>>,
    found: Named,
}

impl TensorVisitor<f32, Dev> for Collect<'_> {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        (tensor, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Infallible> {
        match self.gradients {
            None => drop(self.found.insert(name, tensor.as_vec())),
            Some(gradients) if options.do_gradient_update => {
                self.found.insert(name, gradients.get(tensor).as_vec());
            }
            Some(_) => {}
        }
        Ok(None)
    }
}
