//! What tests of layers share: values from PyTorch, and derivatives by finite differences.

use serde_json::Value;

use super::op::Op;

/// A file of named cases, each with named rows of numbers.
pub(crate) struct Expected(Value);

impl Expected {
    pub(crate) fn new(json: &str) -> Self {
        Self(serde_json::from_str(json).expect("JSON"))
    }

    /// The numbers of one row.
    pub(crate) fn row(&self, case: &str, name: &str) -> Vec<f32> {
        serde_json::from_value(self.0[case][name].clone()).unwrap_or_else(|_| panic!("no {name} in {case}"))
    }

    /// The bytes of one file, which stands there in hexadecimal.
    pub(crate) fn file(&self, case: &str) -> Vec<u8> {
        let text = self.0[case]["file"].as_str().unwrap_or_else(|| panic!("no file in {case}"));
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16).expect("a byte");
        text.as_bytes().chunks(2).map(byte).collect()
    }

    /// Whether numbers are those of a row, to a part in 10^4.
    pub(crate) fn check(&self, case: &str, name: &str, got: &[f32]) {
        close(&format!("{case}: {name}"), got, &self.row(case, name), 1e-4);
    }
}

/// Whether numbers are as expected: |got - expected| <= tolerance (1 + |expected|).
pub(crate) fn close(what: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= tolerance * (1.0 + expected.abs()), "{what}: [{i}] is {got}, not {expected}");
    }
}

/// Numbers between -1 and 1 that look random and are always the same.
pub(crate) fn numbers(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 32_768.0 - 1.0
    };
    (0..len).map(next).collect()
}

/// Compares an op's backward with central differences of its forward, for a loss that weighs each output.
pub(crate) fn check_gradients<O: Op>(make: impl Fn() -> O, inputs: &[Vec<f32>]) {
    const STEP: f32 = 1e-2;
    let mut op = make();
    let output = op.forward(inputs.to_vec()).expect("an output");
    let weights = numbers(output.len(), 99);
    let loss = |inputs: Vec<Vec<f32>>| -> f64 {
        let output = make().forward(inputs).expect("an output");
        output.iter().zip(&weights).map(|(value, weight)| f64::from(*value) * f64::from(*weight)).sum()
    };
    // Gradients are added to, so they start from something.
    let mut gradients: Vec<Vec<f32>> = inputs.iter().map(|input| vec![1.0; input.len()]).collect();
    let mut slices: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
    op.backward(&weights, &mut slices).expect("gradients");
    for (input, gradient) in gradients.iter().enumerate() {
        for (i, gradient) in gradient.iter().enumerate() {
            let moved = |step: f32| {
                let mut inputs = inputs.to_vec();
                inputs[input][i] += step;
                loss(inputs)
            };
            let slope = (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP);
            let got = f64::from(*gradient) - 1.0;
            assert!((got - slope).abs() < 5e-3 * (1.0 + slope.abs()), "input {input}[{i}]: {got}, slope {slope}");
        }
    }
}
