use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::AsArray;
use polars::df;

use super::*;
use crate::data::{Dataset, Samples, Supervised};
use crate::loss::cross_entropy;

/// Ten rows; the class is the remainder by two.
fn data() -> Dataset<1, 2> {
    let x: Vec<i32> = (0..10).collect();
    let y: Vec<i32> = x.iter().map(|x| x % 2).collect();
    let frame = df!("x" => x, "y" => y).expect("a frame");
    Dataset::new(&frame, &["x"], "y").expect("a dataset")
}

/// Forty pictures of 2 channels of 3 x 2 pixels.
fn pictures() -> Dataset<12, 2, Pictures<2, 3, 2>> {
    let columns: Vec<String> = (0..12).map(|column| format!("p{column}")).collect();
    let mut frame = df!("y" => (0..40).map(|row| row % 2).collect::<Vec<i32>>()).expect("a frame");
    for (at, column) in (0_i32..).zip(&columns) {
        let values: Vec<i32> = (0..40).map(|row| 100 * row + at).collect();
        frame.with_column(polars::prelude::Column::new(column.as_str().into(), values)).expect("a column");
    }
    Dataset::<12, 2>::new(&frame, &columns, "y").expect("a dataset").pictures::<2, 3, 2>()
}

fn drawn(seed: u64) -> Vec<f32> {
    let data = data();
    let batches = data.batches::<4>(&crate::device::device(), seed).expect("batches");
    batches.flat_map(|(x, _)| x.as_vec()).collect()
}

#[test]
fn rows_come_once_in_an_order_drawn_by_the_seed() {
    let mut seen = drawn(1);
    assert_eq!(seen.len(), 8);
    assert_eq!(seen, drawn(1));
    assert_ne!(seen, drawn(2));
    seen.sort_by(f32::total_cmp);
    seen.dedup();
    assert_eq!(seen.len(), 8);
}

#[test]
fn labels_stay_with_their_rows() {
    let data = data();
    for (x, y) in data.batches::<5>(&crate::device::device(), 3).expect("batches") {
        for (x, y) in x.as_vec().iter().zip(y.array()) {
            assert_eq!(y, if x % 2.0 == 0.0 { [1.0, 0.0] } else { [0.0, 1.0] });
        }
    }
}

#[test]
fn too_few_rows_are_refused() {
    let error = data().batches::<11>(&crate::device::device(), 0).expect_err("ten rows").to_string();
    assert_eq!(error, "10 rows don't fill one batch of 11");
}

#[test]
fn classes_as_numbers_are_what_cross_entropy_takes() {
    let (data, dev) = (data(), crate::device::device());
    let pairs =
        data.batches::<5>(&dev, 3).expect("batches").zip(data.batches::<5>(&dev, 3).expect("batches").indexed());
    let mut batches = 0;
    for ((x, one_hot), (same, classes)) in pairs {
        assert_eq!(x.as_vec(), same.as_vec());
        let places: Vec<usize> = one_hot.array().iter().map(|row| usize::from(row[1] == 1.0)).collect();
        assert_eq!(classes, places);
        // The scores say the right class with near certainty.
        let loss = cross_entropy(one_hot * 50.0, &classes).expect("a loss");
        assert!(loss.array() < 1e-6);
        batches += 1;
    }
    assert_eq!(batches, 2);
}

#[test]
fn real_targets_stay_with_their_rows() {
    let x: Vec<f32> = (0_u8..9).map(f32::from).collect();
    let (y, z): (Vec<f32>, Vec<f32>) = (x.iter().map(|x| 2.0 * x).collect(), x.iter().map(|x| x - 0.5).collect());
    let frame = df!("x" => x, "y" => y, "z" => z).expect("a frame");
    let samples = Samples::<1, 2>::with_targets(&frame, &["x"], &["y", "z"]).expect("samples");
    assert_eq!((samples.len(), samples.targets().row(3)), (9, [6.0, 2.5].as_slice()));
    let mut seen = 0;
    for (x, y) in samples.batches::<4>(&crate::device::device(), 1).expect("batches") {
        for ([x], y) in x.array().into_iter().zip(y.array()) {
            assert_eq!(y, [2.0 * x, x - 0.5]);
            seen += 1;
        }
    }
    assert_eq!(seen, 8);
    let error = Samples::<1, 2>::with_targets(&frame, &["x"], &["y"]).expect_err("one target").to_string();
    assert_eq!(error, "1 target columns were given, but the code says 2");
    let error = Samples::<1>::new(&frame, &["x"], "w").expect_err("no target").to_string();
    assert_eq!(error, "there is no column \"w\"; the frame has x, y, z");
}

