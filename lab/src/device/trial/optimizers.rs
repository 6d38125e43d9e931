//! Some steps of every optimizer, and what is done to gradients before one. No products are in the model, whose
//! gradients are thus the same at all precisions.

use dfdx::prelude::{ZeroGrads as _, *};

use super::Case;
use super::layers::tensor;
use super::values::{Named, Rows, of_model};
use crate::device::{Dev, device_seeded};
use crate::nn::{LayerNorm, Tanh};
use crate::train::{
    Adam, AdamW, Optimizer, RMSprop, Sgd, clip_grad_norm, clip_grad_value, l1_penalty, l2_penalty, scale_gradients,
};

type Model = (LayerNorm<301>, Tanh, LayerNorm<301>);

/// Gradients of a loss that is another one in each step.
fn gradients(model: &Model, step: u32, gradients: Gradients<f32, Dev>) -> Gradients<f32, Dev> {
    let y = model.forward(tensor(<Rank2<7, 301>>::default(), step).trace(gradients));
    (y * tensor(<Rank2<7, 301>>::default(), 100 + step)).sum::<Rank0, _>().backward()
}

/// The weights after some steps.
fn steps(mut optimizer: impl Optimizer) -> Rows {
    let mut model = device_seeded(1).build_module::<Model, f32>();
    let mut kept = model.alloc_grads();
    for step in 1..=3 {
        kept = gradients(&model, step, kept);
        optimizer.update(&mut model, &kept).expect("a step");
        model.zero_grads(&mut kept);
    }
    Rows { values: of_model(&model, None), gradients: Named::new() }
}

/// Gradients that something was done to, and what it gave.
fn changed(change: impl FnOnce(&Model, &mut Gradients<f32, Dev>) -> f64) -> Rows {
    let model = device_seeded(1).build_module::<Model, f32>();
    let mut gradients = gradients(&model, 1, model.alloc_grads());
    #[allow(clippy::cast_possible_truncation)] // it is compared with a tolerance
    let given = change(&model, &mut gradients) as f32;
    let values = Named::from([("what it gives".to_owned(), vec![given])]);
    Rows { values, gradients: of_model(&model, Some(&gradients)) }
}

macro_rules! cases {
    ($($name:literal, $rows:expr;)*) => {
        vec![$(Case { name: $name, kinked: false, run: || $rows }),*]
    };
}

pub(super) fn cases() -> Vec<Case> {
    cases! {
        "Sgd", steps(Sgd::new(0.1).with_weight_decay(0.01));
        "Sgd with momentum", steps(Sgd::new(0.1).with_momentum(0.9));
        "Sgd, Nesterov", steps(Sgd::new(0.1).with_nesterov(0.9));
        "Adam", steps(Adam::new(0.1));
        "Adam with L2", steps(Adam::new(0.1).with_l2(0.01));
        "AdamW", steps(AdamW::new(0.1).with_weight_decay(0.1));
        "RMSprop", steps(RMSprop::new(0.01));
        "RMSprop, centered, with momentum", steps(RMSprop::new(0.01).centered().with_momentum(0.9));
        "clip_grad_norm", changed(|model, gradients| clip_grad_norm(model, gradients, 1.0).expect("a norm"));
        "clip_grad_value", changed(|model, gradients| {
            clip_grad_value(model, gradients, 0.5).expect("clipped");
            1.0
        });
        "scale_gradients", changed(|model, gradients| {
            scale_gradients(model, gradients, 0.3).expect("scaled");
            1.0
        });
        "l1_penalty", changed(|model, gradients| l1_penalty(model, gradients, 0.1).expect("a penalty"));
        "l2_penalty", changed(|model, gradients| l2_penalty(model, gradients, 0.1).expect("a penalty"));
    }
}
