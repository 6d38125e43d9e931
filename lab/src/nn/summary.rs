//! A model as a table: each layer's parameters, how many numbers they are, and their bytes.

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
        let mut table = Table::new(&["layer", "parameters", "numbers", "bytes"]).left(0).left(1).caption(caption);
        for layer in self.parameters.chunk_by(|one, other| one.layer() == other.layer()) {
            let parameters: Vec<_> = layer.iter().map(Parameter::text).collect();
            let numbers: usize = layer.iter().map(Parameter::len).sum();
            let bytes = numbers * size_of::<f32>();
            let name = layer[0].layer().to_owned();
            table.row(&[name, parameters.join(", "), numbers.to_string(), bytes.to_string()]);
        }
        table
    }
}

impl Parameter {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The name up to the last full stop.
    fn layer(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(layer, _)| layer)
    }

    /// The rest of the name, and the shape.
    fn text(&self) -> String {
        let name = self.name.rsplit_once('.').map_or(self.name.as_str(), |(_, name)| name);
        let sizes: Vec<_> = self.shape.iter().map(usize::to_string).collect();
        let trained = if self.trained { "" } else { " (not trained)" };
        format!("{name} {}{trained}", sizes.join(" × "))
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
    use dfdx::nn::builders::{BatchNorm1D, Linear, ReLU};

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

    #[test]
    fn each_layer_has_a_line_with_its_bytes() {
        let model = Dev::default().build_module::<(Linear<3, 4>, BatchNorm1D<4>), f32>();
        let shown = summary(&model).show();
        let text = shown.plain().expect("text");
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).expect("a line").to_owned();
        assert!(line("0 ").contains("weight 4 × 3, bias 4") && line("0 ").ends_with("16     64"), "{text}");
        assert!(line("1 ").contains("running_var 4 (not trained)") && line("1 ").ends_with("16     64"), "{text}");
        assert!(text.contains("32 parameters, 24 of them trained, 128 bytes"), "{text}");
    }
}