#[test]
fn pictures_have_their_shape_and_their_numbers() {
    let (x, _) = pictures().batches::<8>(&crate::device::device(), 5).expect("batches").next().expect("a batch");
    assert_eq!(x.shape().concrete(), [8, 2, 3, 2]);
    for picture in x.array() {
        let row = picture[0][0][0];
        assert_eq!(
            picture,
            [[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [[6.0, 7.0], [8.0, 9.0], [10.0, 11.0]]]
                .map(|channel| channel.map(|line| line.map(|at| row + at)))
        );
    }
}

#[test]
fn pictures_are_changed_under_the_seed_and_differently_in_each_batch() {
    let (pictures, dev) = (pictures(), crate::device::device());
    let noise = Augment::default().noise(1.0);
    let changed = |seed, augment: &Augment| -> Vec<Vec<f32>> {
        let batches = pictures.batches::<8>(&dev, seed).expect("batches").augment(augment);
        batches.map(|(x, _)| x.as_vec()).collect()
    };
    let plain: Vec<Vec<f32>> = pictures.batches::<8>(&dev, 1).expect("batches").map(|(x, _)| x.as_vec()).collect();
    assert_eq!(changed(1, &Augment::default()), plain);
    let noisy = changed(1, &noise);
    assert_eq!(noisy, changed(1, &noise));
    let added = |batch: usize| -> Vec<f32> { noisy[batch].iter().zip(&plain[batch]).map(|(a, b)| a - b).collect() };
    assert!(added(0).iter().zip(added(1)).all(|(a, b)| (a - b).abs() > 1e-6));
    assert_ne!(changed(2, &noise), noisy);
}

#[test]
fn mixed_rows_have_mixed_targets() {
    let batches = data().batches::<10>(&crate::device::device(), 1).expect("batches").mixup(1.0);
    let (x, y) = batches.into_iter().next().expect("a batch");
    assert!((x.as_vec().iter().sum::<f32>() - 45.0).abs() < 1e-4);
    assert!(y.array().iter().all(|row| (row[0] + row[1] - 1.0).abs() < 1e-6));
    assert!(y.array().iter().any(|row| row[0] > 0.0 && row[0] < 1.0));
}

#[test]
fn made_ahead_on_another_core_they_are_the_same() {
    let (pictures, dev) = (pictures(), crate::device::device());
    let augment = Augment::default().rotate(20.0).crop(1).noise(0.1);
    let all = |ahead: usize| -> Vec<(Vec<f32>, Vec<f32>)> {
        let batches = pictures.batches::<8>(&dev, 7).expect("batches").augment(&augment).mixup(0.4).prefetch(ahead);
        batches.map(|(x, y)| (x.as_vec(), y.as_vec())).collect()
    };
    let expected = all(0);
    assert_eq!(expected.len(), 5);
    for ahead in [1, 2, 10] {
        assert_eq!(all(ahead), expected, "{ahead} ahead");
    }
    // Left early, which must not hang.
    drop(pictures.batches::<2>(&dev, 7).expect("batches").prefetch(3).next());
}

#[test]
fn a_chunk_that_fails_ends_the_batches_with_its_error() {
    let chunks = [Ok(data().examples()), Err(DataError::Share { share: 2.0 })].into_iter();
    let batches = Batches::<4, Flat<1>, OneHot<2>, Streamed>::streamed(chunks, 20, &crate::device::device(), 1);
    let batches: Vec<_> = batches.expect("batches").prefetch(2).collect();
    assert_eq!(batches.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn what_does_not_fill_a_batch_is_taken_with_the_next_chunk() {
    let chunks = (0..3).map(|_| Ok(data().examples()));
    let batches = Batches::<4, Flat<1>, OneHot<2>, Streamed>::streamed(chunks, 30, &crate::device::device(), 1);
    let mut seen: Vec<f32> = batches.expect("batches").flat_map(|batch| batch.expect("a batch").0.as_vec()).collect();
    assert_eq!(seen.len(), 28);
    seen[..20].sort_by(f32::total_cmp);
    let twice: Vec<f32> = (0_u8..20).map(|at| f32::from(at / 2)).collect();
    assert_eq!(seen[..20], twice);
}

#[test]
#[should_panic(expected = "makes batches ahead failed: it panicked: a bug")]
fn a_panic_on_the_other_core_is_one_here() {
    let chunks = std::iter::from_fn(|| panic!("a bug"));
    let feed = Feed::new(chunks, 4, 1);
    let _ = Batches::<4, Flat<1>, OneHot<2>>::of(feed, crate::device::device()).prefetch(1).next();
}

/// Measures; `cargo test --release -p lab --lib prefetch_pays -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
#[allow(clippy::print_stdout)]
fn prefetch_pays() {
    let names: Vec<String> = (0..784).map(|column| format!("p{column}")).collect();
    let column = |name: &String| polars::prelude::Column::new(name.as_str().into(), vec![0.5_f32; 6_400]);
    let mut columns: Vec<_> = names.iter().map(column).collect();
    columns.push(polars::prelude::Column::new("y".into(), vec![1_i32; 6_400]));
    let frame = polars::prelude::DataFrame::new(6_400, columns).expect("a frame");
    let data = Dataset::<784, 10>::new(&frame, &names, "y").expect("a dataset").pictures::<1, 28, 28>();
    let augment = Augment::default().rotate(15.0).scale(0.1).shift(2.0).noise(0.05);
    // The loop does nothing of its own, or what takes two or eight times as long as making a batch.
    for work in [0, 1, 4] {
        for ahead in [0, 2] {
            let start = std::time::Instant::now();
            let mut sum = 0.0;
            for (x, _) in
                data.batches::<64>(&crate::device::device(), 1).expect("batches").augment(&augment).prefetch(ahead)
            {
                let x = x.as_vec();
                for _ in 0..work * 20 {
                    sum += x.iter().map(|value| f64::from(*value).sin()).sum::<f64>();
                }
            }
            println!("work {work}, {ahead} ahead: {:.2} ms a batch ({sum:.0})", start.elapsed().as_secs_f64() * 10.0);
        }
    }
}
