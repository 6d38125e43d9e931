//! A trainer does what the loop written out does; what is saved goes on bit for bit; what is wrong is named.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ::tracker::{Query, Run, Store};
use dfdx::nn::builders::{BatchNorm1D, Linear, ReLU};
use dfdx::prelude::*;

use super::{BoxError, Flow, Trainer, TrainerEpoch, TrainerError};
use crate::device::{Dev, device_seeded};
use crate::loss::{Loss, mse_loss};
use crate::nn::{Frozen, Weights, load_weights, save_weights};
use crate::train::{Adam, EarlyStopping, ReduceOnPlateau, Schedule, Sgd};

type Mlp = (Linear<3, 8>, ReLU, Linear<8, 1>);
type Built = <Mlp as BuildOnDevice<Dev, f32>>::Built;
type Batch = (Tensor<Rank2<4, 3>, f32, Dev>, Tensor<Rank2<4, 1>, f32, Dev>);
type Traced = Loss<OwnedTape<f32, Dev>>;

fn model() -> Built {
    device_seeded(7).build_module::<Mlp, f32>()
}

/// Six batches of a sum to be learned, which the seed decides.
fn batches(seed: u64) -> Vec<Batch> {
    let dev = Dev::seed_from_u64(seed);
    let batch = |_| {
        let x: Tensor<Rank2<4, 3>, f32, _> = dev.sample_normal();
        let y: Tensor<Rank1<4>, f32, _> = x.clone().sum::<_, Axis<1>>();
        (x, y.reshape())
    };
    (0..6).map(batch).collect()
}

fn loss(model: &mut Built, gradients: Gradients<f32, Dev>, (x, y): Batch) -> Result<Traced, BoxError> {
    Ok(mse_loss(model.forward(x.trace(gradients)), y)?)
}

fn validate(model: &mut Built) -> Result<f64, BoxError> {
    let (x, y) = batches(999).swap_remove(0);
    Ok(f64::from(mse_loss(model.forward(x), y)?.array()))
}

fn bits<M: TensorCollection<f32, Dev>>(model: &M) -> Vec<u32> {
    let weights = Weights::of(model);
    let values = weights.names().into_iter().filter_map(|name| weights.get(name));
    values.flat_map(|(_, values)| values.iter().map(|value| value.to_bits())).collect()
}

