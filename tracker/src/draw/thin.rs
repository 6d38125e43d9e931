//! A line of any number of points as the few that can be seen.

/// A line may have this many points in a column of pixels: where it comes in, its ends, where it goes out.
const COLUMN: usize = 4;
/// No line has more points than this, even if it goes back and forth.
const MOST: usize = 8_000;

/// Turns places into stretches between gaps, each with a few points in every column of pixels: first, lowest,
/// highest and last, so that no extreme is lost. A gap narrower than a pixel is closed.
pub fn stretches(places: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let mut out: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let mut column: Vec<(f64, f64)> = Vec::new();
    let (mut at, mut seen, mut gap) = (f64::NAN, 0, false);
    for place in places {
        let Some(place) = place else {
            gap = true;
            continue;
        };
        let new = place.0.floor() != at;
        if new {
            (at, seen) = (place.0.floor(), 0);
        }
        if new || (gap && seen < COLUMN) {
            settle(&mut column, &mut out);
            if gap {
                out.push(Vec::new());
            }
        }
        (seen, gap) = (seen + 1, false);
        add(&mut column, place);
    }
    settle(&mut column, &mut out);
    out.retain(|stretch| !stretch.is_empty());
    limited(out)
}

/// Adds a point to a column of pixels, which keeps at most [`COLUMN`].
fn add(column: &mut Vec<(f64, f64)>, place: (f64, f64)) {
    column.push(place);
    if column.len() > COLUMN {
        // Of first, two between and the former last, the two most extreme stay between first and last.
        let inner = &column[1..COLUMN];
        let extreme = |better: fn(f64, f64) -> bool| {
            (1..inner.len()).fold(0, |best, index| if better(inner[index].1, inner[best].1) { index } else { best })
        };
        let (least, most) = (extreme(|a, b| a < b), extreme(|a, b| a > b));
        let dropped = (0..inner.len()).find(|index| *index != least && *index != most).unwrap_or(0);
        column.remove(1 + dropped);
    }
}

fn settle(column: &mut Vec<(f64, f64)>, out: &mut [Vec<(f64, f64)>]) {
    if let Some(stretch) = out.last_mut() {
        stretch.append(column);
    }
}

/// Leaves out points evenly where there are still too many.
fn limited(stretches: Vec<Vec<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let all: usize = stretches.iter().map(Vec::len).sum();
    let every = all.div_ceil(MOST).max(1);
    if every == 1 {
        return stretches;
    }
    let short = |stretch: Vec<(f64, f64)>| stretch.into_iter().step_by(every).collect();
    stretches.into_iter().map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_kept() {
        let y = |index: u32| match index {
            123_456 => 900.0,
            700_001 => -900.0,
            _ => (f64::from(index) * 0.37).sin(),
        };
        let drawn = stretches((0..1_000_000).map(|index| Some((f64::from(index) / 2_000.0, y(index)))));
        assert_eq!(drawn.len(), 1);
        assert!(drawn[0].len() <= 2_000 && drawn[0].len() >= 1_000, "{}", drawn[0].len());
        let range = drawn[0].iter().fold((0f64, 0f64), |(low, high), at| (low.min(at.1), high.max(at.1)));
        assert_eq!(range, (-900.0, 900.0));
    }

    #[test]
    fn short_lines_stay_as_they_are() {
        let at = |x: f64| Some((x, x));
        let drawn = stretches([at(0.0), at(0.1), None, at(0.2), at(9.0), None, None, at(20.0)].into_iter());
        assert_eq!(drawn, [vec![(0.0, 0.0), (0.1, 0.1)], vec![(0.2, 0.2), (9.0, 9.0)], vec![(20.0, 20.0)]]);
        assert!(stretches([None, None].into_iter()).is_empty());
    }

    #[test]
    fn any_line_is_drawn_from_few_points() {
        let gaps = (0..1_000_000).map(|index| (index % 2 == 0).then(|| (f64::from(index) / 2_000.0, 1.0)));
        let scribble = (0..1_000_000_u32).map(|index| Some((f64::from(index % 500), f64::from(index % 77))));
        for drawn in [stretches(gaps), stretches(scribble)] {
            let points: usize = drawn.iter().map(Vec::len).sum();
            assert!((500..=MOST).contains(&points), "{points}");
        }
    }
}
