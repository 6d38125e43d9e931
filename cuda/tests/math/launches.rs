//! How many kernels and products an operation starts: each costs some microseconds, whatever it does.

use cuda::math::activation::{Curve, activate, activate_backward};
use cuda::math::attention::Attention;
use cuda::math::contrastive::{contrastive, nt_xent};
use cuda::math::convolution::{convolve, convolve_backward};
use cuda::math::loss::{CrossEntropy, improbable};
use cuda::math::norm::{normalize, normalize_backward};
use cuda::math::optimizer::{List, squares};
use cuda::math::{Buffer, Window};

use crate::rig::{device, put, started};

#[test]
fn operations_start_few() {
    let _device = device();
    let rooms = [1, 8, 32, 64].map(|count| put(&vec![0.5; count]));
    let [one, eight, many, weights] = [0, 1, 2, 3].map(|i| rooms[i].buffer());
    let window = Window { channels: 1, size: [4, 4], kernel: [2, 2], stride: [2, 2], padding: [0, 0], places: [2, 2] };
    let attention =
        Attention { batch: 2, heads: 2, queries: 4, keys: 4, dim: 4, causal: true, hidden: None, dropout: None };
    let alone = Attention { batch: 1, queries: 8, keys: 8, ..attention };
    let four: Buffer = eight.part(0, 4).unwrap();
    let counts: [(&str, u64, &dyn Fn()); 14] = [
        ("activation", 1, &|| activate(Curve::Gelu, many, many).unwrap()),
        ("gradient of an activation", 1, &|| {
            activate_backward(Curve::Gelu, many, many, weights.part(0, 32).unwrap()).unwrap()
        }),
        ("layer normalization", 1, &|| normalize([many, eight, eight], 1e-5, many, eight).unwrap()),
        ("gradient of layer normalization", 3, &|| {
            normalize_backward(many, [many, eight], eight, [many, eight, eight]).unwrap();
        }),
        ("cross-entropy", 2, &|| CrossEntropy::default().loss(many, &[1; 4], many, one).unwrap()),
        ("whether all are probabilities", 1, &|| assert!(improbable(many).is_ok())),
        ("contrastive loss", 2, &|| {
            contrastive([many; 2], &[true; 4], 1.0, [weights.part(0, 32).unwrap(); 2], one).unwrap()
        }),
        // Scaled, multiplied, chosen, multiplied from both sides, scaled back, summed.
        ("nt-xent", 7, &|| nt_xent([many; 2], 8, 0.5, [weights.part(0, 32).unwrap(); 2], one).unwrap()),
        // Taken apart, multiplied, weighed, multiplied, put together.
        ("attention", 5, &|| drop(attention.attend([many; 3], many).unwrap())),
        ("gradient of attention", 7, &|| attention.attend_backward(many, [many; 3], weights, [many; 3]).unwrap()),
        ("attention of one sequence", 3, &|| drop(alone.attend([many; 3], many).unwrap())),
        ("convolution", 3, &|| convolve(&window, [many, four, one], eight).unwrap()),
        ("gradient of a convolution", 6, &|| {
            convolve_backward(&window, eight, [many, four], [many, four, one]).unwrap()
        }),
        ("squares of all parameters", 1, &|| drop(squares(&List::new(&[&[many, weights, one]]).unwrap(), 0).unwrap())),
    ];
    for (what, expected, work) in counts {
        assert_eq!(started(work), expected, "{what}");
    }
}
