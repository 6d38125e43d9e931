//! Outputs and gradients equal PyTorch's on the cases in `expected.json`, and finite differences on others.

use std::convert::Infallible;

use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorMut, ViewTensorName};
use dfdx::prelude::{Module, *};

use super::position::AddPositions;
use super::product::{Attend, Sizes};
use super::{
    AttentionMask, CausalTransformerBlock, LearnedPositions, MultiHeadAttention, SinusoidalPositions,
    TransformerDecoderBlock, TransformerEncoderBlock, scaled_dot_product_attention,
};
use crate::device::{Dev, device, seed_random};
use crate::nn::check::{Expected, check_gradients, close, numbers};
use crate::nn::{AccurateGeLU, summary};

type Rows<const S: usize, T = NoneTape> = Tensor<Rank3<2, S, 4>, f32, Dev, T>;
type Taped = OwnedTape<f32, Dev>;

fn expected() -> Expected {
    Expected::new(include_str!("expected.json"))
}

fn rows<const S: usize>(case: &str, name: &str) -> Rows<S> {
    device().tensor_from_vec(expected().row(case, name), (Const, Const, Const))
}

/// The padding of the memory in the cases.
fn padding() -> AttentionMask {
    AttentionMask::none()
        .with_padding(vec![vec![false, false, false, true, true], vec![false, false, true, false, false]])
}

/// Fills a model with a case's weights, or compares its gradients with the case's.
struct Weights<'a> {
    case: &'a str,
    gradients: Option<&'a Gradients<f32, Dev>>,
}

impl Weights<'_> {
    fn visit_all<M: TensorCollection<f32, Dev>>(mut self, model: &mut M) {
        let _ = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut self });
    }
}

