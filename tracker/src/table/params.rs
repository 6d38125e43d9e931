//! Columns of parameters, filled from the text of each configuration without a value tree in between.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::collections::HashMap;
use std::fmt;

use super::Values;
use crate::config;

/// Of some runs, in the order in which their names are met.
pub(crate) struct Params {
    height: usize,
    places: HashMap<String, usize>,
    columns: Vec<(String, Vec<Option<Leaf>>)>,
}

/// A leaf that is not `null`.
#[derive(Debug, Clone, PartialEq)]
enum Leaf {
    Bool(bool),
    Number(Number),
    Text(String),
    /// JSON.
    Other(String),
}

impl Params {
    pub(crate) fn new(height: usize) -> Self {
        Self { height, places: HashMap::new(), columns: Vec::new() }
    }

    /// Takes in the configuration of a run, written as JSON.
    pub(crate) fn add(&mut self, row: usize, json: &str) -> serde_json::Result<()> {
        let mut walk = Walk { params: self, row, next: 0, path: String::new(), depth: 0 };
        let mut text = serde_json::Deserializer::from_str(json);
        walk.deserialize(&mut text)?;
        text.end()
    }

    /// Paths and values.
    pub(crate) fn columns(self) -> impl Iterator<Item = (String, Values)> {
        self.columns.into_iter().map(|(path, leaves)| (path, values(leaves)))
    }

    /// The place of a path; most configurations have the same paths in the same order, so it is likely `guess`.
    fn place(&mut self, path: &str, guess: usize) -> usize {
        if self.columns.get(guess).is_some_and(|(there, _)| there == path) {
            return guess;
        }
        if let Some(place) = self.places.get(path) {
            return *place;
        }
        let place = self.columns.len();
        self.places.insert(path.to_owned(), place);
        self.columns.push((path.to_owned(), vec![None; self.height]));
        place
    }
}

/// A walk through one configuration; what is a leaf and what is its path is as in `config::leaves`.
struct Walk<'a> {
    params: &'a mut Params,
    row: usize,
    /// Where the next leaf is likely to have its column.
    next: usize,
    path: String,
    depth: usize,
}

impl Walk<'_> {
    fn leaf(&mut self, leaf: Option<Leaf>) {
        let path = if self.depth == 0 { config::ROOT } else { &self.path };
        let place = self.params.place(path, self.next);
        self.params.columns[place].1[self.row] = leaf;
        self.next = place + 1;
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let (length, next) = (self.path.len(), self.next);
        self.depth += 1;
        let mut empty = true;
        while let Some(Name(name)) = fields.next_key()? {
            empty = false;
            if self.depth > 1 {
                self.path.push('.');
            }
            self.path.push_str(&config::segment(&name));
            fields.next_value_seed(&mut *self)?;
            self.path.truncate(length);
        }
        self.depth -= 1;
        if empty && self.depth > 0 {
            self.next = next;
            self.leaf(Some(Leaf::Other("{}".to_owned())));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        let items =
            <Vec<Value> as serde::Deserialize>::deserialize(serde::de::value::SeqAccessDeserializer::new(items))?;
        self.leaf(Some(Leaf::Other(Value::Array(items).to_string())));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        if self.depth > 0 {
            self.leaf(None);
        }
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.leaf(Some(Leaf::Bool(value)));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.leaf(Some(Leaf::Number(value.into())));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.leaf(Some(Leaf::Number(value.into())));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.leaf(Number::from_f64(value).map(Leaf::Number));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.leaf(Some(Leaf::Text(value.to_owned())));
        Ok(())
    }
}

