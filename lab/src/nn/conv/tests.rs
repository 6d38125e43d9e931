//! Forward and gradients equal PyTorch's on the cases in `expected.json`, and finite differences on others.

use dfdx::prelude::*;

use super::convolution::Convolution;
use super::pooling::Pooling;
use super::window::Window;
use super::*;
use crate::device::{Dev, device};
use crate::nn::check::{Expected, check_gradients, close, numbers};
use crate::nn::shape::places;
use crate::nn::{Flatten, summary};
use crate::train::{Adam, Optimizer};

fn expected() -> Expected {
    Expected::new(include_str!("expected.json"))
}

fn tensor<S: ConstShape>(values: Vec<f32>) -> Tensor<S, f32, Dev> {
    device().tensor_from_vec(values, S::default())
}

/// Runs a layer on a case and compares output and the gradient of the input; gives all gradients.
fn check<In: ConstShape, M, Out: ConstShape>(case: &str, layer: &M) -> Gradients<f32, Dev>
where
    M: Module<Tensor<In, f32, Dev, OwnedTape<f32, Dev>>, Output = Tensor<Out, f32, Dev, OwnedTape<f32, Dev>>>,
{
    let expected = expected();
    let x = tensor::<In>(expected.row(case, "x"));
    let y = layer.forward(x.leaky_trace());
    expected.check(case, "y", &y.as_vec());
    let loss = (y.square() / 2.0).reshape_like(&(expected.row(case, "y").len(),)).sum::<Rank0, _>();
    let gradients = loss.backward();
    expected.check(case, "dx", &gradients.get(&x).as_vec());
    gradients
}

#[test]
fn convolution_equals_pytorch() {
    let expected = expected();
    let mut layer = device().build_module::<Conv2D<2, 3, 3, 3, 2>, f32>();
    layer.weight.copy_from(&expected.row("conv2d", "weight"));
    layer.bias.copy_from(&expected.row("conv2d", "bias"));
    let gradients = check::<Rank4<2, 2, 5, 4>, _, Rank4<2, 3, 3, 2>>("conv2d", &layer);
    expected.check("conv2d", "dweight", &gradients.get(&layer.weight).as_vec());
    expected.check("conv2d", "dbias", &gradients.get(&layer.bias).as_vec());

    let mut layer = device().build_module::<Conv2D<2, 2, 3, 3, 3, 2, 1>, f32>();
    layer.weight.copy_from(&expected.row("conv2d strided", "weight"));
    layer.bias.copy_from(&expected.row("conv2d strided", "bias"));
    let gradients = check::<Rank4<2, 2, 5, 6>, _, Rank4<2, 2, 3, 3>>("conv2d strided", &layer);
    expected.check("conv2d strided", "dweight", &gradients.get(&layer.weight).as_vec());
    expected.check("conv2d strided", "dbias", &gradients.get(&layer.bias).as_vec());

    let mut layer = device().build_module::<Conv1D<3, 2, 3, 5, 1, 1>, f32>();
    layer.weight.copy_from(&expected.row("conv1d", "weight"));
    layer.bias.copy_from(&expected.row("conv1d", "bias"));
    let gradients = check::<Rank3<2, 3, 5>, _, Rank3<2, 2, 5>>("conv1d", &layer);
    expected.check("conv1d", "dweight", &gradients.get(&layer.weight).as_vec());
    expected.check("conv1d", "dbias", &gradients.get(&layer.bias).as_vec());
}

#[test]
fn pooling_equals_pytorch() {
    check::<Rank4<2, 2, 4, 6>, _, Rank4<2, 2, 2, 3>>("maxpool2d", &MaxPool2D::<2, 2, 3>);
    check::<Rank4<1, 2, 5, 5>, _, Rank4<1, 2, 3, 3>>("maxpool2d overlapping", &MaxPool2D::<3, 3, 3, 2, 1>);
    check::<Rank4<1, 2, 5, 5>, _, Rank4<1, 2, 3, 3>>("avgpool2d", &AvgPool2D::<3, 3, 3, 2, 1>);
    check::<Rank3<2, 2, 6>, _, Rank3<2, 2, 3>>("maxpool1d", &MaxPool1D::<2, 3>);
    check::<Rank3<2, 2, 4>, _, Rank3<2, 2, 3>>("avgpool1d", &AvgPool1D::<2, 3, 1>);
}

fn window(channels: usize, size: [usize; 2], kernel: [usize; 2], stride: usize, padding: usize) -> Window {
    let places = [0, 1].map(|axis| places(size[axis], kernel[axis], stride, padding));
    Window { channels, size, kernel, stride: [stride; 2], padding: [padding; 2], places }
}

