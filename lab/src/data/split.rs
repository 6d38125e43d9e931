//! Train and test rows, drawn by a seed: the same seed gives the same rows on every machine.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, IdxCa, IdxSize, NewChunkedArray, SortMultipleOptions};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::DataError;
use super::matrix::column;

/// Splits the rows into a part to train on and a part to test on, `test_share` of all rows, shuffled by
/// `seed`.
///
/// # Errors
/// When the share is not between 0 and 1, or a part would be empty.
pub fn split(frame: &DataFrame, test_share: f64, seed: u64) -> Result<(DataFrame, DataFrame), DataError> {
    let rows: Vec<usize> = (0..frame.height()).collect();
    let (train, test) = deal(vec![rows], test_share, seed)?;
    take(frame, &train, &test)
}

/// Splits like [`split`], with the same share of each value of the column `by` in both parts.
///
/// # Errors
/// As [`split`], or when there is no such column.
pub fn split_by(frame: &DataFrame, by: &str, test_share: f64, seed: u64) -> Result<(DataFrame, DataFrame), DataError> {
    let values = column(frame, by)?;
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for row in 0..frame.height() {
        groups.entry(values.get(row)?.to_string()).or_default().push(row);
    }
    let (train, test) = deal(groups.into_values().collect(), test_share, seed)?;
    take(frame, &train, &test)
}