impl TensorVisitor<f32, Dev> for Weights<'_> {
    type Viewer = (ViewTensorMut, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, Dev>,
        (tensor, name): (&mut Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Infallible> {
        match self.gradients {
            None => tensor.copy_from(&expected().row(self.case, &name)),
            Some(gradients) => expected().check(self.case, &format!("d{name}"), &gradients.get(tensor).as_vec()),
        }
        Ok(None)
    }
}

/// Builds a model with a case's weights, runs it, and compares output and gradients.
fn check<M, const S: usize>(case: &str, run: impl Fn(&M::Built, Rows<S, Taped>) -> Rows<S, Taped>)
where
    M: BuildOnDevice<Dev, f32>,
{
    let mut model = device().build_module::<M, f32>();
    Weights { case, gradients: None }.visit_all(&mut model);
    let x = rows::<S>(case, "x");
    let y = run(&model, x.leaky_trace());
    expected().check(case, "y", &y.as_vec());
    let gradients = (y.square() / 2.0).sum::<Rank0, _>().backward();
    expected().check(case, "dx", &gradients.get(&x).as_vec());
    Weights { case, gradients: Some(&gradients) }.visit_all(&mut model);
}

fn check_product<const K: usize>(case: &str, mask: &AttentionMask) {
    let (q, k, v) = (rows::<3>(case, "q"), rows::<K>(case, "k"), rows::<K>(case, "v"));
    let y = scaled_dot_product_attention::<2, 4, _, _, _, _>(q.leaky_trace(), &k, &v, mask).expect("an output");
    expected().check(case, "y", &y.as_vec());
    let gradients = (y.square() / 2.0).sum::<Rank0, _>().backward();
    expected().check(case, "dq", &gradients.get(&q).as_vec());
    expected().check(case, "dk", &gradients.get(&k).as_vec());
    expected().check(case, "dv", &gradients.get(&v).as_vec());
}

#[test]
fn the_product_equals_pytorch() {
    check_product::<3>("causal product", &AttentionMask::causal());
    check_product::<5>("padded product", &padding());
}

#[test]
fn multi_head_attention_equals_pytorch() {
    let mask = AttentionMask::causal().with_lengths(&[3, 2], 3);
    check::<MultiHeadAttention<4, 2>, 3>("self-attention, causal and padded", |model, x| model.forward((x, &mask)));
    let mask = AttentionMask::none().with_lengths(&[3, 2], 3);
    check::<MultiHeadAttention<4, 2, true>, 3>("self-attention, causal and padded", |model, x| {
        model.forward((x, &mask))
    });
    check::<MultiHeadAttention<4, 2>, 3>("cross-attention", |model, x| {
        model.forward((x, rows::<5>("cross-attention", "memory"), &padding()))
    });
}

#[test]
fn blocks_equal_pytorch() {
    check::<TransformerEncoderBlock<4, 2, 6>, 3>("encoder block", |model, x| model.forward(x));
    check::<TransformerEncoderBlock<4, 2, 6, true, AccurateGeLU>, 3>("encoder block, norm first, gelu", |model, x| {
        model.forward(x)
    });
    check::<CausalTransformerBlock<4, 2, 6, true>, 3>("causal block, norm first", |model, x| model.forward(x));
    check::<TransformerDecoderBlock<4, 2, 6>, 3>("decoder block", |model, x| {
        model.forward((x, rows::<5>("decoder block", "memory"), &padding()))
    });
}

#[test]
fn the_gradient_of_a_memory_reaches_what_made_it() {
    let case = "decoder block";
    let mut model = device().build_module::<TransformerDecoderBlock<4, 2, 6>, f32>();
    Weights { case, gradients: None }.visit_all(&mut model);
    let source = rows::<5>(case, "memory");
    // The memory is half of twice the source, so their gradients are equal.
    let (memory, tape) = (source.leaky_trace() * 2.0 / 2.0).split_tape();
    let y = model.forward((rows::<3>(case, "x").put_tape(tape), memory, &padding()));
    let gradients = (y.square() / 2.0).sum::<Rank0, _>().backward();
    expected().check(case, "dmemory", &gradients.get(&source).as_vec());
}

#[test]
fn gradients_are_finite_differences() {
    let sizes = Sizes { batch: 2, heads: 2, queries: 3, keys: 4, dim: 6 };
    let inputs = [numbers(36, 1), numbers(48, 2), numbers(48, 3)];
    check_gradients(|| Attend::new(sizes, AttentionMask::causal(), 0), &inputs);
    check_gradients(|| Attend::new(sizes, AttentionMask::none().with_lengths(&[2, 0], 4), 0), &inputs);
    let dropping = || {
        seed_random(1, 2);
        Attend::new(sizes, AttentionMask::causal(), 40)
    };
    check_gradients(dropping, &inputs);
    check_gradients(|| AddPositions { rows: 2, dim: 3, table: None }, &[numbers(12, 4), numbers(9, 5)]);
}

#[test]
fn with_everything_hidden_there_are_zeros_and_no_nan() {
    let x: Rows<3> = device().sample_normal();
    let mask = AttentionMask::none().with_lengths(&[3, 0], 3);
    let y = scaled_dot_product_attention::<2, 4, _, _, _, _>(x.leaky_trace(), &x, &x, &mask).expect("an output");
    assert!(y.as_vec()[12..].iter().all(|value| *value == 0.0) && y.as_vec()[..12].iter().all(|value| *value != 0.0));
    let gradient = y.square().mean::<Rank0, _>().backward().get(&x).as_vec();
    assert!(gradient.iter().all(|value| value.is_finite()));
}

#[test]
fn a_mask_for_other_sizes_is_refused() {
    let model = device().build_module::<MultiHeadAttention<4, 2>, f32>();
    let x: Rows<3> = device().sample_normal();
    let refused = |mask: AttentionMask| model.try_forward((x.clone(), &mask)).expect_err("an error").to_string();
    let batch = refused(AttentionMask::none().with_lengths(&[1], 3));
    assert!(batch.contains("1 sequences") && batch.contains("batch has 2"), "{batch}");
    let keys = refused(AttentionMask::none().with_lengths(&[1, 1], 4));
    assert!(keys.contains("sequence 0") && keys.contains("4 keys") && keys.contains("there are 3"), "{keys}");
}

#[test]
fn positions_are_those_of_the_paper() {
    let model = device().build_module::<SinusoidalPositions<8, 4>, f32>();
    let y = model.forward(device().zeros::<Rank3<2, 3, 4>>());
    let at = |p: f64| [p.sin(), p.cos(), (p / 100.0).sin(), (p / 100.0).cos()].map(|value| value as f32);
    let expected: Vec<f32> = [0., 1., 2., 0., 1., 2.].into_iter().flat_map(at).collect();
    close("sinusoids", &y.as_vec(), &expected, 1e-6);

    let model = device().build_module::<LearnedPositions<5, 4>, f32>();
    let y = model.forward(device().zeros::<Rank3<2, 3, 4>>().leaky_trace());
    assert_eq!(y.as_vec()[12..], model.weight.as_vec()[..12]);
    let gradient = y.sum::<Rank0, _>().backward().get(&model.weight).as_vec();
    assert_eq!(gradient, [vec![2.0; 12], vec![0.0; 8]].concat(), "each of three positions, in both sequences");
    assert!(model.try_forward(device().zeros::<Rank3<2, 6, 4>>()).is_err(), "longer than the table");
}

#[test]
fn blocks_stand_in_tuples_with_the_names_of_pytorch() {
    type Model = (SinusoidalPositions<16, 4>, Repeated<CausalTransformerBlock<4, 2, 6>, 2>, Linear<4, 7>);
    let model = device().build_module::<Model, f32>();
    let x: Tensor<Rank3<2, 5, 4>, f32, _> = device().sample_normal();
    let y: Tensor<Rank3<2, 5, 7>, f32, _, _> = model.forward(x.leaky_trace());
    assert_eq!(y.as_vec().len(), 70);
    let text = format!("{:?}", summary(&model));
    for name in ["1.0.self_attn.q_proj.weight", "1.1.linear2.bias", "1.1.norm2.weight", "2.weight"] {
        assert!(text.contains(&format!("{name:?}")), "{name} in {text}");
    }
}

#[test]
fn a_causal_block_does_not_look_ahead() {
    let model = device().build_module::<CausalTransformerBlock<4, 2, 6>, f32>();
    let x: Rows<3> = device().sample_normal();
    let mut changed = x.as_vec();
    changed[8..12].fill(9.0); // the last position of the first sequence
    let y = model.forward(x).as_vec();
    let other = model.forward(device().tensor_from_vec(changed, (Const::<2>, Const::<3>, Const::<4>))).as_vec();
    assert_eq!(y[..8], other[..8]);
    assert_ne!(y[8..12], other[8..12]);
}

#[test]
fn weights_are_what_a_row_looks_at() {
    let layer = device().build_module::<MultiHeadAttention<4, 2, true>, f32>();
    let x: Rows<3> = device().sample_normal();
    let weights = layer.weights(&x, &AttentionMask::none()).expect("weights");
    assert_eq!(weights.shape().concrete(), [2, 2, 3, 3]);
    for (i, row) in weights.as_vec().chunks(3).enumerate() {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
        assert!(row[i % 3 + 1..].iter().all(|later| *later == 0.0), "{row:?}");
    }
    // The last row of the second head of the first sequence, from the definition.
    let (queries, keys) = (layer.q_proj.forward(x.clone()).as_vec(), layer.k_proj.forward(x).as_vec());
    let score = |key: usize| {
        let products = queries[8 + 2..8 + 4].iter().zip(&keys[4 * key + 2..]);
        (products.map(|(query, key)| query * key).sum::<f32>() / 2f32.sqrt()).exp()
    };
    let sum: f32 = (0..3).map(score).sum();
    let expected: Vec<f32> = (0..3).map(|key| score(key) / sum).collect();
    close("weights", &weights.as_vec()[9 + 6..18], &expected, 1e-5);
}
