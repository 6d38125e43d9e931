//! Optimizers, clipping, averages and schedules equal PyTorch's on the numbers in `expected.json`; what is
//! saved goes on bit for bit.

use dfdx::nn::modules::Linear;
use dfdx::nn::{DeviceBuildExt, Module, ZeroGrads, builders};
use dfdx::shapes::Rank2;
use dfdx::tensor::{Gradients, SampleTensor, Tensor, Trace};
use dfdx::tensor_ops::{Backward, MeanTo};
use serde_json::Value;

use super::*;
use crate::device::{Dev, device, edit};
use crate::display::Show;

type Model = Linear<3, 2, f32, Dev>;

fn expected() -> Value {
    serde_json::from_str(include_str!("expected.json")).expect("JSON")
}

fn floats(value: &Value) -> Vec<f32> {
    serde_json::from_value(value.clone()).expect("numbers")
}

fn doubles(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

/// A model with these weights: six, and two of the bias.
fn model(values: &[f32]) -> Model {
    let mut model = device().build_module::<builders::Linear<3, 2>, f32>();
    model.weight.copy_from(&values[..6]);
    model.bias.copy_from(&values[6..]);
    model
}

fn weights(model: &Model) -> Vec<f32> {
    [model.weight.as_vec(), model.bias.as_vec()].concat()
}

/// Gradients with these values.
fn gradients(model: &Model, values: &[f32]) -> Gradients<f32, Dev> {
    let mut gradients = model.alloc_grads();
    let (weight, bias) = values.split_at(6);
    edit(gradients.get_or_alloc_mut(&model.weight).expect("room"), |to| to.copy_from_slice(weight)).expect("a copy");
    edit(gradients.get_or_alloc_mut(&model.bias).expect("room"), |to| to.copy_from_slice(bias)).expect("a copy");
    gradients
}

fn gradient_values(model: &Model, gradients: &Gradients<f32, Dev>) -> Vec<f32> {
    [gradients.get(&model.weight).as_vec(), gradients.get(&model.bias).as_vec()].concat()
}

fn close(what: &str, got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-6, "{what}: {got} is not {expected}");
    }
}

/// Makes a step with each gradient of the file, and looks at the weights after each.
fn steps_equal<O: Optimizer>(name: &str, mut optimizer: O) {
    let file = expected();
    let mut model = model(&floats(&file["start"]));
    let after = file["optimizers"][name].as_array().expect("steps");
    let given = file["gradients"].as_array().expect("gradients");
    assert_eq!(after.len(), given.len());
    for (step, (gradient, after)) in given.iter().zip(after).enumerate() {
        let gradients = gradients(&model, &floats(gradient));
        optimizer.update(&mut model, &gradients).expect("a step");
        close(&format!("{name}, step {step}"), &weights(&model), &floats(after));
    }
}

#[test]
fn steps_equal_pytorch() {
    steps_equal("SGD", Sgd::new(0.1));
    steps_equal("SGD weight decay", Sgd::new(0.1).with_weight_decay(0.2));
    steps_equal("SGD momentum", Sgd::new(0.1).with_momentum(0.9).with_weight_decay(0.1));
    steps_equal("SGD Nesterov", Sgd::new(0.1).with_nesterov(0.9).with_weight_decay(0.1));
    steps_equal("Adam", Adam::new(0.05));
    steps_equal("Adam betas", Adam::new(0.05).with_betas(0.8, 0.95).with_epsilon(1e-3));
    steps_equal("Adam L2", Adam::new(0.05).with_l2(0.3));
    steps_equal("AdamW", AdamW::new(0.05));
    steps_equal("AdamW decay", AdamW::new(0.05).with_weight_decay(0.3));
    steps_equal("AdamW decay", Adam::new(0.05).with_weight_decay(0.3));
    steps_equal("RMSprop", RMSprop::new(0.02));
    steps_equal("RMSprop momentum", RMSprop::new(0.02).with_momentum(0.8).with_weight_decay(0.1));
    steps_equal("RMSprop centered", RMSprop::new(0.02).centered());
    let boxed: Box<dyn Optimizer> = Box::new(Adam::new(0.05));
    steps_equal("Adam", boxed);
}

