//! Which keys a query may look at.

use crate::device::DevError;

/// What is hidden from attention: what comes later, or padding, or both, or nothing.
///
/// A query from which everything is hidden gets zeros (PyTorch gives NaN).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttentionMask {
    pub(super) causal: bool,
    /// For each sequence, for each key: whether it is hidden.
    pub(super) padding: Option<Vec<Vec<bool>>>,
}

/// Attention that could not be computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttentionError {
    /// The padding is for another number of sequences.
    #[error("the mask has padding for {padding} sequences, but the batch has {batch}")]
    Batch { padding: usize, batch: usize },

    /// The padding of a sequence is for another number of keys.
    #[error("the mask's padding of sequence {sequence} is for {padding} keys, but there are {keys}")]
    Keys { sequence: usize, padding: usize, keys: usize },

    /// Keys and values are not one for one, or not of the batch of the queries.
    #[error(
        "there are {queries} sequences of queries, {keys:?} sequences and keys, {values:?} sequences and values: these must agree"
    )]
    Sizes { queries: usize, keys: (usize, usize), values: (usize, usize) },

    /// dfdx can't make a tensor.
    #[error("a tensor could not be made: {error}")]
    Tensor { error: DevError },
}

impl From<DevError> for AttentionError {
    fn from(error: DevError) -> Self {
        Self::Tensor { error }
    }
}

impl AttentionMask {
    /// Nothing is hidden.
    pub fn none() -> Self {
        Self::default()
    }

    /// Query i looks at keys 0 to i, as `is_causal=True` in PyTorch.
    pub fn causal() -> Self {
        Self { causal: true, padding: None }
    }

    /// Hides, in each sequence of the batch, the keys from its length on; `keys` is the padded length.
    pub fn with_lengths(self, lengths: &[usize], keys: usize) -> Self {
        let hidden = lengths.iter().map(|&length| (0..keys).map(|key| key >= length).collect());
        Self { padding: Some(hidden.collect()), ..self }
    }

    /// Hides, in each sequence of the batch, the keys that are `true`: PyTorch's `key_padding_mask`.
    pub fn with_padding(self, hidden: Vec<Vec<bool>>) -> Self {
        Self { padding: Some(hidden), ..self }
    }

    /// Whether the padding is for this many sequences of this many keys.
    pub(super) fn check(&self, batch: usize, keys: usize) -> Result<(), AttentionError> {
        let Some(padding) = &self.padding else { return Ok(()) };
        if padding.len() != batch {
            return Err(AttentionError::Batch { padding: padding.len(), batch });
        }
        match padding.iter().enumerate().find(|(_, hidden)| hidden.len() != keys) {
            Some((sequence, hidden)) => Err(AttentionError::Keys { sequence, padding: hidden.len(), keys }),
            None => Ok(()),
        }
    }

    /// How many of the first keys query `query` may look at, padding aside.
    pub(super) fn seen(&self, query: usize, keys: usize) -> usize {
        if self.causal { (query + 1).min(keys) } else { keys }
    }
}
