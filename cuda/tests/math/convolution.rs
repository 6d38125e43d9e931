use cuda::math::Window;
use cuda::math::convolution::{convolve, convolve_backward};

use crate::rig::{Before, close, device, empty, get, gradient, numbers, put, refused};

/// A window on pictures of two channels.
pub(crate) fn window(size: [usize; 2], kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Window {
    let places = [0, 1].map(|axis| (size[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1);
    Window { channels: 2, size, kernel, stride, padding, places }
}

/// Windows that touch, overlap and leave gaps, with padding and without, and along one axis.
pub(crate) fn windows() -> Vec<Window> {
    vec![
        window([1, 1], [1, 1], [1, 1], [0, 0]),
        window([5, 4], [3, 3], [1, 1], [0, 0]),
        window([5, 4], [3, 2], [2, 2], [1, 1]),
        window([4, 6], [2, 4], [3, 1], [1, 2]),
        window([3, 3], [3, 3], [2, 2], [1, 1]),
        window([1, 37], [1, 5], [1, 2], [0, 2]),
        window([7, 3], [2, 2], [2, 2], [0, 0]),
    ]
}

/// What a cell of the window sees at a place: where in a channel's plane, if it is in the picture.
pub(crate) fn seen(window: &Window, place: usize, cell: usize) -> Option<usize> {
    let place = [place / window.places[1], place % window.places[1]];
    let cell = [cell / window.kernel[1], cell % window.kernel[1]];
    let along = |axis: usize| {
        let at = (place[axis] * window.stride[axis] + cell[axis]).checked_sub(window.padding[axis])?;
        (at < window.size[axis]).then_some(at)
    };
    Some(along(0)? * window.size[1] + along(1)?)
}

fn formula(window: &Window, inputs: &[Vec<f64>]) -> Vec<f64> {
    let [pictures, weight, bias] = inputs else { panic!("three inputs") };
    let (cells, plane) = (window.kernel[0] * window.kernel[1], window.plane());
    let picture = |picture: &[f64]| -> Vec<f64> {
        let one = |kernel: usize, place: usize| {
            let term = |of: usize| {
                let (channel, cell) = (of / cells, of % cells);
                let number = seen(window, place, cell).map_or(0.0, |at| picture[channel * plane + at]);
                number * weight[kernel * window.sees() + of]
            };
            (0..window.sees()).map(term).sum::<f64>() + bias[kernel]
        };
        (0..bias.len() * window.count()).map(|i| one(i / window.count(), i % window.count())).collect()
    };
    pictures.chunks(window.channels * plane).flat_map(picture).collect()
}

#[test]
fn pictures_are_convolved_and_gradients_flow_to_all_three_inputs() {
    let _device = device();
    for window in windows() {
        for (batch, kernels) in [(0, 1), (1, 1), (3, 5)] {
            let what = format!("{batch} pictures, {kernels} kernels, {window:?}");
            let sizes = [batch * 2 * window.plane(), kernels * window.sees(), kernels];
            let inputs = [0, 1, 2].map(|i| numbers(sizes[i], i as u64));
            let on = [0, 1, 2].map(|i| put(&inputs[i]));
            let [pictures, weight, bias] = [on[0].buffer(), on[1].buffer(), on[2].buffer()];
            let out = empty(batch * kernels * window.count());
            convolve(&window, [pictures, weight, bias], out.buffer()).unwrap();
            close(&what, &get(&out), &formula(&window, &inputs));

            let of_out = numbers(batch * kernels * window.count(), 4);
            let to = [0, 1, 2].map(|i| Before::new(sizes[i]));
            let into = [to[0].buffer(), to[1].buffer(), to[2].buffer()];
            convolve_backward(&window, put(&of_out).buffer(), [pictures, weight], into).unwrap();
            let expected = gradient(&|inputs| formula(&window, inputs), &inputs, &of_out);
            (0..3).for_each(|i| to[i].check(&format!("gradient {i} of {what}"), &expected[i]));
        }
    }
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let window = window([2, 2], [2, 1], [1, 1], [0, 0]);
    let [eight, four, two] = [8, 4, 2].map(|count| put(&numbers(count, 1)));
    let [eight, four, two] = [eight.buffer(), four.buffer(), two.buffer()];
    let one = two.part(0, 1).unwrap();
    convolve(&window, [eight, four, one], two).unwrap();
    refused("half a picture", || convolve(&window, [four, four, one], two));
    refused("weight", || convolve(&window, [eight, two, one], two));
    refused("bias", || convolve(&window, [eight, four, two], two));
    refused("no kernels", || convolve(&window, [eight, four, two.part(0, 0).unwrap()], two));
    refused("output", || convolve(&window, [eight, four, one], four));
    refused("pictures", || convolve_backward(&window, two, [four, four], [eight, four, one]));
    refused("weight of backward", || convolve_backward(&window, two, [eight, two], [eight, four, one]));
    refused("gradient", || convolve_backward(&window, four, [eight, four], [eight, four, one]));
    for wrong in [
        Window { stride: [0, 1], ..window },
        Window { channels: 0, ..window },
        Window { kernel: [0, 2], ..window },
        Window { places: [usize::MAX, 2], ..window },
        Window { padding: [1 << 31, 0], ..window },
    ] {
        refused("a window", || convolve(&wrong, [eight, four, one], two));
    }
}