fn all_optimizers() -> Vec<Box<dyn Optimizer>> {
    vec![
        Box::new(Sgd::new(0.1).with_nesterov(0.9)),
        Box::new(Adam::new(1.0 / 3.0).with_l2(0.1)),
        Box::new(AdamW::new(0.05).with_betas(0.8, 0.99)),
        Box::new(RMSprop::new(0.02).centered().with_momentum(0.5)),
    ]
}

#[test]
fn a_saved_optimizer_goes_on_bit_for_bit() {
    let file = expected();
    let given: Vec<Vec<f32>> = file["gradients"].as_array().expect("gradients").iter().map(floats).collect();
    for (mut first, mut second) in all_optimizers().into_iter().zip(all_optimizers()) {
        let mut straight = model(&floats(&file["start"]));
        for values in &given[..5] {
            first.set_learning_rate(first.learning_rate() * 0.9);
            let gradients = gradients(&straight, values);
            first.update(&mut straight, &gradients).expect("a step");
        }
        // Through text, as a checkpoint would; the weights are copied as they are.
        let text = serde_json::to_string(&first.state()).expect("JSON");
        second.load_state(serde_json::from_str(&text).expect("a state")).expect("the same kind");
        assert_eq!(second.state(), first.state());
        assert_eq!(second.learning_rate().to_bits(), first.learning_rate().to_bits());
        let mut resumed = model(&weights(&straight));
        for values in &given[5..] {
            let gradients_straight = gradients(&straight, values);
            first.update(&mut straight, &gradients_straight).expect("a step");
            let gradients_resumed = gradients(&resumed, values);
            second.update(&mut resumed, &gradients_resumed).expect("a step");
        }
        let bits = |model: &Model| weights(model).into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&straight), bits(&resumed), "{}", first.name());
    }
}

#[test]
fn a_state_names_its_tensors_as_pytorch_does() {
    let mut adam = Adam::new(0.1);
    let mut model = model(&[0.5; 8]);
    let gradients = gradients(&model, &[1.0; 8]);
    adam.update(&mut model, &gradients).expect("a step");
    let state = adam.state();
    let names: Vec<(&str, usize)> = state.tensors.iter().map(|(name, values)| (name.as_str(), values.len())).collect();
    assert_eq!(names, [("bias.exp_avg", 2), ("bias.exp_avg_sq", 2), ("weight.exp_avg", 6), ("weight.exp_avg_sq", 6)]);
    assert_eq!(state.header.step, 1);
    assert_eq!(state.header.steps["bias"], 1);
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_changes_nothing() {
    let mut adam = Adam::new(0.1);
    let mut model = model(&[0.5; 8]);
    let gradients = gradients(&model, &[1.0; 8]);
    adam.update(&mut model, &gradients).expect("a step");
    let before = adam.clone();

    let error = adam.load_state(Sgd::new(0.1).state()).expect_err("another kind").to_string();
    assert!(error.contains("the state is one of SGD, but this optimizer is Adam"), "{error}");
    let mut state = adam.state();
    state.tensors.remove(0);
    let error = adam.load_state(state).expect_err("a part is missing").to_string();
    assert!(error.contains("bias.exp_avg is missing"), "{error}");
    let mut state = adam.state();
    state.tensors[0].1.pop();
    let error = adam.load_state(state).expect_err("cut short").to_string();
    assert!(error.contains("the buffers of bias have 1 and 2 numbers"), "{error}");
    let mut state = adam.state();
    state.header.settings = serde_json::json!({"learning_rate": 0.1});
    assert!(matches!(adam.load_state(state), Err(TrainError::State { .. })));
    assert_eq!(adam, before);
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in 0..8 {
            let mut model = model(&[0.5; 8]);
            let mut adam = Adam::new(0.1);
            let good = gradients(&model, &[1.0; 8]);
            adam.update(&mut model, &good).expect("a step");
            let (before, remembered) = (weights(&model), adam.clone());
            let mut values = [1.0; 8];
            values[place] = bad;
            let gradients = gradients(&model, &values);
            let error = adam.update(&mut model, &gradients).expect_err("not finite");
            let parameter = if place < 6 { "weight" } else { "bias" }.to_owned();
            assert_eq!(error, TrainError::NotFinite { step: 2, parameter });
            assert_eq!(weights(&model), before);
            assert_eq!(adam, remembered);
        }
    }
}