/// Splits the rows into `folds` parts of equal size (give or take one row), shuffled by `seed`; each fold is the
/// test part once: pairs of train and test.
///
/// # Errors
/// When there are fewer than two folds, or fewer rows than folds.
pub fn k_fold(frame: &DataFrame, folds: usize, seed: u64) -> Result<Vec<(DataFrame, DataFrame)>, DataError> {
    let rows = frame.height();
    if folds < 2 || rows < folds {
        return Err(DataError::TooFewRows { what: format!("{rows} rows can't be split into {folds} folds") });
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let fold = |fold: usize| {
        let (start, end) = (fold * rows / folds, (fold + 1) * rows / folds);
        take(frame, &[&order[..start], &order[end..]].concat(), &order[start..end])
    };
    (0..folds).map(fold).collect()
}

/// Splits by time: the rows sorted by the column `by`, the last `test_share` of them to test on. Nothing is
/// shuffled, so that no training row is later than a test row.
///
/// # Errors
/// When the share is not between 0 and 1, a part would be empty, or there is no such column.
pub fn time_split(frame: &DataFrame, by: &str, test_share: f64) -> Result<(DataFrame, DataFrame), DataError> {
    a_part(test_share)?;
    column(frame, by)?;
    let sorted = frame.sort([by], SortMultipleOptions::default().with_maintain_order(true))?;
    let rows = sorted.height();
    let test = whole(share_of(rows, test_share));
    if test == 0 || test >= rows {
        return Err(too_few(rows, test_share));
    }
    let first = i64::try_from(rows - test).unwrap_or(i64::MAX);
    Ok((sorted.slice(0, rows - test), sorted.slice(first, test)))
}

/// Deals the rows of each group to train and test, then shuffles both.
fn deal(groups: Vec<Vec<usize>>, test_share: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    a_part(test_share)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    // What rounding left over goes to the next group, so that the total is right.
    let mut due = 0.0;
    for mut rows in groups {
        rows.shuffle(&mut random);
        due += share_of(rows.len(), test_share);
        let count = whole(due).min(rows.len());
        due -= share_of(count, 1.0);
        test.extend(rows.drain(..count));
        train.append(&mut rows);
    }
    if train.is_empty() || test.is_empty() {
        let rows = train.len() + test.len();
        return Err(too_few(rows, test_share));
    }
    train.shuffle(&mut random);
    test.shuffle(&mut random);
    Ok((train, test))
}

/// An error for a share that leaves nothing to one side.
pub(super) fn a_part(share: f64) -> Result<(), DataError> {
    if share > 0.0 && share < 1.0 { Ok(()) } else { Err(DataError::Share { share }) }
}

fn too_few(rows: usize, test_share: f64) -> DataError {
    DataError::TooFewRows { what: format!("{rows} rows can't be split with a test share of {test_share}") }
}

fn take(frame: &DataFrame, train: &[usize], test: &[usize]) -> Result<(DataFrame, DataFrame), DataError> {
    Ok((pick(frame, train)?, pick(frame, test)?))
}

fn pick(frame: &DataFrame, rows: &[usize]) -> Result<DataFrame, DataError> {
    // Polars counts rows in IdxSize itself, so each of its rows has an index of this type.
    let rows = rows.iter().map(|&row| IdxSize::try_from(row).unwrap_or(IdxSize::MAX));
    Ok(frame.take(&IdxCa::from_iter_values("rows".into(), rows))?)
}

/// A part of a count.
#[allow(clippy::cast_precision_loss)] // row counts are far below 2^52
fn share_of(count: usize, share: f64) -> f64 {
    count as f64 * share
}

/// The nearest whole number of rows.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // never negative beyond rounding, and clamped
fn whole(rows: f64) -> usize {
    rows.round().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use polars::df;
    use polars::prelude::DataFrame;

    use super::*;

    fn frame() -> DataFrame {
        let ids: Vec<i32> = (0..100).collect();
        let kinds: Vec<&str> = (0..100).map(|id| if id < 80 { "a" } else { "b" }).collect();
        df!("id" => ids, "kind" => kinds).expect("a frame")
    }

    fn ids(frame: &DataFrame) -> Vec<i32> {
        frame.column("id").expect("ids").i32().expect("integers").into_no_null_iter().collect()
    }

    #[test]
    fn every_row_is_in_exactly_one_part() {
        let (train, test) = split(&frame(), 0.25, 7).expect("a split");
        assert_eq!((train.height(), test.height()), (75, 25));
        let mut all = [ids(&train), ids(&test)].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_seed_decides() {
        let rows = |seed| ids(&split(&frame(), 0.2, seed).expect("a split").1);
        assert_eq!(rows(1), rows(1));
        assert_ne!(rows(1), rows(2));
    }

    #[test]
    fn stratified_parts_have_the_same_mix() {
        let (_, test) = split_by(&frame(), "kind", 0.2, 3).expect("a split");
        assert_eq!(ids(&test).iter().filter(|&&id| id < 80).count(), 16);
        assert_eq!(test.height(), 20);
    }

    #[test]
    fn each_row_is_tested_in_one_fold() {
        let folds = k_fold(&frame(), 3, 5).expect("folds");
        let mut tested: Vec<i32> = folds.iter().flat_map(|(_, test)| ids(test)).collect();
        tested.sort_unstable();
        assert_eq!(tested, (0..100).collect::<Vec<_>>());
        for (train, test) in &folds {
            assert_eq!(train.height() + test.height(), 100);
            assert!(ids(test).iter().all(|id| !ids(train).contains(id)));
        }
        assert!(k_fold(&frame(), 1, 0).is_err() && k_fold(&frame(), 101, 0).is_err());
    }

    #[test]
    fn no_training_row_is_later_than_a_test_row() {
        let frame = df!("id" => [3, 1, 2, 5, 4]).expect("a frame");
        let (train, test) = time_split(&frame, "id", 0.4).expect("a split");
        assert_eq!((ids(&train), ids(&test)), (vec![1, 2, 3], vec![4, 5]));
        assert!(matches!(time_split(&frame, "nope", 0.4), Err(DataError::NoColumn { .. })));
        assert!(matches!(time_split(&frame, "id", 0.01), Err(DataError::TooFewRows { .. })));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(split(&frame(), 1.5, 0), Err(DataError::Share { .. })));
        assert!(matches!(split(&frame(), f64::NAN, 0), Err(DataError::Share { .. })));
        assert!(matches!(split(&frame().head(Some(1)), 0.5, 0), Err(DataError::TooFewRows { .. })));
        assert!(matches!(split_by(&frame(), "nope", 0.5, 0), Err(DataError::NoColumn { .. })));
    }
}
