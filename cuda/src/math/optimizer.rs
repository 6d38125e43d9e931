//! Steps of optimizers, and what is done to gradients before: for all parameters of a model in one launch.

use super::{Buffer, Parameter, Room, check, rows, upload};
use crate::code::Outcome;

/// How many numbers a block has, as `optimizer.cu` says.
const CHUNK: usize = 4096;
const THREADS: u32 = 256;

/// Buffers of all parameters, for kernels that change all of them.
#[derive(Debug)]
pub struct List {
    /// See `optimizer.cu`.
    table: Room,
    /// The first block of each parameter, and where the last end.
    starts: Vec<usize>,
    /// Buffers of each parameter.
    width: usize,
}

impl List {
    /// Of each parameter the weights, or the weights and the gradient, and so on: what a function here says, or more. All
    /// buffers of a parameter are of one size. One list does for all that is done in a step.
    ///
    /// # Errors
    /// When they aren't, or there is no room, or the copy to the device fails.
    pub fn new(buffers: &[&[Buffer]]) -> Outcome<Self> {
        let count = buffers.first().map_or(0, |first| first.len());
        let alike = |other: &&[Buffer]| {
            other.len() == count && other.iter().zip(buffers[0]).all(|(other, first)| other.len() == first.len())
        };
        check("a list of parameters", buffers.iter().all(alike))?;
        let sizes: Vec<usize> = buffers.first().map_or(Vec::new(), |first| first.iter().map(|it| it.len()).collect());
        let mut starts = vec![0];
        for size in &sizes {
            starts.push(starts[starts.len() - 1] + size.div_ceil(CHUNK));
        }
        let addresses = buffers.iter().flat_map(|buffers| buffers.iter().map(|buffer| buffer.address()));
        let words: Vec<u64> = starts.iter().chain(&sizes).map(|word| *word as u64).chain(addresses).collect();
        let table = Room::new(2 * words.len())?;
        upload(table.buffer(), &words)?;
        Ok(Self { table, starts, width: buffers.len() })
    }

    /// Starts a kernel with a block for each chunk, its parameters behind the list.
    ///
    /// # Safety
    /// It is one of `optimizer.cu`, which looks at the first `width` buffers of each parameter, and `others` are what it
    /// takes.
    unsafe fn start(
        &self,
        kernel: &'static str,
        width: usize,
        sums: Option<&Room>,
        others: &[Parameter],
    ) -> Outcome<()> {
        check(kernel, self.width >= width || self.starts.len() == 1)?;
        let mut parameters: Vec<Parameter> = sums.iter().map(|sums| sums.buffer().into()).collect();
        parameters.extend([Parameter::from(self.table.buffer()), (self.starts.len() - 1).into()]);
        parameters.extend(others);
        // SAFETY: each block finds its chunk in the list, whose buffers are as long as the list says.
        unsafe { rows(kernel, self.blocks(), THREADS, &parameters) }
    }

    /// The same for a kernel that leaves a sum for each block: the sums for each parameter.
    ///
    /// # Safety
    /// As [`List::start`].
    unsafe fn sums(&self, kernel: &'static str, width: usize, others: &[Parameter]) -> Outcome<Vec<f64>> {
        let sums = Room::new(2 * self.blocks())?;
        // SAFETY: there is room for a number of 64 bits for each block; the rest is the caller's word.
        unsafe { self.start(kernel, width, Some(&sums), others) }?;
        let words = sums.buffer().download()?;
        let sums: Vec<f64> = words.chunks_exact(2).map(|halves| double([halves[0], halves[1]])).collect();
        Ok(self.starts.windows(2).map(|ends| sums[ends[0]..ends[1]].iter().sum()).collect())
    }

    fn blocks(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }
}

/// A number of 64 bits of which two of 32 hold the bits.
fn double(halves: [f32; 2]) -> f64 {
    let [[a, b, c, d], [e, f, g, h]] = halves.map(f32::to_ne_bytes);
    f64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// A step of stochastic gradient descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// How far it goes.
    pub rate: f32,
    /// The share of the last direction that is kept.
    pub momentum: f32,
    /// The share of a weight that is added to its gradient.
    pub decay: f32,
    /// Whether the direction is looked up one step ahead.
    pub nesterov: bool,
}

impl Sgd {
    /// The list has weights, gradients and directions.
    ///
    /// # Errors
    /// When it has not, or the device fails; so for all functions here.
    pub fn step(&self, list: &List) -> Outcome<()> {
        let [rate, momentum, decay] = [self.rate, self.momentum, self.decay].map(Parameter::from);
        // SAFETY: the kernel looks at three buffers and takes these.
        unsafe { list.start("assay_sgd", 3, None, &[rate, momentum, decay, u32::from(self.nesterov).into()]) }
    }
}