#[test]
fn another_model_is_refused() {
    let dev = device();
    let mut adam = Adam::new(0.1);
    let mut one = dev.build_module::<builders::Linear<2, 1>, f32>();
    let grads = one.alloc_grads();
    adam.update(&mut one, &grads).expect("a step");
    let mut two = dev.build_module::<builders::Linear<3, 1>, f32>();
    let grads = two.alloc_grads();
    let error = adam.update(&mut two, &grads).expect_err("another model");
    assert_eq!(error, TrainError::OtherModel { parameter: "weight".to_owned(), expected: 2, got: 3 });
}

#[test]
fn settings_out_of_range_are_named() {
    let mut model = model(&[0.5; 8]);
    let grads = model.alloc_grads();
    let error = Sgd::new(f64::NAN).update(&mut model, &grads).expect_err("NaN").to_string();
    assert_eq!(error, "the learning rate is NaN, and must be a finite number, 0 or more");
    let error = Sgd::new(0.1).with_momentum(1.0).update(&mut model, &grads).expect_err("1").to_string();
    assert_eq!(error, "the momentum is 1, and must be 0 or more, and less than 1");
    assert!(Adam::new(0.1).with_betas(0.9, 1.0).update(&mut model, &grads).is_err());
    assert!(RMSprop::new(-1.0).update(&mut model, &grads).is_err());
}