#[test]
fn gradients_are_finite_differences() {
    for (size, kernel, stride, padding) in [([4, 5], [3, 2], 1, 0), ([5, 5], [3, 3], 2, 1), ([3, 4], [2, 2], 3, 1)] {
        let window = window(2, size, kernel, stride, padding);
        let inputs = [numbers(3 * window.picture(), 1), numbers(2 * window.sees(), 2), numbers(2, 3)];
        check_gradients(|| Convolution::new(window, 2), &inputs);
        check_gradients(|| Pooling::mean(Window { channels: 1, ..window }), &inputs[..1]);
        // Numbers further apart than the step, so that the largest stays the largest.
        let apart: Vec<f32> = (0..inputs[0].len()).map(|i| ((i * 37) % 101) as f32 / 10.0).collect();
        check_gradients(|| Pooling::largest(Window { channels: 1, ..window }), &[apart]);
    }
}

#[test]
fn a_batch_over_several_jobs_equals_its_pictures_one_by_one() {
    let layer = device().build_module::<Conv2D<3, 4, 3, 30, 30, 1, 1>, f32>();
    let all: Tensor<Rank4<9, 3, 30, 30>, f32, _> = device().sample_normal();
    let together = layer.forward(all.leaky_trace());
    let values = all.as_vec();
    let mut weight = vec![0.0; layer.weight.as_vec().len()];
    for (picture, expected) in values.chunks(3 * 900).zip(together.as_vec().chunks(4 * 900)) {
        let y = layer.forward(tensor::<Rank4<1, 3, 30, 30>>(picture.to_vec()).leaky_trace());
        close("output", &y.as_vec(), expected, 1e-6);
        let part = y.square().mean().backward().get(&layer.weight).as_vec();
        weight.iter_mut().zip(part).for_each(|(sum, part)| *sum += part / 9.0);
    }
    let gradients = together.square().mean().backward();
    close("gradient", &gradients.get(&layer.weight).as_vec(), &weight, 1e-5);
}

/// dfdx's own layer, which models with convolutions use.
#[test]
fn batch_normalization_trains_and_evaluates_as_pytorch() {
    let (expected, case) = (expected(), "batchnorm2d");
    let mut layer = device().build_module::<builders::BatchNorm2D<2>, f32>();
    layer.scale.copy_from(&expected.row(case, "weight"));
    layer.bias.copy_from(&expected.row(case, "bias"));
    let x = tensor::<Rank4<3, 2, 2, 2>>(expected.row(case, "x"));
    let y = layer.forward_mut(x.leaky_trace());
    expected.check(case, "y", &y.as_vec());
    let gradients = (y.square() / 2.0).sum::<Rank0, _>().backward();
    expected.check(case, "dx", &gradients.get(&x).as_vec());
    expected.check(case, "dweight", &gradients.get(&layer.scale).as_vec());
    expected.check(case, "dbias", &gradients.get(&layer.bias).as_vec());
    expected.check(case, "running_mean", &layer.running_mean.as_vec());
    expected.check(case, "running_var", &layer.running_var.as_vec());
    expected.check(case, "evaluated", &layer.forward(x).as_vec());
}

#[test]
fn max_pooling_keeps_nan() {
    let x = tensor::<Rank4<1, 1, 2, 2>>(vec![1.0, f32::NAN, 3.0, 2.0]);
    assert!(MaxPool2D::<2, 1, 1>.forward(x).as_vec()[0].is_nan());
}

#[test]
fn a_model_with_convolutions_trains_and_is_summarised() {
    type Model = (Conv2D<1, 4, 3, 6, 6>, ReLU, MaxPool2D<2, 3, 3>, Flatten<36>, Linear<36, 2>);
    let dev = device();
    let mut model = dev.build_module::<Model, f32>();
    assert_eq!(summary(&model).parameters(), 4 * 9 + 4 + 36 * 2 + 2);
    // Pictures with a bright left or a bright right half.
    let picture = |i: usize| (0..64).map(move |p| f32::from(u8::from((p % 8 < 4) == i.is_multiple_of(2))));
    let noise = numbers(16 * 64, 5);
    let x: Vec<f32> = (0..16).flat_map(picture).zip(noise).map(|(pixel, noise)| pixel + noise / 4.0).collect();
    let x = tensor::<Rank4<16, 1, 8, 8>>(x);
    let y = tensor::<Rank2<16, 2>>((0..16).flat_map(|i| if i % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] }).collect());
    let mut adam = Adam::new(0.01);
    let mut losses = Vec::new();
    for _ in 0..60 {
        let scores = model.forward_mut(x.trace(model.alloc_grads()));
        let loss = cross_entropy_with_logits_loss(scores, y.clone());
        losses.push(loss.array());
        adam.update(&mut model, &loss.backward()).expect("a step");
    }
    assert!(losses[59] < 0.05 && losses[59] < losses[0] / 10.0, "{losses:?}");
}

#[test]
fn initial_weights_are_within_their_bound() {
    let layer = device().build_module::<Conv2D<4, 8, 3, 4, 4>, f32>();
    let bound = 1.0 / 6.0;
    let values = layer.weight.as_vec();
    assert!(values.iter().all(|value| value.abs() <= bound) && values.iter().any(|value| value.abs() > bound * 0.9));
}
