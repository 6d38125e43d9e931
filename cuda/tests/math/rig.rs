//! Numbers, the device, and how results are compared.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cuda::code::{INVALID_VALUE, Outcome};
use cuda::driver::Precision;
use cuda::math::Room;

/// The device for one test alone, so that it can count what it does.
pub(crate) fn device() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let gpu = crate::support::open();
    gpu.set_precision(Precision::Fp32);
    let context = gpu.driver.retain_context(gpu.ordinal).unwrap();
    gpu.driver.enter_context(context).unwrap();
    alone
}

/// So many numbers from about -2 to 2 that look random, each exactly an `f32`.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((state >> 40) as i32 - (1 << 23)) / f64::from(1 << 22)
    };
    (0..count).map(|_| next()).collect()
}

pub(crate) fn narrow(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|number| *number as f32).collect()
}

/// Room on the device with these numbers.
pub(crate) fn put(numbers: &[f64]) -> Room {
    Room::with(&narrow(numbers)).unwrap()
}

/// Room for numbers that a kernel will write.
pub(crate) fn empty(count: usize) -> Room {
    put(&vec![f64::NAN; count])
}

pub(crate) fn get(room: &Room) -> Vec<f64> {
    room.buffer().download().unwrap().into_iter().map(f64::from).collect()
}

/// Each number to 1e-5 of itself, or of what numbers are here on average, which is what their terms are like.
pub(crate) fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let usual = expected.iter().map(|x| x.abs()).sum::<f64>() / expected.len().max(1) as f64;
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let near = (found - expected).abs() <= 1e-5 * expected.abs().max(usual);
        assert!(near, "{what}: {found} instead of {expected} at {place}");
    }
}

/// A function from some rows of numbers to one.
pub(crate) type Formula<'a> = dyn Fn(&[Vec<f64>]) -> Vec<f64> + 'a;

/// The derivative of the sum of the results, each times its number of `of_result`, by each input: by central
/// differences.
pub(crate) fn gradient(formula: &Formula, inputs: &[Vec<f64>], of_result: &[f64]) -> Vec<Vec<f64>> {
    const STEP: f64 = 1e-5;
    let mut inputs = inputs.to_vec();
    let sizes: Vec<usize> = inputs.iter().map(Vec::len).collect();
    let mut by = |input: usize, place: usize| {
        let mut at = |step: f64| {
            let before = inputs[input][place];
            inputs[input][place] += step;
            let sum = formula(&inputs).iter().zip(of_result).map(|(x, factor)| x * factor).sum::<f64>();
            inputs[input][place] = before;
            sum
        };
        (at(STEP) - at(-STEP)) / (2.0 * STEP)
    };
    sizes.iter().enumerate().map(|(input, size)| (0..*size).map(|place| by(input, place)).collect()).collect()
}

/// A gradient that is there already, to which a function must add.
pub(crate) struct Before {
    room: Room,
    numbers: Vec<f64>,
}

impl Before {
    pub(crate) fn new(count: usize) -> Self {
        let numbers = numbers(count, 77);
        Self { room: put(&numbers), numbers }
    }

    pub(crate) fn buffer(&self) -> cuda::math::Buffer {
        self.room.buffer()
    }

    /// What was added since.
    pub(crate) fn check(&self, what: &str, expected: &[f64]) {
        let sums: Vec<f64> = self.numbers.iter().zip(expected).map(|(before, added)| before + added).collect();
        close(what, &get(&self.room), &sums);
    }
}

/// How many kernels and products something starts.
pub(crate) fn started(work: impl FnOnce()) -> u64 {
    let gpu = cuda::gpu::gpu().unwrap();
    let count = || gpu.counts.launches.load(Relaxed) + gpu.counts.products.load(Relaxed);
    let before = count();
    work();
    count() - before
}

/// Sizes that don't go together are refused before anything is started.
pub(crate) fn refused<T>(what: &str, work: impl FnOnce() -> Outcome<T>) {
    let started = started(|| {
        let failure = work().err().unwrap_or_else(|| panic!("{what} was not refused"));
        assert_eq!(failure.code, INVALID_VALUE, "{what}: {failure}");
    });
    assert_eq!(started, 0, "{what}");
}
