//! A model as a table: each parameter's name, shape and size.

use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::Tensor;

use crate::device::Dev;
use crate::display::{MimeBundle, Show, Table};

/// The parameters of a model, in the order in which it has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    parameters: Vec<Parameter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parameter {
    name: String,
    shape: Vec<usize>,
    trained: bool,
}

/// Lists a model's parameters by the names that a safetensors file of it has.
pub fn summary<M: TensorCollection<f32, Dev>>(model: &M) -> Summary {
    let mut summary = Summary::default();
    // Listing can't fail: the visitor below never returns an error.
    let _ = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut summary });
    summary
}

impl TensorVisitor<f32, Dev> for Summary {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = std::convert::Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        (tensor, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Self::Err> {
        self.add(name, tensor.shape().concrete().as_ref(), options.do_gradient_update);
        Ok(None)
    }
}

impl Summary {
    fn add(&mut self, name: String, shape: &[usize], trained: bool) {
        self.parameters.push(Parameter { name, shape: shape.to_vec(), trained });
    }

    /// How many numbers the model has.
    pub fn parameters(&self) -> usize {
        self.parameters.iter().map(Parameter::len).sum()
    }

    /// How many of them training changes.
    pub fn trained(&self) -> usize {
        self.parameters.iter().filter(|parameter| parameter.trained).map(Parameter::len).sum()
    }

    fn table(&self) -> Table {
        let bytes = self.parameters() * size_of::<f32>();
        let caption = format!("{} parameters, {} of them trained, {bytes} bytes", self.parameters(), self.trained());
        let mut table = Table::new(&["parameter", "shape", "numbers"]).left(0).caption(caption);
        for parameter in &self.parameters {
            let sizes: Vec<_> = parameter.shape.iter().map(usize::to_string).collect();
            table.row(&[parameter.name.clone(), sizes.join(" × "), parameter.len().to_string()]);
        }
        table
    }
}

impl Parameter {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Show for Summary {
    fn show(&self) -> MimeBundle {
        self.table().show()
    }
}

#[cfg(test)]
mod tests {
    use dfdx::nn::DeviceBuildExt;
    use dfdx::nn::builders::{Linear, ReLU};

    use super::*;

    #[test]
    fn names_shapes_and_counts() {
        let model = Dev::default().build_module::<(Linear<3, 4>, ReLU, Linear<4, 2>), f32>();
        let summary = summary(&model);
        assert_eq!(summary.parameters(), 3 * 4 + 4 + 4 * 2 + 2);
        assert_eq!(summary.trained(), summary.parameters());
        let names: Vec<_> = summary.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        assert_eq!(summary.parameters[0].shape, [4, 3]);
    }
}
