//! Matrices with orthogonal rows or columns.

use rand_chacha::ChaCha8Rng;

use super::draw;

/// A random matrix, row by row, whose shorter side's lines are orthogonal and of length `gain`: normal lines,
/// each freed of its parts along those before (Gram and Schmidt, modified, twice for rounding).
#[allow(clippy::cast_possible_truncation)] // computed in f64, used in f32
pub(super) fn orthogonal(generator: &mut ChaCha8Rng, rows: usize, columns: usize, gain: f64) -> Vec<f32> {
    let (count, len) = (rows.min(columns), rows.max(columns));
    let mut lines: Vec<Vec<f64>> = Vec::with_capacity(count);
    while lines.len() < count {
        let mut line: Vec<f64> = draw::normal(generator, len, 1.0).into_iter().map(f64::from).collect();
        for before in lines.iter().chain(&lines) {
            let along = dot(&line, before);
            line.iter_mut().zip(before).for_each(|(value, before)| *value -= along * before);
        }
        let norm = dot(&line, &line).sqrt();
        if norm > 1e-6 {
            line.iter_mut().for_each(|value| *value /= norm);
            lines.push(line);
        }
    }
    let at = |row: usize, column: usize| if rows <= columns { lines[row][column] } else { lines[column][row] };
    (0..rows * columns).map(|i| (at(i / columns, i % columns) * gain) as f32).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
