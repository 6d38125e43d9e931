use cuda::math::attention::{Attention, Dropout, Hidden};

use crate::dropout;
use crate::rig::{Before, close, device, empty, get, gradient, numbers, put, refused};

/// What each query looks at, before dropout.
fn weights(attention: &Attention, hidden: Option<&[bool]>, inputs: &[Vec<f64>]) -> Vec<f64> {
    let &Attention { batch, heads, queries, keys, dim, causal, .. } = attention;
    let head = dim / heads;
    let mut weights = Vec::new();
    for (sequence, of, query) in places(batch, heads, queries) {
        let part = |rows: &[f64], row: usize| rows[row * dim + of * head..][..head].to_vec();
        let q = part(&inputs[0], sequence * queries + query);
        let score = |key: usize| -> f64 {
            let k = part(&inputs[1], sequence * keys + key);
            q.iter().zip(&k).map(|(q, k)| q * k).sum::<f64>() / (head as f64).sqrt()
        };
        let sees = |key: usize| !(causal && key > query || hidden.is_some_and(|hidden| hidden[sequence * keys + key]));
        let powers: Vec<f64> = (0..keys).map(|key| if sees(key) { score(key).exp() } else { 0.0 }).collect();
        let sum: f64 = powers.iter().sum();
        weights.extend(powers.iter().map(|power| if sum > 0.0 { power / sum } else { 0.0 }));
    }
    weights
}

fn places(batch: usize, heads: usize, queries: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..batch * heads * queries).map(move |i| (i / (heads * queries), i / queries % heads, i % queries))
}

/// What dropout leaves of each weight: each row draws four keys from one place.
fn factors(attention: &Attention) -> Vec<f64> {
    let rows = attention.batch * attention.heads * attention.queries;
    let Some(Dropout { share, key }) = attention.dropout else { return vec![1.0; rows * attention.keys] };
    let row = attention.keys.next_multiple_of(4);
    let kept = dropout::kept(share, key, rows * row);
    let factor = |kept: &bool| if *kept { 1.0 / (1.0 - share) } else { 0.0 };
    kept.chunks(row.max(1)).flat_map(|kept| kept[..attention.keys].iter().map(factor)).collect()
}

fn formula(attention: &Attention, hidden: Option<&[bool]>, inputs: &[Vec<f64>]) -> Vec<f64> {
    let &Attention { batch, heads, queries, keys, dim, .. } = attention;
    let head = dim / heads;
    let weights: Vec<f64> = weights(attention, hidden, inputs)
        .iter()
        .zip(factors(attention))
        .map(|(weight, factor)| weight * factor)
        .collect();
    let mut out = vec![0.0; batch * queries * dim];
    for (row, (sequence, of, query)) in places(batch, heads, queries).enumerate() {
        for (key, i) in (0..keys * head).map(|i| (i / head, i % head)) {
            out[(sequence * queries + query) * dim + of * head + i] +=
                weights[row * keys + key] * inputs[2][(sequence * keys + key) * dim + of * head + i];
        }
    }
    out
}

