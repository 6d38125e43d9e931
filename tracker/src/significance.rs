//! Whether two groups of repeated runs differ by more than chance would have it.

use serde::Serialize;

/// Mean and spread of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    pub count: usize,
    pub mean: f64,
    /// Standard deviation, with n - 1; 0 of a single value.
    pub deviation: f64,
}

/// Welch's t-test of two samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Welch {
    pub t: f64,
    /// Degrees of freedom, as Welch and Satterthwaite estimate them.
    pub degrees: f64,
    /// How likely means as far apart as these or farther are, if there is no difference (two-sided).
    pub p: f64,
}

impl Sample {
    /// Of the values that are finite; `None` when there is none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let count = finite.len();
        if count == 0 {
            return None;
        }
        let mean = finite.iter().sum::<f64>() / count as f64;
        let squares: f64 = finite.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        Some(Self { count, mean, deviation })
    }

    /// The test against another sample: t = (mean - mean') / sqrt(s^2/n + s'^2/n'). `None` where it says nothing:
    /// fewer than two values in one of them, or no spread in both (B. L. Welch, Biometrika 34, 1947).
    pub fn welch(&self, other: &Self) -> Option<Welch> {
        if self.count < 2 || other.count < 2 {
            return None;
        }
        let error = |sample: &Self| sample.deviation.powi(2) / sample.count as f64;
        let (a, b) = (error(self), error(other));
        if a + b <= 0.0 {
            return None;
        }
        let t = (self.mean - other.mean) / (a + b).sqrt();
        let part = |error: f64, count: usize| error.powi(2) / (count - 1) as f64;
        let degrees = (a + b).powi(2) / (part(a, self.count) + part(b, other.count));
        Some(Welch { t, degrees, p: incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t)) })
    }
}

/// How many standard errors from the mean the interval reaches that holds the true mean with probability `level`, for
/// `degrees` of freedom: the quantile of Student's t at (1 + level) / 2. A band around the mean of n values is
/// `mean ± student_t(0.95, n - 1) * deviation / sqrt(n)`. It is found by bisection.
pub fn student_t(level: f64, degrees: f64) -> f64 {
    let beyond = |t: f64| incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t)) > 1.0 - level;
    let (mut low, mut high) = (0.0, 1.0);
    while beyond(high) && high < 1e300 {
        (low, high) = (high, high * 2.0);
    }
    // Each round gives one bit.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if beyond(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22) evaluated with the
/// modified method of Lentz. Student's t: p = I_{v/(v+t^2)}(v/2, 1/2).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    front * fraction(a, b, x)
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function of a positive number: Stirling's series (DLMF 5.11.1) from 10 upward, where
/// eight terms are exact to 1e-16.
fn ln_gamma(x: f64) -> f64 {
    if x < 10.0 {
        return ln_gamma(x + 1.0) - x.ln();
    }
    const TERMS: [f64; 7] =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0, 1.0 / 156.0];
    let series = TERMS.iter().rev().fold(0.0, |sum, term| sum / (x * x) + term) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn as_scipy_has_it() {
        // scipy 1.17.1, stats.ttest_ind(a, b, equal_var=False): statistic, df, pvalue.
        let cases: [(&[f64], &[f64], [f64; 3]); 4] = [
            (
                &[0.91, 0.93, 0.92],
                &[0.88, 0.9, 0.87, 0.89],
                [4.04145188432738, 4.959183673469389, 0.010076943347988868],
            ),
            (
                &[1.0, 2.0, 3.0, 4.0, 5.0],
                &[1.1, 2.1, 2.9, 4.2, 5.3],
                [-0.11686340806974307, 7.978761565967063, 0.9098563692099879],
            ),
            (&[10.0, 11.0], &[1.0, 2.0], [12.727922061357855, 2.0, 0.006116265326381102]),
            (&[0.5, 0.50001, 0.49999], &[0.9, 0.1, 0.4, 0.6], [0.0, 3.0000000070588233, 1.0]),
        ];
        for (a, b, [t, degrees, p]) in cases {
            let welch = Sample::of(a).unwrap().welch(&Sample::of(b).unwrap()).unwrap();
            let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * expected.abs();
            assert!(close(welch.t, t) && close(welch.degrees, degrees) && close(welch.p, p), "{a:?} {b:?}: {welch:?}");
        }
    }

    #[test]
    fn quantiles_of_student_are_those_of_scipy() {
        // scipy 1.17.1, stats.t.ppf(0.5 + level / 2, degrees) for the levels 0.5, 0.95 and 0.999.
        let cases = [
            (1.0, [1.0000000000000002, 12.706204736174694, 636.6192487687897]),
            (2.0, [0.8164965809277261, 4.302652729749462, 31.599054576445365]),
            (4.0, [0.7406970841126829, 2.7764451051977934, 8.610301581379522]),
            (29.0, [0.6830438608216131, 2.045229642132703, 3.6594050194663748]),
            (200.0, [0.6757184114042201, 1.9718962236339088, 3.3398354062757107]),
        ];
        for (degrees, expected) in cases {
            for (level, expected) in [0.5, 0.95, 0.999].into_iter().zip(expected) {
                let found = student_t(level, degrees);
                assert!((found - expected).abs() <= 1e-10 * expected, "{degrees} {level}: {found}");
            }
        }
    }

    #[test]
    fn what_cannot_be_tested_is_not() {
        let sample = |values: &[f64]| Sample::of(values).unwrap();
        assert_eq!(sample(&[1.0]).welch(&sample(&[1.0, 2.0])), None);
        assert_eq!(sample(&[1.0, 1.0]).welch(&sample(&[2.0, 2.0])), None);
        assert_eq!(Sample::of(&[f64::NAN]), None);
        assert_eq!(sample(&[1.0, f64::NAN, 3.0]).mean, 2.0);
    }
}
