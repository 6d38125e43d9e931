//! Losses of pairs of embeddings.

use cuda::code::Outcome;
use cuda::math::Buffer;
use cuda::math::contrastive::{contrastive, nt_xent};

use crate::rig::{close, device, empty, get, gradient, numbers, put, refused};

/// A loss and its gradients by both embeddings are those of the formula.
fn check(
    what: &str,
    pair: [&[f64]; 2],
    on_device: impl Fn([Buffer; 2], [Buffer; 2], Buffer) -> Outcome<()>,
    formula: impl Fn(&[f64], &[f64]) -> f64,
) {
    let ([first, second], gradients, loss) = (pair.map(put), pair.map(|it| empty(it.len())), empty(1));
    let to = [gradients[0].buffer(), gradients[1].buffer()];
    on_device([first.buffer(), second.buffer()], to, loss.buffer()).unwrap();
    close(what, &get(&loss), &[formula(pair[0], pair[1])]);
    let expected = gradient(&|pair| vec![formula(&pair[0], &pair[1])], &pair.map(<[f64]>::to_vec), &[1.0]);
    for (which, (found, expected)) in gradients.iter().zip(&expected).enumerate() {
        close(&format!("gradient {which} of {what}"), &get(found), expected);
    }
}

#[test]
fn contrastive_losses_and_their_gradients() {
    let _device = device();
    for (rows, width) in [(1, 1), (4, 5), (7, 33), (3, 300), (300, 2)] {
        let (first, second) = (numbers(rows * width, 1), numbers(rows * width, 2));
        let same: Vec<bool> = (0..rows).map(|row| row % 3 == 0).collect();
        // Some are nearer than that, and some are not.
        let margin = 1.6 * (width as f64).sqrt();
        let one = |((first, second), same): ((&[f64], &[f64]), &bool)| {
            let square: f64 = first.iter().zip(second).map(|(a, b)| (a - b) * (a - b)).sum();
            0.5 * if *same { square } else { (margin - square.sqrt()).max(0.0).powi(2) }
        };
        check(
            &format!("{rows} pairs of {width}"),
            [&first, &second],
            |pair, to, loss| contrastive(pair, &same, margin, to, loss),
            |first, second| {
                first.chunks(width).zip(second.chunks(width)).zip(&same).map(one).sum::<f64>() / rows as f64
            },
        );
    }
}

/// The cross-entropy of each row's choice of its partner, by cosine similarity.
fn choices(first: &[f64], second: &[f64], width: usize, temperature: f64) -> f64 {
    let rows: Vec<&[f64]> = first.chunks(width).chain(second.chunks(width)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let near = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt() / temperature;
    let one = |row: usize| {
        let others = (0..rows.len()).filter(|other| *other != row);
        let sum: f64 = others.map(|other| near(rows[row], rows[other]).exp()).sum();
        sum.ln() - near(rows[row], rows[(row + rows.len() / 2) % rows.len()])
    };
    (0..rows.len()).map(one).sum::<f64>() / rows.len() as f64
}

#[test]
fn nt_xent_and_its_gradients() {
    let _device = device();
    for (half, width, temperature) in
        [(2, 1, 1.0), (2, 3, 0.5), (5, 33, 0.2), (3, 300, 0.1), (40, 4, 0.5), (150, 2, 1.0)]
    {
        let (first, second) = (numbers(half * width, 1), numbers(half * width, 2));
        let (pair, to) = ([put(&first), put(&second)], [empty(half * width), empty(half * width)]);
        if width == 1 {
            // A number has a sign and no other direction, so nothing gets better.
            let loss = empty(1);
            let [pair, gradients] = [&pair, &to].map(|rooms| [rooms[0].buffer(), rooms[1].buffer()]);
            nt_xent(pair, width, temperature, gradients, loss.buffer()).unwrap();
            close("signs", &get(&loss), &[choices(&first, &second, width, temperature)]);
            assert!(to.iter().flat_map(get).all(|slope| slope.abs() < 1e-7));
            continue;
        }
        check(
            &format!("{half} pairs of {width}, temperature {temperature}"),
            [&first, &second],
            |pair, to, loss| nt_xent(pair, width, temperature, to, loss),
            |first, second| choices(first, second, width, temperature),
        );
    }
}

/// One pair has no other to be mistaken for; where there is no distance or no length, there is no direction; and NaN is
/// not hidden.
#[test]
fn what_has_no_direction_stays_finite() {
    let _device = device();
    let (point, to, loss) = (put(&[1.0, 2.0]), [empty(2), empty(2)], empty(1));
    let gradients = [to[0].buffer(), to[1].buffer()];
    let found = || (get(&loss), get(&to[0]), get(&to[1]));
    let same = [point.buffer(); 2];
    contrastive(same, &[false], 2.0, gradients, loss.buffer()).unwrap();
    assert_eq!(found(), (vec![2.0], vec![0.0, 0.0], vec![0.0, 0.0]));
    nt_xent(same, 2, 0.5, gradients, loss.buffer()).unwrap();
    assert_eq!(found(), (vec![0.0], vec![0.0, 0.0], vec![0.0, 0.0]));
    let zeros = put(&[0.0, 0.0]);
    nt_xent([point.buffer(), zeros.buffer()], 2, 0.5, gradients, loss.buffer()).unwrap();
    assert_eq!(found(), (vec![0.0], vec![0.0, 0.0], vec![0.0, 0.0]));
    let unknown = put(&[f64::NAN, 2.0]);
    for same in [true, false] {
        contrastive([point.buffer(), unknown.buffer()], &[same], 2.0, gradients, loss.buffer()).unwrap();
        assert!(get(&loss)[0].is_nan() && get(&to[0])[0].is_nan());
    }
    let pair = put(&[1.0, f64::NAN, 2.0, 1.0]);
    let to = [empty(4), empty(4)];
    nt_xent([pair.buffer(); 2], 2, 0.5, [to[0].buffer(), to[1].buffer()], loss.buffer()).unwrap();
    assert!(get(&loss)[0].is_nan() && get(&to[0]).iter().all(|slope| slope.is_nan()));
}

/// A loss of two embeddings, with their gradients.
type Loss = dyn Fn([Buffer; 2], [Buffer; 2], Buffer) -> Outcome<()>;

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let [six, four, one] = [6, 4, 1].map(|count| put(&numbers(count, 1)));
    let [six, four, one] = [six.buffer(), four.buffer(), one.buffer()];
    let none = one.part(0, 0).unwrap();
    let losses: [(&str, &Loss); 2] = [
        ("contrastive", &|pair, to, loss| contrastive(pair, &[true; 2], 1.0, to, loss)),
        ("nt_xent", &|pair, to, loss| nt_xent(pair, 3, 0.5, to, loss)),
    ];
    for (what, function) in losses {
        refused(&format!("{what}, second"), || function([six, four], [six; 2], one));
        refused(&format!("{what}, gradients"), || function([six; 2], [six, four], one));
        refused(&format!("{what}, loss"), || function([six; 2], [six; 2], four));
        refused(&format!("{what}, nothing"), || function([none; 2], [none; 2], one));
    }
    refused("flags", || contrastive([six; 2], &[true; 4], 1.0, [six; 2], one));
    refused("no flags", || contrastive([six; 2], &[], 1.0, [six; 2], one));
    refused("width", || nt_xent([six; 2], 4, 0.5, [six; 2], one));
    refused("no width", || nt_xent([six; 2], 0, 0.5, [six; 2], one));
}