#[test]
fn queries_see_values_and_gradients_reach_all_three() {
    let _device = device();
    let dropout = Some(Dropout { share: 0.4, key: 0xfeed_beef_1234 });
    for ([batch, heads, queries, keys, dim], causal, pads, dropout) in [
        ([1, 1, 1, 1, 1], false, false, None),
        ([2, 2, 3, 5, 4], false, false, None),
        ([2, 2, 5, 3, 6], true, false, None),
        ([3, 2, 4, 4, 4], true, true, None),
        ([2, 3, 2, 7, 6], false, true, dropout),
        ([1, 2, 3, 6, 4], true, false, dropout),
        ([2, 1, 3, 5, 3], false, true, dropout),
        ([2, 2, 2, 150, 2], true, false, dropout),
        ([0, 2, 2, 2, 2], false, false, None),
        ([2, 2, 0, 2, 2], false, false, None),
        ([2, 2, 2, 0, 2], false, false, None),
    ] {
        // The first sequence ends early; the last has nothing at all.
        let padding: Vec<bool> = (0..batch * keys)
            .map(|i| i / keys + 1 == batch && batch > 2 || i / keys == 0 && i % keys > keys / 2)
            .collect();
        let hidden = pads.then(|| Hidden::new(&padding).unwrap());
        let attention = Attention { batch, heads, queries, keys, dim, causal, hidden: hidden.as_ref(), dropout };
        let what = format!("{attention:?}");
        let padding = pads.then_some(&padding[..]);
        let inputs = [queries, keys, keys].map(|rows| rows * batch * dim);
        let inputs = [0, 1, 2].map(|i| numbers(inputs[i], i as u64));
        let on = [0, 1, 2].map(|i| put(&inputs[i]));
        let buffers = [on[0].buffer(), on[1].buffer(), on[2].buffer()];
        let out = empty(batch * queries * dim);
        let found = attention.attend(buffers, out.buffer()).unwrap();
        close(&format!("weights of {what}"), &get(&found), &weights(&attention, padding, &inputs));
        close(&what, &get(&out), &formula(&attention, padding, &inputs));
        let alone = attention.weights([buffers[0], buffers[1]]).unwrap();
        assert_eq!(get(&alone), get(&found), "{what}");

        let of_out = numbers(batch * queries * dim, 4);
        let to = [0, 1, 2].map(|i| Before::new(inputs[i].len()));
        let into = [to[0].buffer(), to[1].buffer(), to[2].buffer()];
        attention.attend_backward(put(&of_out).buffer(), buffers, found.buffer(), into).unwrap();
        let expected = gradient(&|inputs| formula(&attention, padding, inputs), &inputs, &of_out);
        (0..3).for_each(|i| to[i].check(&format!("gradient {i} of {what}"), &expected[i]));
    }
}

/// Rows that look at themselves without weights between: one tensor is queries, keys and values.
#[test]
fn one_buffer_may_get_all_gradients() {
    let _device = device();
    for [batch, heads] in [[2, 2], [1, 2]] {
        let attention =
            Attention { batch, heads, queries: 5, keys: 5, dim: 4, causal: true, hidden: None, dropout: None };
        let x = numbers(batch * 20, 1);
        let (on, out, of_out, to) = (put(&x), empty(batch * 20), numbers(batch * 20, 2), Before::new(batch * 20));
        let weights = attention.attend([on.buffer(); 3], out.buffer()).unwrap();
        attention.attend_backward(put(&of_out).buffer(), [on.buffer(); 3], weights.buffer(), [to.buffer(); 3]).unwrap();
        let all = |x: &[Vec<f64>]| formula(&attention, None, &[x[0].clone(), x[0].clone(), x[0].clone()]);
        to.check("one buffer", &gradient(&all, &[x], &of_out)[0]);
    }
}

#[test]
fn large_scores_are_weighed_and_nan_is_not_lost() {
    let _device = device();
    let attention =
        Attention { batch: 1, heads: 1, queries: 2, keys: 2, dim: 1, causal: false, hidden: None, dropout: None };
    let weights = attention.weights([put(&[1e3, f64::NAN]).buffer(), put(&[1e3, -1e3]).buffer()]).unwrap();
    let weights = get(&weights);
    assert_eq!(weights[..2], [1.0, 0.0]);
    assert!(weights[2..].iter().all(|weight| weight.is_nan()));
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let [eight, six] = [8, 6].map(|count| put(&numbers(count, 1)));
    let [eight, six] = [eight.buffer(), six.buffer()];
    let hidden = Hidden::new(&[false; 3]).unwrap();
    let good =
        Attention { batch: 2, heads: 2, queries: 2, keys: 2, dim: 2, causal: false, hidden: None, dropout: None };
    refused("queries", || good.attend([six, eight, eight], eight));
    refused("values", || good.attend([eight, eight, six], eight));
    refused("output", || good.attend([eight; 3], six));
    refused("heads", || Attention { heads: 3, ..good }.attend([eight; 3], eight));
    refused("no heads", || Attention { heads: 0, ..good }.attend([eight; 3], eight));
    refused("padding", || Attention { hidden: Some(&hidden), ..good }.attend([eight; 3], eight));
    let all = Some(Dropout { share: 1.0, key: 1 });
    refused("dropout", || Attention { dropout: all, ..good }.attend([eight; 3], eight));
    refused("keys", || good.weights([eight, six]));
    let weights = put(&[0.0; 16]);
    let weights = weights.buffer();
    refused("gradient", || good.attend_backward(six, [eight; 3], weights, [eight; 3]));
    refused("weights", || good.attend_backward(eight, [eight; 3], eight, [eight; 3]));
    refused("to", || good.attend_backward(eight, [eight; 3], weights, [eight, six, eight]));
}
