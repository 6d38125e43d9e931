use cuda::math::optimizer::{Adam, List, RmsProp, Sgd, add_l1, add_l2, average, clamp, exchange, scale, squares};
use cuda::math::{Buffer, Room};

use crate::rig::{close, device, narrow, numbers, refused};

/// Sizes of parameters: none, less than a chunk, chunks that are full, and one more.
const SIZES: [usize; 6] = [3, 0, 4096, 1, 4097, 10_000];

/// One buffer of each parameter, with what is in it.
struct Buffers {
    rooms: Vec<Room>,
    numbers: Vec<Vec<f32>>,
}

impl Buffers {
    fn new(seed: u64) -> Self {
        let numbers: Vec<Vec<f32>> = SIZES.iter().map(|size| narrow(&numbers(*size, seed))).collect();
        Self { rooms: numbers.iter().map(|numbers| Room::with(numbers).unwrap()).collect(), numbers }
    }

    fn buffers(&self) -> Vec<Buffer> {
        self.rooms.iter().map(Room::buffer).collect()
    }

    /// The device has exactly what is here.
    fn same(&self, what: &str) {
        for (room, numbers) in self.rooms.iter().zip(&self.numbers) {
            let found = room.buffer().download().unwrap();
            let differ = found.iter().zip(numbers).position(|(found, expected)| found.to_bits() != expected.to_bits());
            assert_eq!(differ, None, "{what}: a parameter of {}", numbers.len());
        }
    }
}

fn list(buffers: &[Buffers]) -> List {
    let buffers: Vec<Vec<Buffer>> = buffers.iter().map(Buffers::buffers).collect();
    List::new(&buffers.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

/// Makes three steps on the device and here, number by number; `one` gets a number of each buffer.
fn steps<const N: usize>(what: &str, step: impl Fn(&List), one: impl Fn(&mut [f32; N])) {
    let _device = device();
    let mut buffers: Vec<Buffers> = (0..N as u64).map(Buffers::new).collect();
    // Means of squares are not negative.
    for buffers in &mut buffers[2..] {
        buffers.numbers.iter_mut().flatten().for_each(|number| *number = number.abs());
        buffers.rooms.iter().zip(&buffers.numbers).for_each(|(room, to)| room.buffer().upload(to).unwrap());
    }
    let list = list(&buffers);
    for _ in 0..3 {
        step(&list);
        for (parameter, size) in SIZES.iter().enumerate() {
            for place in 0..*size {
                let mut numbers = std::array::from_fn(|buffer| buffers[buffer].numbers[parameter][place]);
                one(&mut numbers);
                (0..N).for_each(|buffer| buffers[buffer].numbers[parameter][place] = numbers[buffer]);
            }
        }
    }
    buffers.iter().for_each(|buffers| buffers.same(what));
}

#[test]
fn stochastic_gradient_descent() {
    for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.8, true)] {
        let sgd = Sgd { rate: 0.1, momentum, decay: 0.01, nesterov };
        steps(
            "SGD",
            |list| sgd.step(list).unwrap(),
            |[weight, gradient, direction]| {
                let gradient = *gradient + 0.01 * *weight;
                *direction = momentum * *direction + gradient;
                *weight -= 0.1 * if nesterov { gradient + momentum * *direction } else { *direction };
            },
        );
    }
}

#[test]
fn adam() {
    let (beta, rest) = ([0.9, 0.999], [0.1, 0.001]);
    let (rate, unbias, epsilon) = (0.003, 1.7, 1e-8);
    for (keep, l2) in [(1.0, 0.0), (0.99, 0.0), (1.0, 0.02)] {
        let adam = Adam { beta, rest, rate, unbias, epsilon, keep, l2 };
        steps(
            "Adam",
            |list| adam.step(list).unwrap(),
            |[weight, gradient, first, second]| {
                let gradient = *gradient + l2 * *weight;
                *first = beta[0] * *first + rest[0] * gradient;
                *second = beta[1] * *second + rest[1] * gradient * gradient;
                *weight = keep * *weight - rate * *first / ((*second * unbias).sqrt() + epsilon);
            },
        );
    }
}

#[test]
fn rms_prop() {
    let (rate, alpha, rest, epsilon, momentum, decay) = (0.01, 0.9, 0.1, 1e-8, 0.5, 0.03);
    for centered in [false, true] {
        let step = RmsProp { rate, alpha, rest, epsilon, momentum, decay, centered };
        steps(
            "RMSprop",
            |list| step.step(list).unwrap(),
            |[weight, gradient, square, mean, direction]| {
                let gradient = *gradient + decay * *weight;
                *square = alpha * *square + rest * gradient * gradient;
                *mean = alpha * *mean + rest * gradient;
                let centered = if centered { 1.0 } else { 0.0 };
                let root = (*square - centered * *mean * *mean).max(0.0).sqrt() + epsilon;
                *direction = momentum * *direction + gradient / root;
                *weight -= rate * *direction;
            },
        );
    }
}

