//! From words to a condition, an order and a limit.

use super::expression::{Condition, End, Field, Find, Key, Located, Operator, Order, Value};
use super::lexer::{Lexeme, Token, lex};
use super::mistake::{Mistake, Span, suggestion};

/// Deeper brackets are no person's.
const DEEPEST: usize = 64;

/// Parses a query.
pub(super) fn parse(query: &str) -> Result<Find, Mistake> {
    let mut parser = Parser { query, lexemes: lex(query)?, at: 0, depth: 0 };
    let condition = if parser.begins_tail() { None } else { Some(parser.any()?) };
    let order = parser.order()?;
    let limit = parser.limit()?;
    match parser.peek() {
        Token::End => Ok(Find { text: query.to_owned(), condition, order, limit }),
        _ => Err(parser.expected("`and`, `or`, `order by`, `limit` or the end")),
    }
}

struct Parser<'a> {
    query: &'a str,
    lexemes: Vec<Lexeme>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.negated()?];
        while self.takes_word("and") {
            parts.push(self.negated()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn negated(&mut self) -> Result<Condition, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.mistake("the query is nested too deeply; take brackets or `not`s away"));
        }
        let condition = if self.takes_word("not") {
            Condition::Not(Box::new(self.negated()?))
        } else if self.takes("(") {
            let inner = self.any()?;
            if !self.takes(")") {
                return Err(self.expected("`and`, `or` or `)`"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, Mistake> {
        let key = self.key("a condition, such as metric.loss.last < 0.5,")?;
        if self.takes_word("in") {
            return self.list(key);
        }
        if self.takes_word("like") {
            return match self.next() {
                Lexeme { token: Token::Text(pattern), .. } => Ok(Condition::Like(key, pattern)),
                lexeme => Err(self.expected_at(&lexeme, "a quoted pattern, such as \"conv%\",")),
            };
        }
        let Some(operator) = self.operator() else {
            return match self.peek() {
                Token::Symbol("=" | "<" | ">" | "==") | Token::Number(_) | Token::Text(_) => {
                    Err(self.expected("=, !=, <, <=, >, >=, in or like"))
                }
                _ => Ok(Condition::Exists(key)),
            };
        };
        let value = self.value(&key.key)?;
        Ok(Condition::Compare(key, operator, value))
    }

    fn list(&mut self, key: Located) -> Result<Condition, Mistake> {
        if !self.takes("(") {
            return Err(self.expected("a list, such as (1, 2),"));
        }
        let mut values = vec![self.value(&key.key)?];
        while self.takes(",") {
            values.push(self.value(&key.key)?);
        }
        if !self.takes(")") {
            return Err(self.expected("`,` or `)`"));
        }
        let equal = |value| Condition::Compare(key.clone(), Operator::Equal, value);
        Ok(Condition::Any(values.into_iter().map(equal).collect()))
    }

    fn operator(&mut self) -> Option<Operator> {
        let operator = match self.peek() {
            Token::Symbol("=" | "==") => Operator::Equal,
            Token::Symbol("!=") => Operator::NotEqual,
            Token::Symbol("<") => Operator::Less,
            Token::Symbol("<=") => Operator::AtMost,
            Token::Symbol(">") => Operator::More,
            Token::Symbol(">=") => Operator::AtLeast,
            _ => return None,
        };
        self.at += 1;
        Some(operator)
    }

    fn value(&mut self, key: &Key) -> Result<Value, Mistake> {
        let lexeme = self.next();
        let value = match &lexeme.token {
            Token::Number(number) => Value::Number(*number),
            Token::Text(text) => Value::Text(text.clone()),
            Token::Word(word) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "and" | "or" | "not" | "order" | "limit" => {
                    return Err(self.expected_at(&lexeme, "a value, such as 0.9 or \"finished\","));
                }
                text => Value::Text(text.to_owned()),
            },
            _ => return Err(self.expected_at(&lexeme, "a value, such as 0.9 or \"finished\",")),
        };
        key.checked(value).map_err(|message| Mistake::new(self.query, lexeme.span, message))
    }

    fn order(&mut self) -> Result<Vec<Order>, Mistake> {
        if !self.takes_word("order") {
            return Ok(Vec::new());
        }
        if !self.takes_word("by") {
            return Err(self.expected("`by`"));
        }
        let mut orders = Vec::new();
        loop {
            let key = self.key("what to sort by, such as metric.loss.last or started,")?;
            let descending = self.takes_word("desc");
            if !descending {
                self.takes_word("asc");
            }
            orders.push(Order { key, descending });
            if !self.takes(",") {
                return Ok(orders);
            }
        }
    }

    fn limit(&mut self) -> Result<Option<usize>, Mistake> {
        if !self.takes_word("limit") {
            return Ok(None);
        }
        let lexeme = self.next();
        match lexeme.token {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a whole number in range")]
            Token::Number(number) if number >= 0.0 && number.fract() == 0.0 && number < 1e15 => {
                Ok(Some(number as usize))
            }
            _ => Err(self.expected_at(&lexeme, "a whole number")),
        }
    }

    fn key(&mut self, what: &str) -> Result<Located, Mistake> {
        let first = self.next();
        let Token::Word(word) = &first.token else {
            return Err(self.expected_at(&first, what));
        };
        let mut span = first.span;
        let key = match word.as_str() {
            "metric" => self.metric(&mut span)?,
            "param" => Key::Param(self.path(&mut span)?.join(".")),
            "tag" => Key::Tag(self.path(&mut span)?.join(".")),
            "and" | "or" | "order" | "limit" | "in" => return Err(self.expected_at(&first, what)),
            name => match Field::named(name) {
                Some(field) => Key::Field(field),
                None => return Err(self.unknown_field(name, span)),
            },
        };
        Ok(Located { key, span })
    }

    fn unknown_field(&self, name: &str, span: Span) -> Mistake {
        let known: Vec<String> =
            Field::ALL.iter().map(|(name, _)| *name).chain(["metric", "param", "tag"]).map(str::to_owned).collect();
        let hint = match self.peek() {
            Token::Symbol(".") => suggestion(name, &known),
            _ => match suggestion(name, &known) {
                near if near.starts_with("; did") => near,
                _ => format!(
                    "; what a run logged is metric.{name}, its configuration param.{name}, its tags tag.{name}; \
                     fields are {}",
                    Field::ALL.map(|(name, _)| name).join(", "),
                ),
            },
        };
        Mistake::new(self.query, span, format!("{name} is no field of a run{hint}"))
    }

    /// The end is the last part, when it is one of the known ones: `metric.loss.max`.
    fn metric(&mut self, span: &mut Span) -> Result<Key, Mistake> {
        let mut parts = self.path(span)?;
        let end = if parts.len() > 1 { parts.last().and_then(|part| End::named(part)) } else { None };
        if end.is_some() {
            parts.pop();
        }
        let (name, context) = context(&parts.join("."))
            .ok_or_else(|| Mistake::new(self.query, *span, "a context is written {key=value,key=value}"))?;
        Ok(Key::Metric { name, context, end: end.unwrap_or(End::Last) })
    }

    /// The parts after `metric`, `param` or `tag`.
    fn path(&mut self, span: &mut Span) -> Result<Vec<String>, Mistake> {
        let mut parts = Vec::new();
        while self.takes(".") {
            let lexeme = self.next();
            match lexeme.token {
                Token::Word(ref word) => parts.push(word.clone()),
                Token::Text(ref text) => parts.push(text.clone()),
                _ => return Err(self.expected_at(&lexeme, "a name")),
            }
            span.end = lexeme.span.end;
        }
        if parts.is_empty() {
            return Err(self.expected("a `.` and a name"));
        }
        Ok(parts)
    }

    fn begins_tail(&self) -> bool {
        matches!(self.peek(), Token::End) || self.is_word("order") || self.is_word("limit")
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let takes = self.is_word(word);
        self.at += usize::from(takes);
        takes
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let takes = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        self.at += usize::from(takes);
        takes
    }

    fn peek(&self) -> &Token {
        &self.lexeme().token
    }

    fn lexeme(&self) -> &Lexeme {
        // The last one is the end, which is never passed.
        &self.lexemes[self.at.min(self.lexemes.len() - 1)]
    }

    fn next(&mut self) -> Lexeme {
        let lexeme = self.lexeme().clone();
        self.at = (self.at + 1).min(self.lexemes.len() - 1);
        lexeme
    }

    fn expected(&self, what: &str) -> Mistake {
        self.expected_at(self.lexeme(), what)
    }

    fn expected_at(&self, lexeme: &Lexeme, what: &str) -> Mistake {
        let found = match &lexeme.token {
            Token::End => "the query ends".to_owned(),
            Token::Word(word) => format!("there is {word}"),
            Token::Text(text) => format!("there is {text:?}"),
            Token::Number(number) => format!("there is {number}"),
            Token::Symbol(symbol) => format!("there is {symbol}"),
        };
        Mistake::new(self.query, lexeme.span, format!("{} is expected, but {found}", what.trim_end_matches(',')))
    }

    fn mistake(&self, message: &str) -> Mistake {
        Mistake::new(self.query, self.lexeme().span, message)
    }
}

/// `loss{subset=test}` as a name and the JSON that the schema has for its context.
fn context(name: &str) -> Option<(String, String)> {
    let Some((name, pairs)) = name.strip_suffix('}').and_then(|name| name.split_once('{')) else {
        return Some((name.to_owned(), "{}".to_owned()));
    };
    let mut context = std::collections::BTreeMap::new();
    for pair in pairs.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (key, value) = pair.split_once('=')?;
        context.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Some((name.to_owned(), serde_json::to_string(&context).ok()?))
}