/// A step of Adam or AdamW: Kingma and Ba, *Adam: A Method for Stochastic Optimization*, 2015, algorithm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// How much of the past the means of gradient and squared gradient keep.
    pub beta: [f32; 2],
    /// 1 less these.
    pub rest: [f32; 2],
    /// How far it goes, over 1 less the first beta to the number of steps.
    pub rate: f32,
    /// 1 over 1 less the second beta to the number of steps.
    pub unbias: f32,
    /// Added to the root of the squared gradient.
    pub epsilon: f32,
    /// What a weight is multiplied with before (decoupled weight decay).
    pub keep: f32,
    /// The share of a weight that is added to its gradient.
    pub l2: f32,
}

impl Adam {
    /// The list has weights, gradients, means of these and means of their squares.
    ///
    /// # Errors
    /// As [`Sgd::step`].
    pub fn step(&self, list: &List) -> Outcome<()> {
        let &Self { beta: [beta1, beta2], rest: [rest1, rest2], rate, unbias, epsilon, keep, l2 } = self;
        let numbers = [beta1, beta2, rest1, rest2, rate, unbias, epsilon, keep, l2].map(Parameter::from);
        // SAFETY: the kernel looks at four buffers and takes these.
        unsafe { list.start("assay_adam", 4, None, &numbers) }
    }
}

/// A step of RMSprop: Hinton, lecture 6e of *Neural Networks for Machine Learning*, 2012.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// How far it goes.
    pub rate: f32,
    /// How much of the past the mean of the squared gradient keeps.
    pub alpha: f32,
    /// 1 less alpha.
    pub rest: f32,
    /// Added to the root of that mean.
    pub epsilon: f32,
    /// The share of the last direction that is kept.
    pub momentum: f32,
    /// The share of a weight that is added to its gradient.
    pub decay: f32,
    /// Whether the mean of the gradient is taken out of that of its square.
    pub centered: bool,
}

impl RmsProp {
    /// The list has weights, gradients, means of their squares, means of them, and directions.
    ///
    /// # Errors
    /// As [`Sgd::step`].
    pub fn step(&self, list: &List) -> Outcome<()> {
        let centered = if self.centered { 1.0 } else { 0.0 };
        let &Self { rate, alpha, rest, epsilon, momentum, decay, .. } = self;
        let numbers = [rate, alpha, rest, epsilon, momentum, decay, centered].map(Parameter::from);
        // SAFETY: the kernel looks at five buffers and takes these.
        unsafe { list.start("assay_rmsprop", 5, None, &numbers) }
    }
}

/// Multiplies the numbers of one buffer of each parameter, by its place in the list, with a factor.
///
/// # Errors
/// As [`Sgd::step`].
pub fn scale(list: &List, which: usize, factor: f32) -> Outcome<()> {
    // SAFETY: the kernel looks at this buffer and takes these.
    unsafe { list.start("assay_scale", which.saturating_add(1), None, &[which.into(), factor.into()]) }
}

/// Limits them to `-limit ..= limit`.
///
/// # Errors
/// As [`Sgd::step`].
pub fn clamp(list: &List, which: usize, limit: f32) -> Outcome<()> {
    // SAFETY: the kernel looks at this buffer and takes these.
    unsafe { list.start("assay_clamp", which.saturating_add(1), None, &[which.into(), limit.into()]) }
}

/// The sum of their squares for each parameter: finite exactly if all of its numbers are. Waits for the device.
///
/// # Errors
/// As [`Sgd::step`].
pub fn squares(list: &List, which: usize) -> Outcome<Vec<f64>> {
    // SAFETY: the kernel looks at this buffer and takes this.
    unsafe { list.sums("assay_squares", which.saturating_add(1), &[which.into()]) }
}

/// Moves averages by this share of what is between them and the weights. The list has weights and averages.
///
/// # Errors
/// As [`Sgd::step`].
pub fn average(list: &List, share: f32) -> Outcome<()> {
    // SAFETY: the kernel looks at two buffers and takes this.
    unsafe { list.start("assay_average", 2, None, &[share.into()]) }
}

/// Exchanges what the first two buffers of each parameter hold.
///
/// # Errors
/// As [`Sgd::step`].
pub fn exchange(list: &List) -> Outcome<()> {
    // SAFETY: the kernel looks at two buffers and takes no more.
    unsafe { list.start("assay_exchange", 2, None, &[]) }
}

/// Adds the slope of `strength` |w|, where 0 has none, to the gradients; gives the sum of |w| for each parameter. The
/// list has weights and gradients. Waits for the device.
///
/// # Errors
/// As [`Sgd::step`].
pub fn add_l1(list: &List, strength: f32) -> Outcome<Vec<f64>> {
    // SAFETY: the kernel looks at two buffers and takes this.
    unsafe { list.sums("assay_l1", 2, &[strength.into()]) }
}

/// The same for `strength` w² and the sum of w².
///
/// # Errors
/// As [`Sgd::step`].
pub fn add_l2(list: &List, strength: f32) -> Outcome<Vec<f64>> {
    // SAFETY: the kernel looks at two buffers and takes this.
    unsafe { list.sums("assay_l2", 2, &[strength.into()]) }
}