/// One list with weights and gradients does for both.
#[test]
fn gradients_are_scaled_limited_and_summed() {
    let _device = device();
    let mut both = [Buffers::new(1), Buffers::new(2)];
    let list = list(&both);
    for (which, buffers) in both.iter().enumerate() {
        let sum = |numbers: &Vec<f32>| numbers.iter().map(|x| f64::from(*x).powi(2)).sum();
        let sums: Vec<f64> = buffers.numbers.iter().map(sum).collect();
        close("squares", &squares(&list, which).unwrap(), &sums);
    }
    scale(&list, 1, 1.5).unwrap();
    clamp(&list, 1, 1.25).unwrap();
    both[1].numbers.iter_mut().flatten().for_each(|x| *x = (*x * 1.5).clamp(-1.25, 1.25));
    both.iter().for_each(|buffers| buffers.same("scaled and limited"));
}

#[test]
fn averages_follow_the_weights_and_both_are_exchanged() {
    let _device = device();
    let mut both = [Buffers::new(1), Buffers::new(2)];
    let list = list(&both);
    average(&list, 0.1).unwrap();
    exchange(&list).unwrap();
    let [weights, averages] = &mut both;
    for (weight, average) in weights.numbers.iter_mut().flatten().zip(averages.numbers.iter_mut().flatten()) {
        *average += 0.1 * (*weight - *average);
        std::mem::swap(weight, average);
    }
    both.iter().for_each(|buffers| buffers.same("averages"));
}

#[test]
fn what_is_not_finite_shows_where_it_is() {
    let _device = device();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut gradients = [Buffers::new(1)];
        gradients[0].numbers[4][4096] = bad;
        gradients[0].rooms[4].buffer().upload(&gradients[0].numbers[4]).unwrap();
        let list = list(&gradients);
        let place = || squares(&list, 0).unwrap().iter().position(|sum| !sum.is_finite());
        assert_eq!(place(), Some(4));
        clamp(&list, 0, f32::MAX).unwrap();
        assert_eq!(place(), bad.is_nan().then_some(4), "a limit leaves NaN");
    }
    // A square that no f32 holds.
    let large = [Room::with(&[1e30; 3]).unwrap()];
    let sums = squares(&List::new(&[&[large[0].buffer()]]).unwrap(), 0).unwrap();
    assert!((sums[0] / 3e60 - 1.0).abs() < 1e-6, "{sums:?}");
}

#[test]
fn penalties_add_their_slope_and_give_their_sum() {
    let _device = device();
    let mut both = [Buffers::new(1), Buffers::new(2)];
    both[0].numbers[2][7] = 0.0;
    both[0].rooms[2].buffer().upload(&both[0].numbers[2]).unwrap();
    let list = list(&both);
    let [weights, gradients] = &mut both;
    let sums = |of: fn(f64) -> f64| -> Vec<f64> {
        weights.numbers.iter().map(|numbers| numbers.iter().map(|x| of(f64::from(*x))).sum()).collect()
    };
    close("L1", &add_l1(&list, 0.1).unwrap(), &sums(f64::abs));
    close("L2", &add_l2(&list, 0.2).unwrap(), &sums(|x| x * x));
    for (gradient, weight) in gradients.numbers.iter_mut().flatten().zip(weights.numbers.iter().flatten()) {
        if *weight != 0.0 {
            *gradient += 0.1f32.copysign(*weight);
        }
        *gradient += 2.0 * 0.2 * weight;
    }
    gradients.same("gradients");
}

#[test]
fn no_parameters_are_nothing_to_do_and_other_sizes_are_refused() {
    let _device = device();
    let [four, five] = [4, 5].map(|count| Room::with(&vec![1.0; count]).unwrap());
    let [four, five] = [four.buffer(), five.buffer()];
    let none = List::new(&[&[], &[], &[]]).unwrap();
    let sgd = Sgd { rate: 1.0, momentum: 0.0, decay: 0.0, nesterov: false };
    sgd.step(&none).unwrap();
    assert_eq!(squares(&List::new(&[]).unwrap(), 0).unwrap(), [0.0; 0]);
    refused("sizes", || List::new(&[&[four, five], &[four, four]]));
    refused("counts", || List::new(&[&[four, five], &[four]]));
    let pair = List::new(&[&[four], &[four]]).unwrap();
    refused("buffers", || sgd.step(&pair));
    refused("buffers of a sum", || squares(&pair, 2));
    refused("buffers to scale", || scale(&pair, 2, 1.0));
    refused("averages", || average(&List::new(&[&[four]]).unwrap(), 0.5));
}
