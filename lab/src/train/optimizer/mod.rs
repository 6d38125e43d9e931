//! What all optimizers have in common: the walk over the model, what they remember for each weight, and
//! how that is saved.

#[cfg(feature = "gpu")]
pub(super) mod gpu;
#[cfg(not(feature = "gpu"))]
mod host;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

#[cfg(feature = "gpu")]
use cuda::code::Outcome;
use dfdx::nn::TensorCollection;
use dfdx::tensor::Gradients;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "gpu")]
use self::gpu::update;
#[cfg(not(feature = "gpu"))]
use self::host::update;
use super::TrainError;
use super::slot::{self, Slot};
use crate::device::Dev;

/// An optimizer: it changes the weights of a model by one step against their gradients. What it remembers
/// is kept by the name of the parameter, so one optimizer belongs to one model.
///
/// A `Box<dyn Optimizer>` is an optimizer too. To write your own, implement what has no body here;
/// [`Sgd`](super::Sgd) is the shortest example.
pub trait Optimizer {
    /// How far a step goes.
    fn learning_rate(&self) -> f64;

    /// Changes how far the next steps go, as a [`Schedule`](super::Schedule) says.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// The name of the algorithm, by which a saved state is recognised.
    fn name(&self) -> &'static str;

    /// Everything that was chosen when the optimizer was made, and the learning rate.
    fn settings(&self) -> Value;

    /// Takes settings that [`Optimizer::settings`] gave.
    ///
    /// # Errors
    /// When one is missing or is of another type.
    fn set_settings(&mut self, settings: &Value) -> Result<(), serde_json::Error>;

    /// The names of the buffers it keeps for each parameter, each with a number for each weight, which
    /// start at zero. The names are PyTorch's.
    fn buffers(&self) -> &'static [&'static str];

    /// Whether steps can be made with the settings as they are.
    ///
    /// # Errors
    /// Names the setting that is out of range.
    fn check(&self) -> Result<(), TrainError> {
        nonnegative("the learning rate", self.learning_rate())
    }

    /// Changes the weights of one parameter; the `steps`th time for it, counted from 1. `buffers` are those
    /// of [`Optimizer::buffers`].
    fn step(&self, steps: u64, weights: &mut [f32], gradient: &[f32], buffers: &mut [Vec<f32>]);

    /// The same on a GPU, for parameters that have all made as many steps: their weights, their gradients, and each of
    /// their buffers. Without kernels of its own, an optimizer has the numbers copied to the processor and back.
    ///
    /// # Errors
    /// When the GPU fails.
    #[cfg(feature = "gpu")]
    fn step_on_gpu(&self, steps: u64, parameters: &gpu::Parameters) -> Outcome<()> {
        gpu::through_host(parameters, &mut |weights, gradient, buffers| {
            self.step(steps, weights, gradient, buffers);
        })
    }

    /// What is remembered between steps.
    fn memory(&self) -> &Memory;

    /// What is remembered between steps, to be changed.
    fn memory_mut(&mut self) -> &mut Memory;

    /// Changes the model's weights by one step against the gradients.
    ///
    /// # Errors
    /// When a gradient is not finite, a setting is out of range, or the optimizer was used for another
    /// model before. Then no weight has been changed, and no step was made.
    ///
    /// # Panics
    /// When the gradients were made without `model.alloc_grads()` and the loss does not depend on a weight.
    fn update<M: TensorCollection<f32, Dev>>(
        &mut self,
        model: &mut M,
        gradients: &Gradients<f32, Dev>,
    ) -> Result<(), TrainError>
    where
        Self: Sized,
    {
        update(self, model, gradients)
    }

    /// Everything the optimizer is and remembers, so that training can go on from here bit for bit.
    fn state(&self) -> OptimizerState {
        let memory = self.memory();
        let mut tensors = Vec::new();
        for (parameter, Remembered { buffers, .. }) in &memory.parameters {
            for (name, values) in self.buffers().iter().zip(buffers) {
                tensors.push((format!("{parameter}.{name}"), slot::numbers(values)));
            }
        }
        let steps = memory.parameters.iter().map(|(name, remembered)| (name.clone(), remembered.steps));
        let header = OptimizerHeader {
            optimizer: self.name().to_owned(),
            settings: self.settings(),
            step: memory.step,
            steps: steps.collect(),
        };
        OptimizerState { header, tensors }
    }

    /// Goes back to a state that [`Optimizer::state`] gave, settings included.
    ///
    /// # Errors
    /// When the state is one of another kind of optimizer, or parts of it are missing. Then nothing has
    /// been changed.
    fn load_state(&mut self, state: OptimizerState) -> Result<(), TrainError> {
        let optimizer = self.name();
        if state.header.optimizer != optimizer {
            return Err(TrainError::OtherOptimizer { expected: optimizer, got: state.header.optimizer });
        }
        let memory = Memory::restored(optimizer, self.buffers(), &state.header, state.tensors)?;
        let refused = |error: serde_json::Error| TrainError::State { optimizer, reason: error.to_string() };
        self.set_settings(&state.header.settings).map_err(refused)?;
        *self.memory_mut() = memory;
        Ok(())
    }
}

