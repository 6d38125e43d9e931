//! Text as numbers: tokenizers, and windows of tokens to learn the next one from.

mod bpe;
mod characters;
mod sampler;
mod windows;

pub use bpe::BytePairs;
pub use characters::Characters;
pub use sampler::Sampler;
pub use windows::{TokenBatches, Windows};

use super::DataError;

/// Text to token numbers and back.
pub trait Tokenizer {
    /// How many different tokens there are; numbers are below it.
    fn vocabulary(&self) -> usize;

    /// The tokens of a text.
    ///
    /// # Errors
    /// Names what is in the text that the tokenizer does not know.
    fn encode(&self, text: &str) -> Result<Vec<usize>, DataError>;

    /// The text of tokens.
    ///
    /// # Errors
    /// Names the number that is no token.
    fn decode(&self, tokens: &[usize]) -> Result<String, DataError>;
}
