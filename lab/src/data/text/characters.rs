//! Each character is a token.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Tokenizer;
use crate::data::DataError;

/// The characters of a text, sorted; a token is a character's place among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Characters {
    characters: Vec<char>,
}

impl Characters {
    /// Every character that occurs in the text.
    ///
    /// # Errors
    /// When the text is empty.
    pub fn of(text: &str) -> Result<Self, DataError> {
        let characters: Vec<char> = text.chars().collect::<BTreeSet<_>>().into_iter().collect();
        if characters.is_empty() {
            return Err(DataError::TooFewRows { what: "an empty text has no characters to learn".to_owned() });
        }
        Ok(Self { characters })
    }

    /// The characters in the order of their numbers.
    pub fn characters(&self) -> &[char] {
        &self.characters
    }
}

impl Tokenizer for Characters {
    fn vocabulary(&self) -> usize {
        self.characters.len()
    }

    fn encode(&self, text: &str) -> Result<Vec<usize>, DataError> {
        let number = |(at, character): (usize, char)| {
            self.characters.binary_search(&character).map_err(|_| DataError::Token {
                what: format!("{character:?} at character {at}"),
                vocabulary: self.vocabulary(),
            })
        };
        text.chars().enumerate().map(number).collect()
    }

    fn decode(&self, tokens: &[usize]) -> Result<String, DataError> {
        let character = |&token: &usize| {
            let known = self.characters.get(token).copied();
            known.ok_or_else(|| DataError::Token { what: token.to_string(), vocabulary: self.vocabulary() })
        };
        tokens.iter().map(character).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let characters = Characters::of("hello, wörld 数").expect("a tokenizer");
        assert_eq!(characters.vocabulary(), 11);
        for text in ["", "hell", "数wörld"] {
            let tokens = characters.encode(text).expect("tokens");
            assert_eq!(tokens.len(), text.chars().count());
            assert_eq!(characters.decode(&tokens).expect("text"), text);
        }
    }

    #[test]
    fn what_is_unknown_is_named() {
        let characters = Characters::of("ab").expect("a tokenizer");
        let error = characters.encode("abxa").expect_err("x is unknown").to_string();
        assert!(error.contains("'x' at character 2"), "{error}");
        assert!(characters.decode(&[0, 2]).expect_err("no such token").to_string().contains('2'));
        assert!(Characters::of("").is_err());
    }
}
