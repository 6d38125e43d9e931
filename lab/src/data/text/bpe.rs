//! Byte-pair encoding: frequent pairs of tokens become tokens, starting from single bytes, so that every text
//! can be encoded. (Sennrich, Haddow and Birch, 2016; on bytes as in GPT-2.) The work is done by Hugging
//! Face's tokenizers, whose files it reads and writes.

use std::path::{Path, PathBuf};

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

use super::Tokenizer;
use crate::data::DataError;

type Inner = TokenizerImpl<BPE, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// A byte-pair tokenizer.
#[derive(Debug, Clone)]
pub struct BytePairs {
    inner: tokenizers::Tokenizer,
}

impl BytePairs {
    /// Learns a vocabulary of at most this many tokens from a text; at least 256, one for each byte.
    ///
    /// # Errors
    /// When the vocabulary is smaller than that, or the text is empty.
    pub fn train(text: &str, vocabulary: usize) -> Result<Self, DataError> {
        if vocabulary < 256 || text.is_empty() {
            let what = format!("byte pairs need a text and a vocabulary of 256 or more; got {vocabulary}");
            return Err(DataError::TooFewRows { what });
        }
        let bytes = ByteLevel::new(false, false, true);
        let mut inner = Inner::new(BPE::default());
        inner.with_pre_tokenizer(Some(bytes)).with_decoder(Some(bytes));
        let mut trainer = BpeTrainer::builder()
            .vocab_size(vocabulary)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .show_progress(false)
            .build();
        inner.train(&mut trainer, text.split_inclusive('\n')).map_err(|error| failed(&*error))?;
        // Read back as a tokenizer of any kind, which is what files hold.
        let json = inner.to_string(false).map_err(|error| failed(&*error))?;
        Ok(Self { inner: json.parse().map_err(|error: tokenizers::Error| failed(&*error))? })
    }

    /// Reads a `tokenizer.json`, of any model that Hugging Face's tokenizers know.
    ///
    /// # Errors
    /// Names the file when it is not there or not such a file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let inner = tokenizers::Tokenizer::from_file(path);
        Ok(Self { inner: inner.map_err(|error| unreadable(path, &*error))? })
    }

    /// Writes a `tokenizer.json`.
    ///
    /// # Errors
    /// Names the file when it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        let path = path.as_ref();
        self.inner.save(path, false).map_err(|error| unreadable(path, &*error))
    }
}

impl Tokenizer for BytePairs {
    fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    fn encode(&self, text: &str) -> Result<Vec<usize>, DataError> {
        let encoding = self.inner.encode_fast(text, false).map_err(|error| failed(&*error))?;
        Ok(encoding.get_ids().iter().map(|&token| token as usize).collect())
    }

    fn decode(&self, tokens: &[usize]) -> Result<String, DataError> {
        let number = |&token: &usize| match u32::try_from(token) {
            Ok(number) if token < self.vocabulary() => Ok(number),
            _ => Err(DataError::Token { what: token.to_string(), vocabulary: self.vocabulary() }),
        };
        let numbers = tokens.iter().map(number).collect::<Result<Vec<u32>, DataError>>()?;
        self.inner.decode(&numbers, false).map_err(|error| failed(&*error))
    }
}

type Cause = dyn std::error::Error + Send + Sync;

fn failed(error: &Cause) -> DataError {
    DataError::Tokenizer { reason: error.to_string() }
}

fn unreadable(path: &Path, error: &Cause) -> DataError {
    DataError::Read { path: PathBuf::from(path), format: "a tokenizer", reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "the cat sat on the mat\nthe cat ate the rat\n";

    #[test]
    fn frequent_pairs_become_tokens_and_every_text_comes_back() {
        let small = BytePairs::train(TEXT, 256).expect("a tokenizer");
        let large = BytePairs::train(TEXT, 270).expect("a tokenizer");
        assert_eq!((small.vocabulary(), large.vocabulary()), (256, 270));
        for text in [TEXT, "the dog: ünï 数 \u{1f600}", ""] {
            let tokens = large.encode(text).expect("tokens");
            assert_eq!(large.decode(&tokens).expect("text"), text);
            assert!(tokens.len() <= small.encode(text).expect("tokens").len());
        }
        assert!(large.encode("the cat").expect("tokens").len() < 5);
        assert!(BytePairs::train(TEXT, 100).is_err());
        assert!(large.decode(&[270]).expect_err("no such token").to_string().contains("270"));
    }

    #[test]
    fn it_is_saved_and_loaded() {
        let path = std::env::temp_dir().join(format!("lab-bpe-{}.json", std::process::id()));
        let tokenizer = BytePairs::train(TEXT, 265).expect("a tokenizer");
        tokenizer.save(&path).expect("a file");
        let loaded = BytePairs::load(&path).expect("a tokenizer");
        assert_eq!(loaded.encode("the rat").expect("tokens"), tokenizer.encode("the rat").expect("tokens"));
        std::fs::write(&path, "{").expect("a file");
        let error = BytePairs::load(&path).expect_err("cut short").to_string();
        assert!(error.contains("lab-bpe"), "{error}");
    }
}
