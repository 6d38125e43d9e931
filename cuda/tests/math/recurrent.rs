use cuda::math::Room;
use cuda::math::recurrent::{Cell, Recurrent, last, last_backward};

use crate::rig::{Before, close, device, empty, get, gradient, numbers, put, refused};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One step for one sequence: the new state and the new cell.
fn step(cell: Cell, input: &[f64], state: &[f64], h: &[f64], c: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let size = h.len();
    let unit = |i: usize| {
        let (a, b) = (|gate: usize| input[gate * size + i], |gate: usize| state[gate * size + i]);
        let sum = |gate: usize| a(gate) + b(gate);
        match cell {
            Cell::Rnn => (sum(0).tanh(), c[i]),
            Cell::Gru => {
                let (reset, update) = (sigmoid(sum(0)), sigmoid(sum(1)));
                ((1.0 - update) * (a(2) + reset * b(2)).tanh() + update * h[i], c[i])
            }
            Cell::Lstm => {
                let c = sigmoid(sum(1)) * c[i] + sigmoid(sum(0)) * sum(2).tanh();
                (sigmoid(sum(3)) * c.tanh(), c)
            }
        }
    };
    (0..size).map(unit).unzip()
}

/// `weight x + bias`.
fn affine(weight: &[f64], x: &[f64], bias: &[f64]) -> Vec<f64> {
    let rows = weight.chunks(x.len()).zip(bias);
    rows.map(|(row, bias)| row.iter().zip(x).map(|(weight, x)| weight * x).sum::<f64>() + bias).collect()
}

/// The states after each step, and the last cells.
fn formula(of: &Recurrent, first: [&[f64]; 2], inputs: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let [x, of_input, of_state, input_bias, state_bias] = inputs else { panic!("five inputs") };
    let (mut states, mut cells) = (Vec::new(), Vec::new());
    for sequence in 0..of.batch {
        let [mut h, mut c] = first.map(|first| first[sequence * of.hidden..][..of.hidden].to_vec());
        for x in x[sequence * of.steps * of.input..][..of.steps * of.input].chunks(of.input) {
            (h, c) = step(of.cell, &affine(of_input, x, input_bias), &affine(of_state, &h, state_bias), &h, &c);
            states.extend(&h);
        }
        cells.extend(&c);
    }
    (states, cells)
}

fn sizes(of: &Recurrent) -> [usize; 5] {
    let gates = of.hidden * [1, 3, 4][of.cell as usize];
    [of.batch * of.steps * of.input, gates * of.input, gates * of.hidden, gates, gates]
}

#[test]
fn sequences_are_read_and_gradients_go_back_through_time() {
    let _device = device();
    for cell in [Cell::Rnn, Cell::Gru, Cell::Lstm] {
        for [batch, steps, input, hidden] in [[1, 1, 1, 1], [3, 4, 2, 5], [2, 3, 5, 33], [0, 2, 2, 2], [2, 0, 2, 2]] {
            let of = Recurrent { cell, batch, steps, input, hidden };
            let what = format!("{of:?}");
            let half = |i: usize| -> Vec<f64> { numbers(sizes(&of)[i], i as u64).iter().map(|x| x / 2.0).collect() };
            let inputs = [0, 1, 2, 3, 4].map(half);
            let first = [numbers(batch * hidden, 8), numbers(batch * hidden, 9)];
            let on: [Room; 5] = [0, 1, 2, 3, 4].map(|i| put(&inputs[i]));
            let buffers = [0, 1, 2, 3, 4].map(|i| on[i].buffer());
            let first_on = [put(&first[0]), put(&first[1])];
            let out = empty(batch * steps * hidden);
            let memory = of.read(buffers, [first_on[0].buffer(), first_on[1].buffer()], out.buffer()).unwrap();
            let all = |inputs: &[Vec<f64>]| formula(&of, [&first[0], &first[1]], inputs);
            let (states, cells) = all(&inputs);
            close(&what, &get(&out), &states);
            let found = of.last_cell(&memory).unwrap().download().unwrap();
            close(&format!("cell of {what}"), &found.into_iter().map(f64::from).collect::<Vec<_>>(), &cells);

            let of_out = numbers(out.buffer().len(), 7);
            let to = [0, 1, 2, 3, 4].map(|i| Before::new(inputs[i].len()));
            let into = [0, 1, 2, 3, 4].map(|i| to[i].buffer());
            let [x, of_input, of_state, ..] = buffers;
            of.read_backward(put(&of_out).buffer(), [x, of_input, of_state], &memory, into).unwrap();
            let expected = gradient(&|inputs| all(inputs).0, &inputs, &of_out);
            (0..5).for_each(|i| to[i].check(&format!("gradient {i} of {what}"), &expected[i]));
        }
    }
}

#[test]
fn the_last_row_is_taken_and_gets_the_gradient() {
    let _device = device();
    for [batch, rows, size] in [[0, 2, 3], [1, 1, 1], [3, 4, 5], [2, 3, 300]] {
        let (x, of_out) = (numbers(batch * rows * size, 1), numbers(batch * size, 2));
        let (out, to) = (empty(batch * size), Before::new(batch * rows * size));
        last(put(&x).buffer(), [rows * size, size], out.buffer()).unwrap();
        let rows_of =
            |x: &[f64]| x.chunks(rows * size).flat_map(|x| x[(rows - 1) * size..].to_vec()).collect::<Vec<_>>();
        close("last", &get(&out), &rows_of(&x));
        last_backward(put(&of_out).buffer(), [rows * size, size], to.buffer()).unwrap();
        to.check("gradient", &gradient(&|x| rows_of(&x[0]), &[x], &of_out)[0]);
    }
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let of = Recurrent { cell: Cell::Gru, batch: 2, steps: 3, input: 2, hidden: 1 };
    let rooms = sizes(&of).map(|size| put(&numbers(size, 1)));
    let good = [0, 1, 2, 3, 4].map(|i| rooms[i].buffer());
    let [six, two] = [6, 2].map(|count| put(&numbers(count, 1)));
    let [six, two] = [six.buffer(), two.buffer()];
    let memory = of.read(good, [two, two], six).unwrap();
    for wrong in 0..5 {
        let mut inputs = good;
        inputs[wrong] = two;
        refused("an input", || of.read(inputs, [two, two], six));
        refused("a gradient", || of.read_backward(six, [good[0], good[1], good[2]], &memory, inputs));
    }
    refused("state", || of.read(good, [six, two], six));
    refused("cell", || of.read(good, [two, six], six));
    refused("output", || of.read(good, [two, two], two));
    refused("gradient of the output", || of.read_backward(two, [good[0], good[1], good[2]], &memory, good));
    refused("x", || of.read_backward(six, [six, good[1], good[2]], &memory, good));
    let longer = Recurrent { steps: 1, input: 6, ..of };
    let rooms = sizes(&longer).map(|size| put(&numbers(size, 1)));
    let other = [0, 1, 2, 3, 4].map(|i| rooms[i].buffer());
    refused("memory", || longer.read_backward(two, [other[0], other[1], other[2]], &memory, other));
    refused("length", || last(six, [4, 2], two));
    refused("size", || last(six, [2, 3], six));
    refused("no length", || last(six, [0, 0], six));
    refused("rows", || last_backward(six, [6, 2], six));
}
