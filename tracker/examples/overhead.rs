//! What recording costs a training: a perceptron is trained with a run that every step is logged to, and without, in
//! turns. Prints a line of JSON for each pair of turns, for `tests/bench/overhead.py`.
//!
//! `overhead FILE PAIRS STEPS`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

use std::path::Path;
use std::time::Instant;
use tracker::Run;

/// Pictures of digits as scikit-learn has them: 8 x 8.
const PIXELS: usize = 64;
const HIDDEN: usize = 128;
const DIGITS: usize = 10;
const BATCH: usize = 256;
const RATE: f32 = 0.1;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, file, pairs, steps] = args.as_slice() else { panic!("usage: overhead FILE PAIRS STEPS") };
    let (pairs, steps): (usize, usize) = (pairs.parse().unwrap(), steps.parse().unwrap());
    turn(None, steps / 4);
    for pair in 0..pairs {
        // Who comes first changes, so that a machine that gets slower or faster favours neither.
        let (with, without) = if pair % 2 == 0 {
            let with = turn(Some(file.as_ref()), steps);
            (with, turn(None, steps))
        } else {
            let without = turn(None, steps);
            (turn(Some(file.as_ref()), steps), without)
        };
        assert_eq!(with.loss.to_bits(), without.loss.to_bits(), "both have trained the same");
        println!(
            "{{\"loop\": [{}, {}], \"whole\": [{}, {}], \"cpu\": [{}, {}]}}",
            with.in_loop, without.in_loop, with.whole, without.whole, with.cpu, without.cpu
        );
    }
}

/// Seconds of one training.
struct Turn {
    /// Of the steps.
    in_loop: f64,
    /// From before the run is started until it is stored.
    whole: f64,
    /// Of all threads, on all processors.
    cpu: f64,
    loss: f32,
}

fn turn(file: Option<&Path>, steps: usize) -> Turn {
    let mut model = Perceptron::new();
    let (pictures, digits) = data();
    let mut loss = 0.0;
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let run = file.map(|file| Run::start_in(file, "overhead", &("sgd", RATE)).unwrap());
    let loop_began = Instant::now();
    for step in 0..steps {
        let (now, right) = model.step(&pictures, &digits);
        loss = now;
        if let Some(run) = &run {
            run.log("loss", step, loss);
            run.log("accuracy", step, right);
        }
    }
    let in_loop = loop_began.elapsed().as_secs_f64();
    if let Some(run) = run {
        run.finish().unwrap();
    }
    let (whole, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    // What comes next pays for nothing of this: the thread that stores has gone by then.
    std::thread::sleep(std::time::Duration::from_millis(400));
    Turn { in_loop, whole, cpu, loss }
}

/// Two layers, trained by gradient descent; the loss is the cross-entropy.
struct Perceptron {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Perceptron {
    fn new() -> Self {
        let mut random = Random(1);
        let mut weights = |from: usize, to: usize| {
            let scale = (from as f32).sqrt().recip();
            (0..from * to).map(|_| random.next() * scale).collect()
        };
        Self { first: weights(PIXELS, HIDDEN), second: weights(HIDDEN, DIGITS) }
    }

    /// The loss before the step, and the share of pictures that were read right.
    fn step(&mut self, pictures: &[f32], digits: &[usize]) -> (f32, f32) {
        let mut hidden = product(pictures, &self.first, PIXELS, HIDDEN);
        hidden.iter_mut().for_each(|value| *value = value.max(0.0));
        let mut out = product(&hidden, &self.second, HIDDEN, DIGITS);
        let (mut loss, mut right) = (0.0, 0);
        for (row, digit) in out.chunks_mut(DIGITS).zip(digits) {
            let largest = row.iter().copied().fold(f32::MIN, f32::max);
            right += usize::from(row[*digit] == largest);
            row.iter_mut().for_each(|value| *value = (*value - largest).exp());
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
            loss -= row[*digit].ln() / BATCH as f32;
            row[*digit] -= 1.0;
        }
        let mut back = vec![0.0; BATCH * HIDDEN];
        for (back, out) in back.chunks_mut(HIDDEN).zip(out.chunks(DIGITS)) {
            for (back, weights) in back.iter_mut().zip(self.second.chunks(DIGITS)) {
                *back = weights.iter().zip(out).map(|(weight, out)| weight * out).sum();
            }
        }
        back.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden == 0.0).for_each(|(back, _)| *back = 0.0);
        descend(&mut self.second, &hidden, &out, HIDDEN, DIGITS);
        descend(&mut self.first, pictures, &back, PIXELS, HIDDEN);
        (loss, right as f32 / BATCH as f32)
    }
}

/// Rows of `from` numbers times a matrix of `from` rows and `to` columns.
fn product(rows: &[f32], matrix: &[f32], from: usize, to: usize) -> Vec<f32> {
    let mut product = vec![0.0; rows.len() / from * to];
    for (out, row) in product.chunks_mut(to).zip(rows.chunks(from)) {
        for (value, weights) in row.iter().zip(matrix.chunks(to)) {
            out.iter_mut().zip(weights).for_each(|(out, weight)| *out += value * weight);
        }
    }
    product
}

/// A step against the gradient, which is the sum over the rows of what went in times what came back.
fn descend(matrix: &mut [f32], rows: &[f32], back: &[f32], from: usize, to: usize) {
    let rate = RATE / BATCH as f32;
    for (row, back) in rows.chunks(from).zip(back.chunks(to)) {
        for (value, weights) in row.iter().zip(matrix.chunks_mut(to)) {
            weights.iter_mut().zip(back).for_each(|(weight, back)| *weight -= rate * value * back);
        }
    }
}

/// Pictures with a bright stripe where their digit says.
fn data() -> (Vec<f32>, Vec<usize>) {
    let mut random = Random(2);
    let digits: Vec<usize> = (0..BATCH).map(|picture| picture % DIGITS).collect();
    let picture = |digit: &usize| -> Vec<f32> {
        let stripe = digit * 6..digit * 6 + 6;
        (0..PIXELS).map(|pixel| random.next() * 0.5 + f32::from(u8::from(stripe.contains(&pixel)))).collect()
    };
    (digits.iter().flat_map(picture).collect(), digits)
}

/// Numbers from -1 to 1, the same each time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// What this process has used, all threads together.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes into `time`, which lives until it returns.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
