//! The next token, drawn from what a model says about it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::DataError;
use crate::math::double::exp;

/// Draws tokens from scores (logits). A high temperature makes unlikely tokens likelier, a low one takes the likely
/// ones nearly always; the least likely can be left out by number ([`Sampler::top_k`]; Fan, Lewis and Dauphin, 2018) or
/// by share ([`Sampler::top_p`]; Holtzman et al., *The Curious Case of Neural Text Degeneration*, 2020).
///
/// ```
/// # use lab::data::Sampler;
/// let mut sampler = Sampler::new(1).temperature(0.8).top_k(2);
/// assert!([1, 2].contains(&sampler.draw(&[0.0, 5.0, 4.0, 1.0])?));
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sampler {
    random: ChaCha8Rng,
    temperature: f64,
    top_k: usize,
    top_p: f64,
}

impl Sampler {
    /// Draws from the softmax of the scores as they are. The same seed draws the same tokens.
    pub fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), temperature: 1.0, top_k: usize::MAX, top_p: 1.0 }
    }

    /// Divides the scores by this first; at 0, the highest score is always taken.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature.max(0.0);
        self
    }

    /// Draws among the `k` most likely tokens only.
    pub fn top_k(mut self, k: usize) -> Self {
        self.top_k = k.max(1);
        self
    }

    /// Draws among the most likely tokens that have this share of the probability together.
    pub fn top_p(mut self, share: f64) -> Self {
        self.top_p = share.clamp(0.0, 1.0);
        self
    }

    /// Draws a token by the scores of all; of several places, give the scores of the last.
    ///
    /// # Errors
    /// When there are no scores, or one is NaN: says which.
    pub fn draw(&mut self, scores: &[f32]) -> Result<usize, DataError> {
        if let Some(token) = scores.iter().position(|score| score.is_nan()) {
            return Err(DataError::Shape { what: format!("the score of token {token} is NaN, so none can be drawn") });
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let Some(&first) = order.first() else {
            return Err(DataError::Shape { what: "there are no scores to draw a token by".to_owned() });
        };
        if self.temperature == 0.0 {
            return Ok(first);
        }
        order.truncate(self.top_k);
        let most = f64::from(scores[first]);
        let weight = |&token: &usize| exp((f64::from(scores[token]) - most) / self.temperature);
        let weights: Vec<f64> = order.iter().map(weight).collect();
        let kept = kept(&weights, self.top_p);
        let mut left = self.random.gen_range(0.0..kept.iter().sum::<f64>());
        let drawn = kept.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding may leave a little after the last.
        Ok(order[drawn.unwrap_or(kept.len() - 1)])
    }
}

/// Of weights in falling order, the first ones that have this share of all; one at least.
fn kept(weights: &[f64], share: f64) -> &[f64] {
    let enough = share * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let end = weights.iter().position(|weight| {
        sum += weight;
        sum >= enough
    });
    &weights[..end.map_or(weights.len(), |end| end + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of three tokens is drawn in 10,000 draws; their probabilities are 0.6, 0.3 and 0.1.
    fn drawn(sampler: Sampler) -> [f64; 3] {
        let (mut sampler, mut counts) = (sampler, [0.0; 3]);
        let scores = [0.3f32.ln(), 0.1f32.ln(), 0.6f32.ln()];
        (0..10_000).for_each(|_| counts[sampler.draw(&scores).expect("a token")] += 1e-4);
        counts
    }

    #[test]
    fn tokens_come_as_often_as_they_should() {
        // Shares by hand: at temperature 0.5, probabilities are squared and divided by their sum, 0.46.
        for (sampler, expected) in [
            (Sampler::new(1), [0.3, 0.1, 0.6]),
            (Sampler::new(2).temperature(0.5), [0.09 / 0.46, 0.01 / 0.46, 0.36 / 0.46]),
            (Sampler::new(3).temperature(0.0), [0.0, 0.0, 1.0]),
            (Sampler::new(4).top_k(2), [1.0 / 3.0, 0.0, 2.0 / 3.0]),
            (Sampler::new(5).top_p(0.85), [1.0 / 3.0, 0.0, 2.0 / 3.0]),
            (Sampler::new(6).top_p(0.0), [0.0, 0.0, 1.0]),
        ] {
            let got = drawn(sampler.clone());
            let near = got.iter().zip(expected).all(|(got, expected): (&f64, f64)| (got - expected).abs() < 0.02);
            assert!(near, "{sampler:?}: {got:?}, not {expected:?}");
        }
    }

    #[test]
    fn the_seed_decides_and_what_is_no_score_is_said() {
        assert_eq!(drawn(Sampler::new(1)), drawn(Sampler::new(1)));
        assert_ne!(drawn(Sampler::new(1)), drawn(Sampler::new(2)));
        let error = Sampler::new(1).draw(&[0.0, f32::NAN]).expect_err("NaN").to_string();
        assert!(error.contains("token 1 is NaN"), "{error}");
        assert!(Sampler::new(1).draw(&[]).is_err());
        let infinite = Sampler::new(1).draw(&[f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY]);
        assert_eq!(infinite.expect("a token"), 1);
    }
}