/// What an optimizer answers from its own fields: `learning_rate`, `memory` (not among the settings), and those
/// that serde writes.
macro_rules! fields {
    ($name:literal) => {
        fn learning_rate(&self) -> f64 {
            self.learning_rate
        }

        fn set_learning_rate(&mut self, learning_rate: f64) {
            self.learning_rate = learning_rate;
        }

        fn name(&self) -> &'static str {
            $name
        }

        fn settings(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap_or_default()
        }

        fn set_settings(&mut self, settings: &serde_json::Value) -> Result<(), serde_json::Error> {
            let read = Self::deserialize(settings)?;
            *self = Self { memory: std::mem::take(&mut self.memory), ..read };
            Ok(())
        }

        fn memory(&self) -> &Memory {
            &self.memory
        }

        fn memory_mut(&mut self) -> &mut Memory {
            &mut self.memory
        }
    };
}

pub(super) use fields;

impl<O: Optimizer + ?Sized> Optimizer for Box<O> {
    fn learning_rate(&self) -> f64 {
        (**self).learning_rate()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        (**self).set_learning_rate(learning_rate);
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn settings(&self) -> Value {
        (**self).settings()
    }

    fn set_settings(&mut self, settings: &Value) -> Result<(), serde_json::Error> {
        (**self).set_settings(settings)
    }

    fn buffers(&self) -> &'static [&'static str] {
        (**self).buffers()
    }

    fn check(&self) -> Result<(), TrainError> {
        (**self).check()
    }

    fn step(&self, steps: u64, weights: &mut [f32], gradient: &[f32], buffers: &mut [Vec<f32>]) {
        (**self).step(steps, weights, gradient, buffers);
    }

    #[cfg(feature = "gpu")]
    fn step_on_gpu(&self, steps: u64, parameters: &gpu::Parameters) -> Outcome<()> {
        (**self).step_on_gpu(steps, parameters)
    }

    fn memory(&self) -> &Memory {
        (**self).memory()
    }

    fn memory_mut(&mut self) -> &mut Memory {
        (**self).memory_mut()
    }
}

/// What an optimizer remembers between steps.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    step: u64,
    parameters: BTreeMap<String, Remembered>,
    #[cfg(not(feature = "gpu"))]
    scratch: host::Scratch,
    #[cfg(feature = "gpu")]
    lists: gpu::Lists,
}

impl Memory {
    /// How many steps were made.
    pub fn step(&self) -> u64 {
        self.step
    }

