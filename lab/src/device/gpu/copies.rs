//! What is copied between the processor and a GPU: neither predictions nor weights, whatever the loss or the optimizer.

use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;

use dfdx::nn::modules::Linear;
use dfdx::nn::{DeviceBuildExt, Module, ZeroGrads, builders};
use dfdx::shapes::Rank2;
use dfdx::tensor::{NoneTape, OwnedTape, Tensor, TensorFromVec, Trace};
use dfdx::tensor_ops::Backward;

use crate::device::{Dev, device};
use crate::loss::*;
use crate::nn::Frozen;
use crate::train::*;

const CHILD: &str = "ASSAY_TEST_COPIES";
const ROWS: usize = 64;
const WIDTH: usize = 256;
/// A prediction has 16,384 numbers, and the model as many weights. A number for each row and one for each column,
/// classes and weights of these, are less than this; so is what dfdx copies of shapes.
const FEW: u64 = 4096;

type Scores<T> = Tensor<Rank2<ROWS, WIDTH>, f32, Dev, T>;
type Traced = Scores<OwnedTape<f32, Dev>>;
/// A loss of scores.
type OfScores<'a> = dyn Fn(Traced) -> Result<Loss<OwnedTape<f32, Dev>>, LossError> + 'a;
type Model = Linear<WIDTH, ROWS, f32, Dev>;

/// The counts are those of all threads, so a process of its own counts.
#[test]
fn neither_predictions_nor_weights_are_copied() {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "device::gpu::copies::in_a_process_of_its_own", "--ignored", "--nocapture"]);
    let output = command.env(CHILD, "1").output().expect("a process");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by neither_predictions_nor_weights_are_copied"]
fn in_a_process_of_its_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    losses_copy_few();
    steps_and_averages_copy_few();
    a_trainer_copies_few();
    // Were copies not counted, there would be none.
    let bytes = copied(|| assert_eq!(numbers(1.0).as_vec().len(), ROWS * WIDTH));
    assert_eq!(bytes, 2 * 4 * (ROWS * WIDTH) as u64);
}

/// How many bytes are copied, in either direction.
fn copied(work: impl FnOnce()) -> u64 {
    let counts = &cuda::gpu::gpu().expect("a GPU").counts;
    let bytes = || counts.bytes_up.load(Relaxed) + counts.bytes_down.load(Relaxed);
    let before = bytes();
    work();
    bytes() - before
}

fn few(what: &str, work: impl FnOnce()) {
    let bytes = copied(work);
    assert!(bytes < FEW, "{what}: {bytes} bytes");
}

/// Numbers from 0 to almost this.
fn numbers(below: f32) -> Scores<NoneTape> {
    let numbers = (0..ROWS * WIDTH).map(|place| below * (place * 7919 % 1000) as f32 / 1000.0);
    device().tensor_from_vec(numbers.collect(), Default::default())
}

fn losses_copy_few() {
    let (scores, wanted, other) = (numbers(3.0), numbers(1.0), numbers(2.0));
    let classes: Vec<usize> = (0..ROWS).map(|row| row * 5 % WIDTH).collect();
    let same: Vec<bool> = (0..ROWS).map(|row| row % 2 == 0).collect();
    let weights = [0.5; WIDTH];
    let smoothed = CrossEntropy::new().with_class_weights(&weights).with_label_smoothing(0.1);
    let answers = BceWithLogits::new().with_pos_weight(&weights).with_reduction(Reduction::Sum);
    let wanted = || wanted.clone();
    let losses: [(&str, &OfScores<'_>); 14] = [
        ("MSE", &|scores| mse_loss(scores, wanted())),
        ("MAE", &|scores| mae_loss(scores, wanted())),
        ("Huber", &|scores| huber_loss(scores, wanted(), 1.0)),
        ("cross-entropy", &|scores| cross_entropy(scores, &classes)),
        ("cross-entropy, smoothed", &|scores| smoothed.loss(scores, &classes)),
        ("focal", &|scores| focal_loss(scores, &classes, 2.0)),
        ("binary cross-entropy", &|scores| bce_with_logits_loss(scores, wanted())),
        ("binary cross-entropy, weighted", &|scores| answers.loss(scores, wanted())),
        ("binary focal", &|scores| sigmoid_focal_loss(scores, wanted(), 0.25, 2.0)),
        ("KL", &|scores| kl_div_loss(scores, wanted())),
        ("KL of scores", &|scores| kl_div_with_logits_loss(scores, wanted())),
        ("contrastive", &|scores| contrastive_loss(scores, other.clone(), &same, 40.0)),
        ("contrastive, both traced", &|scores| contrastive_loss(scores, other.leaky_trace(), &same, 40.0)),
        ("NT-Xent", &|scores| nt_xent_loss(scores, other.leaky_trace(), 0.5)),
    ];
    for (name, loss) in losses {
        few(name, || drop(loss(scores.leaky_trace()).expect("a loss").backward()));
    }
    few("a refusal", || {
        let refused = bce_with_logits_loss(wanted(), scores.clone()).expect_err("no probabilities");
        assert!(matches!(refused, LossError::Probability { .. }), "{refused}");
    });
}

fn model() -> Model {
    device().build_module::<builders::Linear<WIDTH, ROWS>, f32>()
}

fn steps_and_averages_copy_few() {
    let mut model = model();
    let mut gradients = model.alloc_grads();
    let optimizers: [(&str, Box<dyn Optimizer>); 4] = [
        ("SGD", Box::new(Sgd::new(0.1).with_momentum(0.9))),
        ("Adam", Box::new(Adam::new(0.1))),
        ("AdamW", Box::new(AdamW::new(0.1))),
        ("RMSprop", Box::new(RMSprop::new(0.1))),
    ];
    for (name, mut optimizer) in optimizers {
        few(name, || optimizer.update(&mut model, &gradients).expect("a step"));
    }
    few("a penalty", || assert!(l2_penalty(&model, &mut gradients, 10.0).expect("a penalty") > 0.0));
    few("clipping", || assert!(clip_grad_norm(&model, &mut gradients, 0.1).expect("a norm") > 0.1));

    let mut ema = Ema::new(0.9).expect("a decay");
    for update in 0..3 {
        few(&format!("update {update} of the averages"), || ema.update(&model).expect("the same model"));
    }
    few("an exchange", || ema.swap(&mut model).expect("averages"));

    let frozen = Frozen::new(&model, &["weight"]).expect("a weight");
    let before = model.weight.as_vec();
    Sgd::new(0.1).update(&mut model, &gradients).expect("a step");
    assert_ne!(model.weight.as_vec(), before);
    few("frozen weights put back", || frozen.restore(&mut model));
    assert_eq!(model.weight.as_vec(), before);
}

fn a_trainer_copies_few() {
    let (x, wanted) = (numbers(1.0), model().forward(numbers(2.0)));
    let mut trainer = Trainer::new(model(), Adam::new(0.1)).quiet().ema(0.9).expect("a decay");
    trainer.next_epoch().expect("an epoch");
    for step in 0..3 {
        few(&format!("step {step} of a trainer"), || {
            let gradients = trainer.gradients();
            let loss = mse_loss(trainer.model.forward(x.trace(gradients)), wanted.clone()).expect("a loss");
            trainer.step(loss).expect("a step");
        });
    }
    few("averages for the validation", || {
        trainer.swap_averages().expect("averages");
        trainer.swap_averages().expect("weights");
    });
}
