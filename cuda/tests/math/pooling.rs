use cuda::math::Window;
use cuda::math::pooling::{largest, largest_backward, mean, mean_backward};

use crate::convolution::{seen, window, windows};
use crate::rig::{Before, close, device, empty, get, gradient, numbers, put, refused};

/// What the window sees of each plane at each place.
fn views(window: &Window, x: &[f64]) -> Vec<Vec<f64>> {
    let cells = window.kernel[0] * window.kernel[1];
    let view = |plane: &[f64], place: usize| {
        (0..cells).filter_map(|cell| seen(window, place, cell)).map(|at| plane[at]).collect()
    };
    x.chunks(window.plane()).flat_map(|plane| (0..window.count()).map(move |place| view(plane, place))).collect()
}

#[test]
fn the_largest_and_the_mean_and_their_gradients() {
    let _device = device();
    for window in windows() {
        for planes in [0, 1, 6] {
            let what = format!("{planes} planes, {window:?}");
            let (x, of_out) = (numbers(planes * window.plane(), 1), numbers(planes * window.count(), 2));
            let (on, out, at) = (put(&x), empty(of_out.len()), empty(of_out.len()));
            let gradient_on = put(&of_out);

            let most = |x: &[Vec<f64>]| -> Vec<f64> {
                views(&window, &x[0])
                    .iter()
                    .map(|view| view.iter().copied().fold(f64::NEG_INFINITY, f64::max))
                    .collect()
            };
            largest(&window, on.buffer(), out.buffer(), at.buffer()).unwrap();
            close(&format!("largest of {what}"), &get(&out), &most(std::slice::from_ref(&x)));
            let to = Before::new(x.len());
            largest_backward(&window, gradient_on.buffer(), at.buffer(), to.buffer()).unwrap();
            to.check(
                &format!("gradient of the largest of {what}"),
                &gradient(&most, std::slice::from_ref(&x), &of_out)[0],
            );

            let cells = (window.kernel[0] * window.kernel[1]) as f64;
            let means = |x: &[Vec<f64>]| -> Vec<f64> {
                views(&window, &x[0]).iter().map(|view| view.iter().sum::<f64>() / cells).collect()
            };
            mean(&window, on.buffer(), out.buffer()).unwrap();
            close(&format!("mean of {what}"), &get(&out), &means(std::slice::from_ref(&x)));
            let to = Before::new(x.len());
            mean_backward(&window, gradient_on.buffer(), to.buffer()).unwrap();
            to.check(
                &format!("gradient of the mean of {what}"),
                &gradient(&means, std::slice::from_ref(&x), &of_out)[0],
            );
        }
    }
}

#[test]
fn of_equals_the_first_gets_the_gradient_and_nan_is_not_lost() {
    let _device = device();
    let window = window([2, 2], [2, 2], [1, 1], [0, 0]);
    for (x, expected) in
        [([3.0, 3.0, 1.0, 3.0], [5.0, 0.0, 0.0, 0.0]), ([1.0, f64::NAN, 9.0, 2.0], [0.0, 5.0, 0.0, 0.0])]
    {
        let (out, at, to) = (empty(1), empty(1), put(&[0.0; 4]));
        largest(&window, put(&x).buffer(), out.buffer(), at.buffer()).unwrap();
        largest_backward(&window, put(&[5.0]).buffer(), at.buffer(), to.buffer()).unwrap();
        assert_eq!(get(&to), expected);
        assert_eq!(get(&out)[0].is_nan(), x[1].is_nan());
    }
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let window = window([2, 2], [2, 1], [1, 1], [0, 0]);
    let [eight, four, two] = [8, 4, 2].map(|count| put(&numbers(count, 1)));
    let [eight, four, two] = [eight.buffer(), four.buffer(), two.buffer()];
    refused("output", || largest(&window, eight, two, two));
    refused("places", || largest(&window, eight, four, two));
    refused("half a plane", || mean(&window, two, two));
    refused("gradient", || mean_backward(&window, two, eight));
    refused("places of backward", || largest_backward(&window, four, two, eight));
    refused("stride", || mean(&Window { stride: [1, 0], ..window }, eight, four));
}