    fn restored(
        optimizer: &'static str,
        buffers: &[&str],
        header: &OptimizerHeader,
        tensors: Vec<(String, Vec<f32>)>,
    ) -> Result<Self, TrainError> {
        let mut tensors: BTreeMap<String, Vec<f32>> = tensors.into_iter().collect();
        let mut parameters = BTreeMap::new();
        for (parameter, &steps) in &header.steps {
            let mut take = |buffer: &&str| {
                let name = format!("{parameter}.{buffer}");
                let missing = || TrainError::State { optimizer, reason: format!("{name} is missing") };
                tensors.remove(&name).ok_or_else(missing)
            };
            let buffers = buffers.iter().map(&mut take).collect::<Result<Vec<_>, _>>()?;
            if let Some(other) = buffers.iter().find(|buffer| buffer.len() != buffers[0].len()) {
                let reason =
                    format!("the buffers of {parameter} have {} and {} numbers", buffers[0].len(), other.len());
                return Err(TrainError::State { optimizer, reason });
            }
            let buffers = buffers.into_iter().map(slot::of).collect::<Result<_, _>>()?;
            parameters.insert(parameter.clone(), Remembered { steps, buffers });
        }
        let mut memory = Self::default();
        (memory.step, memory.parameters) = (header.step, parameters);
        Ok(memory)
    }

    /// Takes the memory out of an optimizer that can make a step, so that both can be used.
    fn out_of(optimizer: &mut dyn Optimizer) -> Result<Self, TrainError> {
        optimizer.check()?;
        Ok(std::mem::take(optimizer.memory_mut()))
    }

    /// The place for a parameter with this many weights.
    fn place(&mut self, name: &str, len: usize, buffers: usize) -> Result<&mut Remembered, TrainError> {
        let place = match self.parameters.entry(name.to_owned()) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(fresh) => {
                let buffers = (0..buffers).map(|_| slot::zeros(len)).collect::<Result<_, _>>()?;
                fresh.insert(Remembered { steps: 0, buffers })
            }
        };
        let held = place.buffers.first().map_or(len, slot::len);
        if held == len {
            Ok(place)
        } else {
            Err(TrainError::OtherModel { parameter: name.to_owned(), expected: held, got: len })
        }
    }
}

/// Two memories are equal when the next steps are; room to work in does not count.
impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        self.step == other.step && self.parameters == other.parameters
    }
}

/// What is remembered for one parameter.
#[derive(Debug, Clone, PartialEq)]
struct Remembered {
    steps: u64,
    buffers: Vec<Slot>,
}

/// Everything an optimizer is and remembers: a part to be saved as JSON, and named arrays to be saved as
/// tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerState {
    /// Name, settings and counts.
    pub header: OptimizerHeader,
    /// What is kept for each weight, named by parameter and buffer: `0.weight.exp_avg`.
    pub tensors: Vec<(String, Vec<f32>)>,
}

/// The part of an optimizer's state that is no array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerHeader {
    /// The name of the algorithm.
    pub optimizer: String,
    /// What was chosen when it was made, and the learning rate.
    pub settings: Value,
    /// How many steps were made.
    pub step: u64,
    /// How many steps were made for each parameter; fewer if it was frozen at times.
    pub steps: BTreeMap<String, u64>,
}

/// Whether no value is NaN or infinite. A sum of products with zero is NaN exactly then, and needs no branch.
pub(super) fn all_finite(values: &[f32]) -> bool {
    let mut sums = [0.0f32; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value * 0.0;
        }
    }
    let rest: f32 = rest.iter().map(|value| value * 0.0).sum();
    (sums.iter().sum::<f32>() + rest) == 0.0
}

/// Whether a setting is a finite number and not below zero.
pub(super) fn nonnegative(setting: &'static str, value: f64) -> Result<(), TrainError> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(TrainError::Setting { setting, value, allowed: "a finite number, 0 or more" })
    }
}

/// Whether a setting is a share: from 0 to below 1.
pub(super) fn share(setting: &'static str, value: f64) -> Result<(), TrainError> {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(TrainError::Setting { setting, value, allowed: "0 or more, and less than 1" })
    }
}
