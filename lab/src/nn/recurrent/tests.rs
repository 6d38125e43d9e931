//! Outputs and gradients equal PyTorch's on the cases in `expected.json`, and finite differences.

use dfdx::prelude::*;

use super::*;
use crate::device::device;
use crate::nn::check::{Expected, check_gradients, close, numbers};
use crate::nn::{Weights, init};

fn expected() -> Expected {
    Expected::new(include_str!("expected.json"))
}

macro_rules! equals_pytorch {
    ($layer:ident, $case:literal) => {{
        let expected = expected();
        let mut layer = device().build_module::<$layer<3, 4>, f32>();
        layer.weight_ih_l0.copy_from(&expected.row($case, "weight_ih_l0"));
        layer.weight_hh_l0.copy_from(&expected.row($case, "weight_hh_l0"));
        layer.bias_ih_l0.copy_from(&expected.row($case, "bias_ih_l0"));
        layer.bias_hh_l0.copy_from(&expected.row($case, "bias_hh_l0"));
        let x: Tensor<Rank3<2, 5, 3>, f32, _> = device().tensor(expected.row($case, "x"));
        let y = layer.forward(x.leaky_trace());
        expected.check($case, "y", &y.as_vec());
        let gradients = (y.square() / 2.0).sum::<Rank0, _>().backward();
        expected.check($case, "dx", &gradients.get(&x).as_vec());
        expected.check($case, "dweight_ih_l0", &gradients.get(&layer.weight_ih_l0).as_vec());
        expected.check($case, "dweight_hh_l0", &gradients.get(&layer.weight_hh_l0).as_vec());
        expected.check($case, "dbias_ih_l0", &gradients.get(&layer.bias_ih_l0).as_vec());
        expected.check($case, "dbias_hh_l0", &gradients.get(&layer.bias_hh_l0).as_vec());

        // Two steps and then three are the same as five.
        let (all, state) = layer.go_on(x.clone(), None).expect("all");
        expected.check($case, "y", &all.as_vec());
        expected.check($case, "h", &state.h.as_vec());
        expected.check($case, "c", &state.c.as_vec());
        let start: Tensor<Rank3<2, 2, 3>, f32, _> = x.clone().slice((.., ..2, ..)).realize();
        let end: Tensor<Rank3<2, 3, 3>, f32, _> = x.slice((.., 2.., ..)).realize();
        let (first, state) = layer.go_on(start, None).expect("the first steps");
        let (rest, state) = layer.go_on(end, Some(&state)).expect("the rest");
        expected.check($case, "h", &state.h.as_vec());
        close("halves", &first.as_vec()[..8], &all.as_vec()[..8], 1e-6);
        close("halves", &rest.as_vec()[..12], &all.as_vec()[8..20], 1e-6);
    }};
}

#[test]
fn layers_equal_pytorch() {
    equals_pytorch!(RNN, "RNN");
    equals_pytorch!(GRU, "GRU");
    equals_pytorch!(LSTM, "LSTM");
}

#[test]
fn gradients_are_finite_differences() {
    let sizes = Sizes { batch: 2, steps: 3, input: 2, hidden: 3 };
    for cell in [Cell::Rnn, Cell::Gru, Cell::Lstm] {
        let gates = cell.gates();
        let inputs =
            [12, gates * 6, gates * 9, gates * 3, gates * 3].into_iter().zip(1..).map(|(len, seed)| numbers(len, seed));
        let first = [numbers(6, 8), numbers(6, 9)];
        check_gradients(|| Sequence::new(cell, sizes, first.clone(), false), &inputs.collect::<Vec<_>>());
    }
    check_gradients(|| TakeLast { sequence: 6, size: 2 }, &[numbers(12, 1)]);
}

#[test]
fn the_last_step_is_the_last_row() {
    let x: Tensor<Rank3<2, 3, 2>, f32, _> = device().tensor((1u8..=12).map(f32::from).collect::<Vec<_>>());
    assert_eq!(LastStep.forward(x).array(), [[5.0, 6.0], [11.0, 12.0]]);
}

#[test]
fn layers_stand_in_tuples_and_load_the_shapes_of_pytorch() {
    type Model = (LSTM<3, 4>, LastStep, Linear<4, 2>);
    let mut model = device().build_module::<Model, f32>();
    init::xavier_uniform(&mut model, 1);
    assert!(model.0.bias_hh_l0.as_vec().iter().all(|bias| *bias == 0.0));
    let bound = (6.0f32 / (3.0 + 16.0)).sqrt();
    let most = model.0.weight_ih_l0.as_vec().into_iter().map(f32::abs).fold(0.0, f32::max);
    assert!(most <= bound && most > bound * 0.8, "{most} and {bound}");
    let y: Tensor<Rank2<5, 2>, f32, _, _> = model.forward(device().sample_normal::<Rank3<5, 7, 3>>().leaky_trace());
    assert_eq!(y.as_vec().len(), 10);

    let pytorch = device().build_module::<Linear<3, 16>, f32>();
    let stored = Weights::of(&pytorch).renamed(|name| (name == "weight").then(|| "0.weight_ih_l0".to_owned()));
    let report = stored.load_into(&mut model);
    assert_eq!(report.loaded, ["0.weight_ih_l0"], "{report}");
    assert_eq!(model.0.weight_ih_l0.as_vec(), pytorch.weight.as_vec());
}