fn folder(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = format!("lab-trainer-{}-{name}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(unique)
}

fn fit(trainer: &mut Trainer<Built, Adam>) -> Result<(), TrainerError> {
    trainer.fit(|epoch| Ok(batches(epoch.seed())), loss, validate).map(drop)
}

/// Everything on that has a state.
fn everything(folder: &Path, epochs: usize) -> Trainer<Built, Adam> {
    Trainer::new(model(), Adam::new(0.01))
        .seed(3)
        .epochs(epochs)
        .quiet()
        .clip_norm(1.0)
        .l2(1e-3)
        .early_stopping(EarlyStopping::new(50))
        .schedule(Schedule::cosine(0.02, 0.001, 40).with_warmup(4))
        .checkpoints(folder)
        .ema(0.9)
        .expect("a decay")
}

#[test]
fn it_learns_and_is_the_loop_written_out() {
    let mut fitted = Trainer::new(model(), Adam::new(0.02)).seed(5).epochs(15).quiet();
    fit(&mut fitted).expect("trained");
    let history = fitted.history();
    assert_eq!((history.epochs.len(), fitted.steps()), (15, 90));
    assert!(history.epochs[14].train_loss < 0.05 * history.epochs[0].train_loss, "{history:?}");

    let mut written = Trainer::new(model(), Adam::new(0.02)).seed(5).epochs(15).quiet();
    while let Some(epoch) = written.next_epoch().expect("an epoch") {
        for batch in epoch.rest(batches(epoch.seed())) {
            let gradients = written.gradients();
            let loss = loss(&mut written.model, gradients, batch).expect("a loss");
            written.step(loss).expect("a step");
        }
    }
    assert_eq!(bits(&written.model), bits(&fitted.model));

    let (mut plain, mut adam) = (model(), Adam::new(0.02));
    let mut gradients = plain.alloc_grads();
    for epoch in 0..15 {
        for batch in batches(5 + epoch) {
            gradients = loss(&mut plain, gradients, batch).expect("a loss").backward();
            crate::train::Optimizer::update(&mut adam, &mut plain, &gradients).expect("a step");
            plain.zero_grads(&mut gradients);
        }
    }
    assert_eq!(bits(&plain), bits(&fitted.model));
}

#[test]
fn it_goes_on_bit_for_bit_between_and_within_epochs() {
    let mut whole = everything(&folder("whole"), 6);
    fit(&mut whole).expect("trained");

    let between = folder("between");
    fit(&mut everything(&between, 3)).expect("trained");
    let mut resumed = everything(&between, 6).resume().expect("a checkpoint");
    assert_eq!(resumed.steps(), 18);
    fit(&mut resumed).expect("trained");
    same(&whole, &resumed);

    // Ended by an error in the middle of an epoch; the last checkpoint is of three steps before.
    let within = folder("within");
    let mut ended = everything(&within, 6).checkpoint_every(5);
    let mut seen = 0;
    let failing = |epoch: &TrainerEpoch| -> Result<Vec<Batch>, BoxError> { Ok(batches(epoch.seed())) };
    let error = ended.fit(
        failing,
        |model, gradients, batch| {
            seen += 1;
            if seen > 23 { Err("the disk is gone".into()) } else { loss(model, gradients, batch) }
        },
        validate,
    );
    let error = error.expect_err("an error").to_string();
    assert_eq!(error, "the loss of epoch 4: the disk is gone");
    let mut resumed = everything(&within, 6).resume().expect("a checkpoint");
    assert_eq!(resumed.steps(), 20);
    fit(&mut resumed).expect("trained");
    same(&whole, &resumed);

    // The one that failed goes on itself, too.
    fit(&mut ended).expect("trained");
    same(&whole, &ended);
}

fn same(one: &Trainer<Built, Adam>, other: &Trainer<Built, Adam>) {
    assert_eq!(bits(&one.model), bits(&other.model));
    assert_eq!(one.ema, other.ema);
    assert_eq!(one.optimizer, other.optimizer);
    let results = |trainer: &Trainer<Built, Adam>| -> Vec<_> {
        let epochs = trainer.history().epochs.iter();
        epochs.map(|epoch| (epoch.train_loss.to_bits(), epoch.metrics[0].1.to_bits(), epoch.best)).collect()
    };
    assert_eq!(results(one), results(other));
}

#[test]
fn running_statistics_and_plateaus_are_saved_too() {
    type Normed = (Linear<3, 8>, BatchNorm1D<8>, ReLU, Linear<8, 1>);
    let trainer = |folder: &Path, epochs| {
        let model = device_seeded(1).build_module::<Normed, f32>();
        let plateau = ReduceOnPlateau::new(0.05).with_patience(0).with_factor(0.5);
        Trainer::new(model, Sgd::new(0.05)).epochs(epochs).quiet().reduce_on_plateau(plateau).checkpoints(folder)
    };
    fn train(trainer: &mut Trainer<<Normed as BuildOnDevice<Dev, f32>>::Built, Sgd>) {
        let done = trainer.fit(
            |epoch| Ok(batches(epoch.seed())),
            |model, gradients, (x, y)| Ok(mse_loss(model.forward_mut(x.trace(gradients)), y)?),
            |_| Ok(1.0),
        );
        done.expect("trained");
    }
    let mut whole = trainer(&folder("whole"), 4);
    train(&mut whole);
    let half = folder("half");
    train(&mut trainer(&half, 2));
    let mut resumed = trainer(&half, 4).resume().expect("a checkpoint");
    train(&mut resumed);
    assert_eq!(bits(&whole.model), bits(&resumed.model));
    let rates: Vec<f64> = resumed.history().epochs.iter().map(|epoch| epoch.learning_rate).collect();
    assert_eq!(rates, [0.05, 0.05, 0.025, 0.0125]);
}

#[test]
fn batches_that_are_added_up_are_one_larger_batch() {
    let one = |accumulate, batches: Vec<Batch>| {
        let mut trainer = Trainer::new(model(), Sgd::new(0.1)).epochs(1).quiet().accumulate(accumulate);
        trainer.fit(|_| Ok(batches.clone()), loss, |_| Ok(())).expect("trained");
        (trainer.steps(), Weights::of(&trainer.model))
    };
    let batch = batches(1).swap_remove(0);
    let (steps, expected) = one(1, vec![batch.clone()]);
    assert_eq!(steps, 1);
    // Five batches in steps of two: the last step has one.
    let (steps, _) = one(2, vec![batch.clone(); 5]);
    assert_eq!(steps, 3);
    let (_, got) = one(4, vec![batch; 4]);
    for name in expected.names() {
        let (expected, got) = (expected.get(name).expect("weights").1, got.get(name).expect("weights").1);
        expected.iter().zip(got).for_each(|(expected, got)| assert!((expected - got).abs() < 1e-6, "{name}"));
    }
}

#[test]
fn a_loss_that_is_no_number_ends_it_with_step_and_layer() {
    let mut trainer = Trainer::new(model(), Sgd::new(0.1)).epochs(1).quiet();
    let mut before = Vec::new();
    let done = trainer.fit(
        |epoch| Ok(batches(epoch.seed())),
        |model, gradients, (x, y)| {
            before.push(bits(model));
            let y = if before.len() == 4 { y * f32::NAN } else { y };
            loss(model, gradients, (x, y))
        },
        |_| Ok(()),
    );
    let error = done.expect_err("a NaN").to_string();
    assert!(error.starts_with("step 4: the loss is NaN") && error.contains("0.weight"), "{error}");
    assert!(error.contains("the largest weight is"), "{error}");
    assert_eq!(Some(&bits(&trainer.model)), before.last());

    let mut broken = Trainer::new(model(), Sgd::new(0.1)).quiet();
    broken.model.2.bias = broken.model.2.bias.clone() * f32::INFINITY;
    let error = broken.fit(|epoch| Ok(batches(epoch.seed())), loss, |_| Ok(())).expect_err("infinite").to_string();
    assert!(error.contains("step 1") && error.contains("the weights of 2.bias are not finite"), "{error}");
}

#[test]
fn it_stops_early_and_the_best_comes_back() {
    let folder = folder("best");
    let losses = [3.0, 1.0, 2.0, 2.5, 0.5];
    let train = |trainer: Trainer<Built, Adam>| {
        let (mut trainer, mut at_best, mut calls) = (trainer, Vec::new(), 0);
        let validate = |model: &mut Built| {
            calls += 1;
            if calls == 2 {
                at_best = bits(model);
            }
            Ok(losses[calls - 1])
        };
        trainer.fit(|epoch| Ok(batches(epoch.seed())), loss, validate).expect("trained");
        (trainer, at_best)
    };
    let trainer = Trainer::new(model(), Adam::new(0.01)).quiet().early_stopping(EarlyStopping::new(2));
    let (mut trainer, at_best) = train(trainer.checkpoints(&folder));
    assert_eq!(trainer.history().epochs.len(), 4);
    assert_ne!(bits(&trainer.model), at_best);
    assert_eq!(trainer.restore_best().expect("weights"), Some(2));
    assert_eq!(bits(&trainer.model), at_best);
    let mut other = device_seeded(1).build_module::<Mlp, f32>();
    for file in ["best.safetensors", "last.safetensors"] {
        load_weights(&mut other, folder.join(file)).expect(file);
        assert_eq!(bits(&other) == at_best, file.starts_with("best"), "{file}");
    }
    // In another session, the best is in its file; a training that has stopped is done.
    let again = Trainer::new(model(), Adam::new(0.01)).quiet().early_stopping(EarlyStopping::new(2));
    let mut again = again.checkpoints(&folder).resume().expect("a checkpoint");
    assert_eq!(again.next_epoch().expect("no epoch"), None);
    assert_eq!(again.restore_best().expect("weights"), Some(2));
    assert_eq!(bits(&again.model), at_best);
}

#[test]
fn callbacks_see_steps_and_epochs_and_can_stop() {
    let (steps, seen) = std::sync::mpsc::channel();
    let mut trainer = Trainer::new(model(), Adam::new(0.01))
        .quiet()
        .on_step(move |step, loss| {
            steps.send((step, loss)).expect("a listener");
            Flow::Continue
        })
        .on_epoch(|epoch| if epoch.epoch == 2 { Flow::Stop } else { Flow::Continue });
    fit(&mut trainer).expect("trained");
    assert_eq!(trainer.history().epochs.len(), 2);
    let seen: Vec<(u64, f64)> = seen.try_iter().collect();
    assert_eq!(seen.iter().map(|(step, _)| *step).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    let mean = seen[..6].iter().map(|(_, loss)| loss).sum::<f64>() / 6.0;
    assert!((mean - trainer.history().epochs[0].train_loss).abs() < 1e-12);
}

#[test]
fn frozen_layers_stay() {
    let frozen = Frozen::new(&model(), &["0"]).expect("a layer");
    let mut trainer = Trainer::new(model(), Adam::new(0.01)).quiet().epochs(1).freeze(frozen);
    fit(&mut trainer).expect("trained");
    assert_eq!(bits(&trainer.model.0), bits(&model().0));
    assert_ne!(bits(&trainer.model.2), bits(&model().2));
}

#[test]
fn a_run_has_all_of_it() {
    let folder = folder("run");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("runs.db");
    let run = Run::start_in(&path, "sum", &("adam", 0.01)).expect("a run");
    let mut trainer = Trainer::new(model(), Adam::new(0.01)).epochs(3).clip_norm(0.5).record(run);
    fit(&mut trainer).expect("trained");
    let uid = trainer.finish().expect("stored").expect("a run");
    let store = Store::open(&path).expect("a database");
    let runs = store.runs(&Query::default()).expect("runs");
    assert_eq!(runs[0].uid, uid);
    let metric = |name: &str| runs[0].metrics.iter().find(|metric| metric.name == name).expect("a metric").clone();
    for (name, points) in [("loss", 18), ("learning_rate", 18), ("grad_norm", 18), ("train_loss", 3), ("val_loss", 3)] {
        assert_eq!(metric(name).points, points, "{name}");
    }
    assert_eq!(metric("val_loss").last, trainer.history().epochs[2].metrics[0].1);
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_changed() {
    let at = folder("refused");
    let mut trainer = Trainer::new(model(), Adam::new(0.01)).epochs(1).quiet().checkpoints(&at);
    fit(&mut trainer).expect("trained");
    let last = at.join("last.safetensors");

    let small = device_seeded(7).build_module::<(Linear<3, 4>, ReLU, Linear<4, 1>), f32>();
    let refused = |error: Option<TrainerError>| error.expect("an error").to_string();
    let error = refused(Trainer::new(small, Adam::new(0.01)).resume_from(&last).err());
    assert!(error.contains("0.weight is [4, 3] in the model and [8, 3] in the file"), "{error}");
    let error = refused(Trainer::new(model(), Sgd::new(0.01)).resume_from(&last).err());
    assert!(error.contains("Adam") && error.contains("SGD"), "{error}");
    let error = refused(Trainer::new(model(), Adam::new(0.01)).seed(2).resume_from(&last).err());
    assert!(error.contains("seed 0") && error.contains("seed 2"), "{error}");
    let error = refused(Trainer::new(model(), Adam::new(0.01)).resume().err());
    assert!(error.contains("checkpoints(folder)"), "{error}");
    let error = refused(Trainer::new(model(), Adam::new(0.01)).resume_from("/nowhere/x").err());
    assert!(error.contains("/nowhere/x"), "{error}");

    let weights = at.join("weights.safetensors");
    save_weights(&model(), &weights).expect("a file");
    let error = refused(Trainer::new(model(), Adam::new(0.01)).resume_from(&weights).err());
    assert!(error.contains("not a checkpoint") && error.contains("load_weights"), "{error}");
    let bytes = std::fs::read(&last).expect("bytes");
    std::fs::write(&last, &bytes[..bytes.len() / 2]).expect("a file");
    let error = refused(Trainer::new(model(), Adam::new(0.01)).resume_from(&last).err());
    assert!(error.contains("last.safetensors is not a whole safetensors file"), "{error}");

    // A folder that can't be made: there is a file in its place.
    let mut nowhere =
        Trainer::new(model(), Adam::new(0.01)).epochs(1).quiet().checkpoints(at.join("weights.safetensors"));
    let error = refused(fit(&mut nowhere).err());
    assert!(error.contains("weights.safetensors"), "{error}");
    let mut other = Trainer::new(model(), Adam::new(0.01)).quiet().watch("accuracy");
    let error = refused(fit(&mut other).err());
    assert!(error.contains("\"accuracy\"") && error.contains("\"loss\""), "{error}");
}
