//! A model as a table: what each layer gives, its parameters, how many numbers they are, and their bytes.

mod layers;

use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::Tensor;

use self::layers::{Layer, Walk, sizes};
pub use self::layers::{Layers, Shown, SummaryLayer};
use crate::device::Dev;
use crate::display::{MimeBundle, Show, Table};
use crate::nn::names::pytorch;

/// The parameters of a model, in the order in which it has them; and its layers, if it was run on an example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    parameters: Vec<Parameter>,
    layers: Vec<Layer>,
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
    let names: Vec<_> = summary.parameters.iter().map(|parameter| parameter.name.clone()).collect();
    for (parameter, name) in summary.parameters.iter_mut().zip(pytorch(&names)) {
        parameter.name = name;
    }
    summary
}

/// Runs a model on an example without a tape and lists its layers: the shape of what each gives, how many parameters
/// it has, their bytes. Layers without parameters are listed too; a block is one layer.
///
/// ```
/// use lab::prelude::*;
///
/// type Model = (Conv2D<1, 8, 3, 26, 26>, ReLU, MaxPool2D<2, 13, 13>, Flatten<1352>, Linear<1352, 10>);
/// let model = crate::device::device().build_module::<Model, f32>();
/// let summary = summary_for(&model, crate::device::device().zeros::<Rank4<64, 1, 28, 28>>())?;
/// assert_eq!(summary.parameters(), 8 * 9 + 8 + 1352 * 10 + 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As the model's `try_forward`.
pub fn summary_for<X, M: Layers<X> + TensorCollection<f32, Dev>>(model: &M, example: X) -> Result<Summary, M::Error> {
    let mut walk = Walk::default();
    model.run(example, &mut walk)?;
    Ok(Summary { layers: walk.into_layers(), ..summary(model) })
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
        if self.layers.is_empty() { self.of_parameters(caption) } else { self.of_layers(caption) }
    }

    fn of_layers(&self, caption: String) -> Table {
        let header = ["", "layer", "output", "parameters", "bytes"];
        let mut table = Table::new(&header).left(0).left(1).left(2).caption(caption);
        for Layer { path, name, output, parameters } in &self.layers {
            let bytes = parameters * size_of::<f32>();
            table.row(&[path.clone(), name.clone(), output.clone(), parameters.to_string(), bytes.to_string()]);
        }
        table
    }

    fn of_parameters(&self, caption: String) -> Table {
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
        let trained = if self.trained { "" } else { " (not trained)" };
        format!("{name} {}{trained}", sizes(&self.shape))
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
    use dfdx::nn::builders::{BatchNorm1D, Embedding, Linear, ReLU, Repeated, Residual};
    use dfdx::shapes::{Rank1, Rank4};
    use dfdx::tensor::{TensorFrom, ZerosTensor};

    use super::*;
    use crate::nn::{CausalTransformerBlock, Conv2D, Dropout, Flatten, LSTM, LastStep};

    #[test]
    fn names_shapes_and_counts() {
        let model = crate::device::device().build_module::<(Linear<3, 4>, ReLU, Linear<4, 2>), f32>();
        let summary = summary(&model);
        assert_eq!(summary.parameters(), 3 * 4 + 4 + 4 * 2 + 2);
        assert_eq!(summary.trained(), summary.parameters());
        let names: Vec<_> = summary.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        assert_eq!(summary.parameters[0].shape, [4, 3]);
    }

    #[test]
    fn each_layer_has_a_line_with_its_bytes() {
        let model = crate::device::device().build_module::<(Linear<3, 4>, BatchNorm1D<4>), f32>();
        let shown = summary(&model).show();
        let text = shown.plain().expect("text");
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).expect("a line").to_owned();
        assert!(line("0 ").contains("weight 4 × 3, bias 4") && line("0 ").ends_with("16     64"), "{text}");
        assert!(
            line("1 ").contains("weight 4, bias 4, running_mean 4 (not trained), running_var 4 (not trained)")
                && line("1 ").ends_with("16     64"),
            "{text}"
        );
        assert!(text.contains("32 parameters, 24 of them trained, 128 bytes"), "{text}");
    }
    /// The rows of a summary of layers, each as path, name, output, parameters.
    fn rows(summary: &Summary) -> Vec<String> {
        let row = |layer: &Layer| format!("{} {} {} {}", layer.path, layer.name, layer.output, layer.parameters);
        summary.layers.iter().map(row).collect()
    }

    #[test]
    fn layers_are_listed_with_what_they_give() {
        type Body = (Conv2D<1, 2, 3, 4, 4>, ReLU, Dropout<20>, Flatten<32>);
        type Model = (Body, Residual<(Linear<32, 32>, ReLU)>, Repeated<Linear<32, 32>, 2>, Linear<32, 3>);
        let model = crate::device::device().build_module::<Model, f32>();
        let summary = summary_for(&model, crate::device::device().zeros::<Rank4<5, 1, 6, 6>>()).expect("a summary");
        assert_eq!(
            rows(&summary),
            [
                "0.0 Conv2D<1, 2, 3, 4, 4> 5 × 2 × 4 × 4 20",
                "0.1 ReLU 5 × 2 × 4 × 4 0",
                "0.2 Dropout<20> 5 × 2 × 4 × 4 0",
                "0.3 Flatten<32> 5 × 32 0",
                "1.0.0 Linear<32, 32> 5 × 32 1056",
                "1.0.1 ReLU 5 × 32 0",
                "1 Residual 5 × 32 0",
                "2.0 Linear<32, 32> 5 × 32 1056",
                "2.1 Linear<32, 32> 5 × 32 1056",
                "3 Linear<32, 3> 5 × 3 99",
            ]
        );
        let shown = summary.show();
        let text = shown.plain().expect("text");
        assert!(text.contains("3287 parameters, 3287 of them trained, 13148 bytes"), "{text}");
        let line = text.lines().find(|line| line.starts_with("0.3 ")).expect("a line");
        assert!(line.contains("Flatten<32>") && line.contains("5 × 32 ") && line.ends_with("0      0"), "{text}");
    }

    #[test]
    fn tokens_sequences_and_layers_of_ones_own_are_listed() {
        struct Twice(Built);
        type Built = dfdx::nn::modules::Linear<4, 4, f32, Dev>;
        impl SummaryLayer for Twice {}
        impl<X> dfdx::nn::Module<X> for Twice
        where
            Built: dfdx::nn::Module<X, Output = X>,
        {
            type Output = X;
            type Error = <Built as dfdx::nn::Module<X>>::Error;
            fn try_forward(&self, x: X) -> Result<X, Self::Error> {
                self.0.try_forward(self.0.try_forward(x)?)
            }
        }
        impl TensorCollection<f32, Dev> for Twice {
            type To<E: dfdx::shapes::Dtype, D: dfdx::tensor_ops::Device<E>> = dfdx::nn::modules::Linear<4, 4, E, D>;
            fn iter_tensors<V: dfdx::nn::tensor_collection::ModuleVisitor<Self, f32, Dev>>(
                visitor: &mut V,
            ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
                visitor.visit_fields(Self::module("linear", |s| &s.0, |s| &mut s.0), |linear| linear)
            }
        }
        type Start = (Embedding<7, 4>, CausalTransformerBlock<4, 2, 8, true>, LSTM<4, 4>, LastStep);
        let dev = crate::device::device();
        let model = (dev.build_module::<Start, f32>(), Twice(dev.build_module::<Linear<4, 4>, f32>()));
        let summary = summary_for(&model, dev.tensor([[0usize, 1, 2], [3, 4, 5]])).expect("a summary");
        assert_eq!(
            rows(&summary),
            [
                "0.0 Embedding<7, 4> 2 × 3 × 4 28",
                "0.1 TransformerBlock<4, 2, 8, true, true> 2 × 3 × 4 172",
                "0.2 LSTM<4, 4> 2 × 3 × 4 160",
                "0.3 LastStep 2 × 4 0",
                "1 Twice 2 × 4 20",
            ]
        );
        let one = summary_for(&dev.build_module::<Linear<4, 4>, f32>(), dev.zeros::<Rank1<4>>()).expect("a summary");
        assert_eq!(rows(&one), [" Linear<4, 4> 4 20"]);
    }
}
