//! What is done to gradients between `backward` and `update`: clipping, scaling, penalties.
//!
//! Gradients add up until they are zeroed, so accumulating over micro-batches needs nothing but to zero
//! them later, and to scale them when the loss is a mean:
//!
//! ```ignore
//! for micro in 0..4 {
//!     let loss = cross_entropy(model.forward(x[micro].trace(gradients)), &y[micro])?;
//!     gradients = loss.backward();
//! }
//! scale_gradients(&model, &mut gradients, 1.0 / 4.0)?;
//! clip_grad_norm(&model, &mut gradients, 1.0)?;
//! optimizer.update(&mut model, &gradients)?;
//! model.zero_grads(&mut gradients);
//! ```

#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
mod host;

use dfdx::nn::TensorCollection;
use dfdx::tensor::Gradients;

#[cfg(feature = "gpu")]
use self::gpu::{add_penalty, clamp, scale, squares};
#[cfg(not(feature = "gpu"))]
use self::host::{add_penalty, clamp, scale, squares};
use super::TrainError;
use super::optimizer::nonnegative;
use crate::device::Dev;

/// Scales all gradients by one factor so that their norm, taken over all parameters together, is at most
/// `max_norm`; returns the norm before. As `torch.nn.utils.clip_grad_norm_`. Pascanu, Mikolov and Bengio,
/// *On the difficulty of training recurrent neural networks*, 2013, algorithm 1.
///
/// # Errors
/// When a gradient is not finite, or `max_norm` is not a number or below 0. Then nothing has been changed.
pub fn clip_grad_norm<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    max_norm: f64,
) -> Result<f64, TrainError> {
    nonnegative("the largest norm", max_norm)?;
    let norm = grad_norm(model, gradients)?;
    if norm > max_norm {
        // As in PyTorch, the small number keeps what comes out just below the limit.
        scale_gradients(model, gradients, max_norm / (norm + 1e-6))?;
    }
    Ok(norm)
}

/// The norm of all gradients together: the root of the sum of their squares.
///
/// # Errors
/// When a gradient is not finite.
pub fn grad_norm<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
) -> Result<f64, TrainError> {
    Ok(squares(model, gradients)?.sqrt())
}

/// Limits each number of each gradient to `-limit ..= limit`, as `torch.nn.utils.clip_grad_value_`.
///
/// # Errors
/// When a gradient is NaN or infinite, or the limit is not a number or below 0. Parameters in front of the
/// one named have been clipped then.
#[allow(clippy::cast_possible_truncation)] // used in f32 as the gradients are
pub fn clip_grad_value<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    limit: f64,
) -> Result<(), TrainError> {
    nonnegative("the largest value", limit)?;
    clamp(model, gradients, limit as f32)
}

/// Multiplies all gradients with a factor: `1.0 / n` after `n` micro-batches whose losses are means.
///
/// # Errors
/// When the factor is not finite or below 0.
#[allow(clippy::cast_possible_truncation)] // used in f32 as the gradients are
pub fn scale_gradients<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    factor: f64,
) -> Result<(), TrainError> {
    nonnegative("the factor", factor)?;
    scale(model, gradients, factor as f32)
}

/// The L1 penalty `strength` · Σ|w| over all trainable weights (lasso): returns it, to be added to the loss
/// that is reported, and adds its gradient, `strength` · sign(w), where 0 has none.
///
/// # Errors
/// When the strength is not finite or below 0.
pub fn l1_penalty<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    strength: f64,
) -> Result<f64, TrainError> {
    penalty(model, gradients, strength, Penalty::L1)
}

/// The L2 penalty `strength` · Σw² over all trainable weights (ridge): returns it, to be added to the loss
/// that is reported, and adds its gradient, 2 · `strength` · w. The `weight_decay` of [`Sgd`](super::Sgd) is
/// twice this strength.
///
/// # Errors
/// When the strength is not finite or below 0.
pub fn l2_penalty<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    strength: f64,
) -> Result<f64, TrainError> {
    penalty(model, gradients, strength, Penalty::L2)
}

/// What large weights cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Penalty {
    /// Their size.
    L1,
    /// Their square.
    L2,
}

#[allow(clippy::cast_possible_truncation)] // used in f32 as the gradients are
fn penalty<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    strength: f64,
    penalty: Penalty,
) -> Result<f64, TrainError> {
    nonnegative("the penalty's strength", strength)?;
    Ok(add_penalty(model, gradients, strength as f32, penalty)? * strength)
}
