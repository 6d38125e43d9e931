//! A query as words.

use super::mistake::{Mistake, Span};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword, a part of a key, or a text without quotes.
    Word(String),
    Text(String),
    Number(f64),
    Symbol(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) span: Span,
}

/// Longest first.
const SYMBOLS: [&str; 12] = ["!=", "<=", ">=", "==", "=", "<", ">", "(", ")", ",", ".", "-"];

pub(super) fn lex(query: &str) -> Result<Vec<Lexeme>, Mistake> {
    let letters: Vec<char> = query.chars().collect();
    let mut lexemes = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        if letters[at].is_whitespace() {
            at += 1;
            continue;
        }
        let (token, end) = next(query, &letters, at)?;
        lexemes.push(Lexeme { token, span: Span { start: at, end } });
        at = end;
    }
    lexemes.push(Lexeme { token: Token::End, span: Span { start: at, end: at + 1 } });
    Ok(lexemes)
}

fn next(query: &str, letters: &[char], at: usize) -> Result<(Token, usize), Mistake> {
    let letter = letters[at];
    if matches!(letter, '"' | '\'') {
        return text(query, letters, at);
    }
    let negative = letter == '-' && letters.get(at + 1).is_some_and(char::is_ascii_digit);
    // After a dot it is a part of a name: `param.layers.0`.
    let named = at > 0 && letters[at - 1] == '.';
    if (letter.is_ascii_digit() && !named) || negative {
        return number(query, letters, at);
    }
    if is_word(letter) {
        let end = word_end(letters, at);
        return Ok((Token::Word(letters[at..end].iter().collect()), end));
    }
    let rest: String = letters[at..letters.len().min(at + 2)].iter().collect();
    match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        Some(symbol) => Ok((Token::Symbol(symbol), at + symbol.len())),
        None => {
            let message =
                format!("{letter:?} has no meaning here; a name with such a letter is quoted: metric.\"a b\"");
            Err(Mistake::new(query, Span { start: at, end: at + 1 }, message))
        }
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '/' | '%' | '@' | ':')
}

/// A `-` inside a word is a part of it, and so is a context: `val-loss{subset=test}`.
fn word_end(letters: &[char], from: usize) -> usize {
    let mut end = from;
    while let Some(letter) = letters.get(end) {
        match letter {
            '-' => end += 1,
            '{' => match letters[end..].iter().position(|letter| *letter == '}') {
                Some(length) => end += length + 1,
                None => return end,
            },
            letter if is_word(*letter) => end += 1,
            _ => return end,
        }
    }
    end
}

fn text(query: &str, letters: &[char], start: usize) -> Result<(Token, usize), Mistake> {
    let quote = letters[start];
    let mut text = String::new();
    let mut at = start + 1;
    while let Some(letter) = letters.get(at) {
        match letter {
            // Twice is once, as in SQL.
            letter if *letter == quote && letters.get(at + 1) == Some(&quote) => {
                text.push(quote);
                at += 2;
            }
            letter if *letter == quote => return Ok((Token::Text(text), at + 1)),
            letter => {
                text.push(*letter);
                at += 1;
            }
        }
    }
    Err(Mistake::new(query, Span { start, end: letters.len() }, format!("the text has no closing {quote}")))
}

fn number(query: &str, letters: &[char], start: usize) -> Result<(Token, usize), Mistake> {
    let mut end = start + 1;
    while let Some(letter) = letters.get(end) {
        let sign = matches!(letter, '-' | '+') && matches!(letters[end - 1], 'e' | 'E');
        if !(letter.is_alphanumeric() || *letter == '.' || *letter == '_' || sign) {
            break;
        }
        end += 1;
    }
    let digits: String = letters[start..end].iter().filter(|letter| **letter != '_').collect();
    match digits.parse() {
        Ok(number) => Ok((Token::Number(number), end)),
        Err(_) => {
            let message = format!("{digits:?} is not a number; a text is quoted: \"{digits}\"");
            Err(Mistake::new(query, Span { start, end }, message))
        }
    }
}