/// The narrowest type that holds every value: booleans, integers, floats, else text (JSON where it is no string).
fn values(leaves: Vec<Option<Leaf>>) -> Values {
    let all = |fits: fn(&Leaf) -> bool| {
        let mut known = leaves.iter().flatten().peekable();
        known.peek().is_some() && known.all(fits)
    };
    let number = |leaf: &Option<Leaf>| match leaf {
        Some(Leaf::Number(number)) => Some(number.clone()),
        _ => None,
    };
    if all(|leaf| matches!(leaf, Leaf::Bool(_))) {
        Values::Bool(leaves.iter().map(|leaf| leaf.as_ref().map(|leaf| *leaf == Leaf::Bool(true))).collect())
    } else if all(|leaf| matches!(leaf, Leaf::Number(number) if number.is_i64())) {
        Values::Integer(leaves.iter().map(|leaf| number(leaf)?.as_i64()).collect())
    } else if all(|leaf| matches!(leaf, Leaf::Number(_))) {
        Values::Float(leaves.iter().map(|leaf| number(leaf)?.as_f64()).collect())
    } else {
        Values::Text(leaves.into_iter().map(|leaf| leaf.map(text)).collect())
    }
}

fn text(leaf: Leaf) -> String {
    match leaf {
        Leaf::Bool(value) => value.to_string(),
        Leaf::Number(value) => value.to_string(),
        Leaf::Text(text) | Leaf::Other(text) => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn columns(configs: &[Value]) -> Vec<(String, Values)> {
        let mut params = Params::new(configs.len());
        configs.iter().enumerate().for_each(|(row, config)| params.add(row, &config.to_string()).unwrap());
        params.columns().collect()
    }

    fn column(leaves: &[Value]) -> Values {
        let configs: Vec<Value> = leaves.iter().map(|leaf| json!({"x": leaf})).collect();
        columns(&configs).remove(0).1
    }

    #[test]
    fn a_column_has_the_narrowest_type_that_holds_all() {
        assert_eq!(column(&[json!(1), json!(2)]), Values::Integer(vec![Some(1), Some(2)]));
        assert_eq!(column(&[json!(1), json!(0.5)]), Values::Float(vec![Some(1.0), Some(0.5)]));
        assert_eq!(column(&[json!(u64::MAX), json!(-1)]), Values::Float(vec![Some(u64::MAX as f64), Some(-1.0)]));
        assert_eq!(column(&[json!(true), json!(null)]), Values::Bool(vec![Some(true), None]));
        assert_eq!(
            column(&[json!("a"), json!([1, 2.0])]),
            Values::Text(vec![Some("a".into()), Some("[1,2.0]".into())])
        );
        assert_eq!(column(&[json!(1.0), json!(false)]), Values::Text(vec![Some("1.0".into()), Some("false".into())]));
        assert_eq!(column(&[json!(null)]), Values::Text(vec![None]));
    }

    #[test]
    fn leaves_and_their_paths_are_those_of_the_table_param() {
        let configs = [
            json!({"z": 1, "opt": {"Adam": {"lr": 0.1, "betas": [0.9, {"a": "\u{e9}\n"}]}}, "a": {}, "n": null}),
            json!({"a.b": 1, "a": {"b": 2, "": {}}, "": "\"", "opt": 3}),
            json!(7),
            json!([1, {"a": 2}]),
            json!(null),
            json!({}),
            json!({"n": {"deep": true}, "z": -3}),
        ];
        let found = columns(&configs);
        for (row, config) in configs.iter().enumerate() {
            let there = |values: &Values| match values {
                Values::Bool(values) => values[row].is_some(),
                Values::Integer(values) => values[row].is_some(),
                Values::Float(values) => values[row].is_some(),
                Values::Text(values) => values[row].is_some(),
                other => panic!("{other:?}"),
            };
            let mut here: Vec<&String> =
                found.iter().filter(|(_, values)| there(values)).map(|(path, _)| path).collect();
            let leaves = config::leaves(config);
            let mut expected: Vec<&String> =
                leaves.iter().filter(|leaf| !leaf.value.is_null()).map(|leaf| &leaf.path).collect();
            here.sort();
            expected.sort();
            assert_eq!(here, expected, "{config}");
        }
        let met: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        let first = ["z", "opt.Adam.lr", "opt.Adam.betas", "a", "n", "\"a.b\"", "a.b", "a.\"\"", "\"\"", "opt"];
        assert_eq!(met, [first.as_slice(), &["value", "n.deep"]].concat());
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for text in ["{", "{\"a\":1}}", "nil"] {
            assert!(Params::new(1).add(0, text).is_err(), "{text}");
        }
    }
}
