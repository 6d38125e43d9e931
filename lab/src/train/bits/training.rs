//! A training, made by its number.

use dfdx::prelude::{ZeroGrads as _, *};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::Xxh3;

use super::models::MODELS;
use crate::device::{Dev, device_seeded};
use crate::loss::{
    CrossEntropy, Loss, LossError, bce_with_logits_loss, cross_entropy, focal_loss, huber_loss,
    kl_div_with_logits_loss, mae_loss, mse_loss, sigmoid_focal_loss,
};
use crate::nn::Weights;
use crate::nn::check::numbers;
use crate::train::{Adam, AdamW, Optimizer, RMSprop, Schedule, Sgd, clip_grad_norm};

/// What each model is given, and what it gives.
pub(super) const INPUT: usize = 24;
pub(super) const CLASSES: usize = 6;

pub(super) type Taped<const WIDTH: usize> = Tensor<(usize, Const<WIDTH>), f32, Dev, OwnedTape<f32, Dev>>;

const STEPS: u32 = 3;

const OPTIMIZERS: [&str; 8] =
    ["Sgd", "Sgd with momentum", "Sgd, Nesterov", "Adam", "Adam with L2", "AdamW", "RMSprop", "RMSprop, centered"];

const LOSSES: [&str; 9] = [
    "cross-entropy",
    "smoothed cross-entropy",
    "focal",
    "binary cross-entropy",
    "binary focal",
    "squares",
    "distances",
    "Huber",
    "divergence",
];

/// Some are large enough to be computed by several threads.
const BATCHES: [usize; 9] = [1, 2, 3, 7, 16, 33, 64, 130, 300];

/// What is trained, and how.
#[derive(Debug)]
#[allow(dead_code)] // the names are read where a test fails
pub(super) struct Training {
    pub(super) number: u64,
    model: (usize, &'static str),
    optimizer: &'static str,
    loss: &'static str,
    batch: usize,
    seed: u64,
    clipped: bool,
}

impl Training {
    /// Always the same for a number.
    pub(super) fn numbered(number: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(number);
        // Every model comes up, and no two trainings are the same.
        let model = usize::try_from(number).unwrap_or_default() % MODELS.len();
        Self {
            number,
            model: (model, MODELS[model].0),
            optimizer: OPTIMIZERS[random.gen_range(0..OPTIMIZERS.len())],
            loss: LOSSES[random.gen_range(0..LOSSES.len())],
            batch: BATCHES[random.gen_range(0..BATCHES.len())],
            seed: random.r#gen::<u64>(),
            clipped: random.r#gen::<bool>(),
        }
    }

    /// The hash of all losses and of the trained weights.
    pub(super) fn hash(&self) -> u64 {
        MODELS[self.model.0].1(self)
    }

    /// Trains a model of this type, and gives the hash of the losses and the weights.
    pub(super) fn train<M>(&self, forward: impl Fn(&mut M::Built, Taped<INPUT>) -> Taped<CLASSES>) -> u64
    where
        M: BuildOnDevice<Dev, f32>,
        M::Built: TensorCollection<f32, Dev>,
    {
        let dev = device_seeded(self.seed);
        let mut model = dev.build_module::<M, f32>();
        let mut gradients = model.alloc_grads();
        let mut optimizer = self.optimizer();
        let mut hash = Xxh3::new();
        let schedule = Schedule::cosine(0.01, 0.001, u64::from(STEPS));
        for step in 0..STEPS {
            optimizer.set_learning_rate(schedule.rate(u64::from(step)));
            let x: Tensor<(usize, Const<INPUT>), f32, Dev> =
                dev.tensor_from_vec(self.numbers(INPUT, step), (self.batch, Const));
            let scores = forward(&mut model, x.trace(std::mem::replace(&mut gradients, Gradients::leaky())));
            let loss = self.loss(scores, step).expect("a loss");
            hash.update(&loss.array().to_bits().to_le_bytes());
            gradients = loss.backward();
            if self.clipped {
                clip_grad_norm(&model, &mut gradients, 1.0).expect("a norm");
            }
            optimizer.update(&mut model, &gradients).expect("a step");
            model.zero_grads(&mut gradients);
        }
        let weights = Weights::of(&model);
        for name in weights.names() {
            let (_, values) = weights.get(name).expect("a weight by its name");
            values.iter().for_each(|value| hash.update(&value.to_bits().to_le_bytes()));
        }
        hash.digest()
    }

    fn optimizer(&self) -> Box<dyn Optimizer> {
        let rate = 0.01;
        match self.optimizer {
            "Sgd" => Box::new(Sgd::new(rate).with_weight_decay(0.01)),
            "Sgd with momentum" => Box::new(Sgd::new(rate).with_momentum(0.9)),
            "Sgd, Nesterov" => Box::new(Sgd::new(rate).with_nesterov(0.9)),
            "Adam" => Box::new(Adam::new(rate)),
            "Adam with L2" => Box::new(Adam::new(rate).with_l2(0.01)),
            "AdamW" => Box::new(AdamW::new(rate)),
            "RMSprop" => Box::new(RMSprop::new(rate)),
            _ => Box::new(RMSprop::new(rate).centered().with_momentum(0.9)),
        }
    }

    fn loss(&self, scores: Taped<CLASSES>, step: u32) -> Result<Loss<OwnedTape<f32, Dev>>, LossError> {
        let classes: Vec<usize> = (0..self.batch).map(|row| (row * 5 + step as usize) % CLASSES).collect();
        let dev = scores.device().clone();
        let wanted: Tensor<(usize, Const<CLASSES>), f32, Dev> =
            dev.tensor_from_vec(self.numbers(CLASSES, 100 + step), (self.batch, Const));
        match self.loss {
            "cross-entropy" => cross_entropy(scores, classes),
            "smoothed cross-entropy" => CrossEntropy::new().with_label_smoothing(0.1).loss(scores, classes),
            "focal" => focal_loss(scores, classes, 2.0),
            "binary cross-entropy" => bce_with_logits_loss(scores, wanted.sigmoid()),
            "binary focal" => sigmoid_focal_loss(scores, wanted.sigmoid(), 0.25, 2.0),
            "squares" => mse_loss(scores, wanted),
            "distances" => mae_loss(scores, wanted),
            "Huber" => huber_loss(scores, wanted, 0.7),
            _ => kl_div_with_logits_loss(scores, wanted.softmax::<Axis<1>>()),
        }
    }

    /// Numbers between -2 and 2 for each row of a batch.
    fn numbers(&self, width: usize, step: u32) -> Vec<f32> {
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        let seed = (self.seed as u32).wrapping_add(step);
        numbers(self.batch * width, seed).into_iter().map(|number| 2.0 * number).collect()
    }
}
