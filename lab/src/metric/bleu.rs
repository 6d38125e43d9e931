//! BLEU: how much a text has in common with texts that people wrote.

use std::collections::HashMap;

use super::{MetricError, ratio};
use crate::display::{MimeBundle, Show};
use crate::math::double::{exp, ln};

/// The longest n-grams that are counted.
const LONGEST: usize = 4;

/// The BLEU score of a corpus and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bleu {
    /// From 0 to 1: the geometric mean of the precisions, times the brevity penalty.
    pub score: f64,
    /// Of the candidates' n-grams, the share that is in a reference: for 1 to 4 words.
    pub precisions: [f64; LONGEST],
    /// 1, or less when the candidates are shorter than the references.
    pub brevity_penalty: f64,
    /// Words in all candidates.
    pub candidate_length: usize,
    /// Words in the references that are nearest in length.
    pub reference_length: usize,
}

/// BLEU of a corpus: Papineni et al., *BLEU: a Method for Automatic Evaluation of Machine Translation*, 2002.
/// N-grams up to 4 words, each counted no more often than in the reference that has most of it; without
/// smoothing, so it is 0 when no 4 words in a row are right anywhere. The same as sacreBLEU's with
/// `smooth_method="none"` on text that is already split into words (sacreBLEU gives percent).
///
/// `references` has one or more references for each candidate; all are lists of words.
///
/// # Errors
/// When there are no candidates, not references for each, or none for one.
pub fn bleu<W: AsRef<str>>(references: &[Vec<Vec<W>>], candidates: &[Vec<W>]) -> Result<Bleu, MetricError> {
    let mut numbers = Numbers::default();
    let candidates: Vec<Vec<usize>> = candidates.iter().map(|words| numbers.of(words)).collect();
    let mut numbered = Vec::with_capacity(references.len());
    for texts in references {
        numbered.push(texts.iter().map(|words| numbers.of(words)).collect());
    }
    of_numbers(&numbered, &candidates)
}

impl Show for Bleu {
    fn show(&self) -> MimeBundle {
        let [one, two, three, four] = self.precisions.map(|precision| 100.0 * precision);
        MimeBundle::new().with_text(format!(
            "BLEU {:.2} (1 to 4 words: {one:.1} / {two:.1} / {three:.1} / {four:.1}, brevity penalty {:.3}, {} words for {})",
            100.0 * self.score,
            self.brevity_penalty,
            self.candidate_length,
            self.reference_length
        ))
    }
}

/// A number for each word, so that n-grams are slices of numbers.
#[derive(Default)]
struct Numbers {
    known: HashMap<String, usize>,
}

impl Numbers {
    fn of<W: AsRef<str>>(&mut self, words: &[W]) -> Vec<usize> {
        words.iter().map(|word| self.number(word.as_ref())).collect()
    }

    fn number(&mut self, word: &str) -> usize {
        if let Some(&number) = self.known.get(word) {
            return number;
        }
        let number = self.known.len();
        self.known.insert(word.to_owned(), number);
        number
    }
}

fn of_numbers(references: &[Vec<Vec<usize>>], candidates: &[Vec<usize>]) -> Result<Bleu, MetricError> {
    if candidates.is_empty() && references.is_empty() {
        return Err(MetricError::Empty);
    }
    if references.len() != candidates.len() {
        return Err(MetricError::Length { truth: references.len(), predicted: candidates.len() });
    }
    let (mut right, mut all) = ([0; LONGEST], [0; LONGEST]);
    let (mut candidate_length, mut reference_length) = (0, 0);
    for (row, (references, candidate)) in references.iter().zip(candidates).enumerate() {
        let lengths = references.iter().map(Vec::len);
        // Of two that are as near, the shorter.
        let nearest = lengths.min_by_key(|&length| (length.abs_diff(candidate.len()), length));
        reference_length += nearest.ok_or(MetricError::NoReference { row })?;
        candidate_length += candidate.len();
        for n in 1..=LONGEST {
            right[n - 1] += in_common(references, candidate, n);
            all[n - 1] += (candidate.len() + 1).saturating_sub(n);
        }
    }
    let mut precisions = [0.0; LONGEST];
    for ((precision, right), all) in precisions.iter_mut().zip(right).zip(all) {
        *precision = ratio(right, all);
    }
    let brevity_penalty = brevity_penalty(candidate_length, reference_length);
    #[allow(clippy::cast_precision_loss)] // 4
    let mean = exp(precisions.iter().map(|precision| ln(*precision)).sum::<f64>() / LONGEST as f64);
    Ok(Bleu { score: brevity_penalty * mean, precisions, brevity_penalty, candidate_length, reference_length })
}

/// How many of a candidate's n-grams are in the references, each as often as in the one that has most.
fn in_common(references: &[Vec<usize>], candidate: &[usize], n: usize) -> usize {
    let mut most: HashMap<&[usize], usize> = HashMap::new();
    for reference in references {
        for (gram, count) in counts(reference, n) {
            let most = most.entry(gram).or_default();
            *most = (*most).max(count);
        }
    }
    counts(candidate, n).into_iter().map(|(gram, count)| count.min(most.get(gram).copied().unwrap_or(0))).sum()
}

fn counts(words: &[usize], n: usize) -> HashMap<&[usize], usize> {
    let mut counts = HashMap::new();
    for gram in words.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    counts
}

#[allow(clippy::cast_precision_loss)] // word counts are far below 2^52
fn brevity_penalty(candidate: usize, reference: usize) -> f64 {
    match candidate {
        0 => 0.0,
        _ if candidate >= reference => 1.0,
        _ => exp(1.0 - reference as f64 / candidate as f64),
    }
}