#[test]
fn clipping_equals_pytorch() {
    let file = expected();
    let model = model(&floats(&file["start"]));
    let given = floats(&file["gradients"][0]);
    for case in file["clip_norm"].as_array().expect("cases") {
        let mut gradients = gradients(&model, &given);
        let norm = clip_grad_norm(&model, &mut gradients, case["max"].as_f64().expect("a limit")).expect("finite");
        assert!((norm - case["norm"].as_f64().expect("a norm")).abs() < 1e-6, "{norm}");
        close("clipped by norm", &gradient_values(&model, &gradients), &floats(&case["grads"]));
    }
    for case in file["clip_value"].as_array().expect("cases") {
        let mut gradients = gradients(&model, &given);
        clip_grad_value(&model, &mut gradients, case["max"].as_f64().expect("a limit")).expect("finite");
        close("clipped by value", &gradient_values(&model, &gradients), &floats(&case["grads"]));
    }
    let mut gradients = gradients(&model, &[1.0, 1.0, f32::NAN, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let error = clip_grad_norm(&model, &mut gradients, 1.0).expect_err("NaN");
    assert_eq!(error, TrainError::GradientNotFinite { parameter: "weight".to_owned() });
}

#[test]
fn micro_batches_add_up_to_a_batch() {
    let dev = device();
    let model = model(&[0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.0, 0.7]);
    let halves: [Tensor<Rank2<4, 3>, f32, Dev>; 2] = [dev.sample_normal(), dev.sample_normal()];
    let rows = halves.iter().flat_map(|half| half.as_vec()).collect::<Vec<f32>>();
    let mut both: Tensor<Rank2<8, 3>, f32, Dev> = dev.sample_normal();
    both.copy_from(&rows);

    let whole = model.forward(both.trace(model.alloc_grads())).square().mean().backward();
    let mut gradients = model.alloc_grads();
    for half in halves {
        gradients = model.forward(half.trace(gradients)).square().mean().backward();
    }
    scale_gradients(&model, &mut gradients, 0.5).expect("a factor");
    close("accumulated", &gradient_values(&model, &gradients), &gradient_values(&model, &whole));
}

#[test]
fn penalties_add_their_gradient() {
    let values = [0.5, -1.0, 0.0, 2.0, -0.25, 1.0, 3.0, -4.0];
    let model = model(&values);
    let mut gradients = gradients(&model, &[1.0; 8]);
    let added = l1_penalty(&model, &mut gradients, 0.1).expect("a penalty");
    assert!((added - 1.175).abs() < 1e-9, "{added}");
    close("L1", &gradient_values(&model, &gradients), &[1.1, 0.9, 1.0, 1.1, 0.9, 1.1, 1.1, 0.9]);
    let added = l2_penalty(&model, &mut gradients, 0.5).expect("a penalty");
    assert!((added - 0.5 * 31.3125).abs() < 1e-6, "{added}");
    close("L2", &gradient_values(&model, &gradients), &[1.6, -0.1, 1.0, 3.1, 0.65, 2.1, 4.1, -3.1]);
    assert!(l1_penalty(&model, &mut gradients, f64::NAN).is_err());
}

#[test]
fn averages_equal_pytorch_and_are_swapped_in_and_out() {
    let file = expected();
    let mut ema = Ema::new(0.9).expect("a decay");
    let mut last = model(&[0.0; 8]);
    for (given, average) in
        file["gradients"].as_array().expect("weights").iter().zip(file["ema"].as_array().expect("EMA"))
    {
        last = model(&floats(given));
        ema.update(&last).expect("the same model");
        let (before, kept) = (weights(&last), ema.clone());
        ema.swap(&mut last).expect("averages");
        close("EMA", &weights(&last), &floats(average));
        ema.swap(&mut last).expect("averages");
        assert_eq!((weights(&last), &ema), (before, &kept));
    }
    assert_eq!(ema.updates(), 4);
    let text = serde_json::to_string(&ema).expect("JSON");
    assert_eq!(serde_json::from_str::<Ema>(&text).expect("an average"), ema);
    let error = Ema::new(0.5).expect("a decay").swap(&mut last).expect_err("nothing yet");
    assert_eq!(error, TrainError::NotAveraged { parameter: "weight".to_owned() });
    assert!(Ema::new(1.0).is_err());
}

#[test]
fn schedules_equal_pytorch() {
    let one_cycle =
        Schedule::OneCycle { highest: 0.1, steps: 20, rising: 0.45, initial_divisor: 10.0, final_divisor: 100.0 };
    let cases = [
        ("constant", Schedule::constant(0.1)),
        ("step", Schedule::step(0.1, 4, 0.3)),
        ("exponential", Schedule::exponential(0.1, 0.9)),
        ("cosine", Schedule::cosine(0.1, 0.002, 12)),
        ("cosine restarts", Schedule::cosine_restarts(0.1, 0.001, 3, 2)),
        ("cosine restarts of one length", Schedule::cosine_restarts(0.1, 0.0, 4, 1)),
        ("one cycle", Schedule::one_cycle(0.1, 20)),
        ("one cycle, other shares", one_cycle),
        ("linear warm-up before cosine", Schedule::cosine(0.1, 0.0, 10).with_warmup_from(0.2, 5)),
        ("linear warm-up before a constant", Schedule::constant(0.1).with_warmup_from(0.25, 4)),
    ];
    let file = expected();
    assert_eq!(file["schedules"].as_object().expect("tables").len(), cases.len());
    for (name, schedule) in cases {
        for (step, expected) in (0..).zip(doubles(&file["schedules"][name])) {
            let rate = schedule.rate(step);
            assert!((rate - expected).abs() < 1e-12, "{name}: the rate at step {step} is {rate}, not {expected}");
        }
        let text = serde_json::to_string(&schedule).expect("JSON");
        assert_eq!(serde_json::from_str::<Schedule>(&text).expect("a schedule"), schedule, "{text}");
    }
}

#[test]
fn schedules_have_a_rate_for_every_step() {
    let schedules = [
        Schedule::step(0.1, 0, 0.5),
        Schedule::cosine(0.1, 0.01, 0),
        Schedule::cosine_restarts(0.1, 0.01, 0, 0),
        Schedule::cosine_restarts(0.1, 0.01, 1, u64::MAX),
        Schedule::one_cycle(0.1, 0),
        Schedule::one_cycle(0.1, 1),
        Schedule::constant(0.1).with_warmup(0),
        Schedule::constant(0.1).with_warmup(u64::MAX),
    ];
    for schedule in schedules {
        for step in [0, 1, 2, 1000, u64::MAX] {
            assert!((0.0..=0.1).contains(&schedule.rate(step)), "{schedule:?} at {step}: {}", schedule.rate(step));
        }
    }
    assert!((Schedule::cosine(0.1, 0.01, 5).rate(50) - 0.01).abs() < 1e-12);
    assert!((Schedule::constant(0.1).with_warmup(4).rate(0) - 0.025).abs() < 1e-12);
}

#[test]
fn the_plateau_equals_pytorch() {
    let file = expected();
    let cases = [
        ("min", ReduceOnPlateau::new(0.1).with_factor(0.5).with_patience(2)),
        ("cooldown", ReduceOnPlateau::new(0.1).with_factor(0.5).with_patience(1).with_cooldown(2)),
        ("max", ReduceOnPlateau::new(0.1).with_factor(0.5).with_patience(2).maximize()),
        ("lowest", ReduceOnPlateau::new(0.1).with_patience(0).with_lowest(0.004)),
    ];
    for (name, mut plateau) in cases {
        let case = &file["plateau"][name];
        for (metric, expected) in doubles(&case["metrics"]).into_iter().zip(doubles(&case["rates"])) {
            // What is saved and read again goes on in the same way.
            let text = serde_json::to_string(&plateau).expect("JSON");
            plateau = serde_json::from_str(&text).expect("a plateau");
            let rate = plateau.step(metric);
            assert!((rate - expected).abs() < 1e-12, "{name}: {rate} is not {expected} after {metric}");
        }
    }
    let mut plateau = ReduceOnPlateau::new(0.1).with_patience(0);
    assert!((plateau.step(f64::NAN) - 0.01).abs() < 1e-12);
    assert_eq!(plateau.best(), None);
}

#[test]
fn stops_early_after_values_that_are_no_improvement() {
    let mut stopping = EarlyStopping::new(2).with_min_delta(0.1);
    let given = [1.0, 0.5, 0.45, 0.3, f64::NAN, 0.25];
    let expected = [(true, false), (true, false), (false, false), (true, false), (false, false), (false, true)];
    for (step, (value, expected)) in (1..).zip(given.into_iter().zip(expected)) {
        let text = serde_json::to_string(&stopping).expect("JSON");
        stopping = serde_json::from_str(&text).expect("a state");
        let verdict = stopping.step(step, value);
        assert_eq!((verdict.improved, verdict.stop), expected, "step {step}");
    }
    assert_eq!(stopping.best(), Some(Best { step: 4, value: 0.3 }));

    let mut stopping = EarlyStopping::new(1).maximize();
    assert!(!stopping.step(0, 0.5).stop);
    assert!(stopping.step(1, 0.6).improved);
    assert!(stopping.step(2, 0.6).stop);
}

#[test]
fn optimizers_say_what_they_are() {
    let mut model = model(&[0.5; 8]);
    let grads = model.alloc_grads();
    let mut adam = Adam::new(0.1);
    adam.update(&mut model, &grads).expect("a step");
    let shown = adam.show();
    assert_eq!(
        shown.plain().expect("text"),
        "Adam after 1 steps: learning rate 0.1, betas 0.9 and 0.999, weight decay 0"
    );
    let shown = Sgd::new(0.5).with_nesterov(0.9).show();
    assert_eq!(
        shown.plain().expect("text"),
        "SGD after 0 steps: learning rate 0.5, Nesterov momentum 0.9, weight decay 0"
    );
}
