//! From any serde configuration to JSON text and to its leaves by dotted path.

use serde_json::Value;
use std::borrow::Cow;

use crate::{Error, Param, Result};

/// The path of the only leaf when the whole configuration is one value and not an object.
pub(crate) const ROOT: &str = "value";

/// A configuration as it is stored.
pub(crate) struct Config {
    pub(crate) json: String,
    pub(crate) params: Vec<Param>,
}

/// Writes a configuration for the run called `name`.
pub(crate) fn capture(name: &str, config: &impl serde::Serialize) -> Result<Config> {
    let failed = |source| Error::Config { run: name.to_owned(), source };
    // Through text, not `to_value`: that would widen an f32 of 0.001 to 0.0010000000474974513.
    let json = serde_json::to_string(config).map_err(failed)?;
    let value: Value = serde_json::from_str(&json).map_err(failed)?;
    Ok(Config { params: leaves(&value), json })
}

/// The leaves in order. Arrays are leaves: `layers = [64, 32]` is one choice, not two.
pub(crate) fn leaves(config: &Value) -> Vec<Param> {
    let mut params = Vec::new();
    match config {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| walk(segment(key).into_owned(), value, &mut params))
        }
        other => walk(ROOT.to_owned(), other, &mut params),
    }
    params
}

fn walk(path: String, value: &Value, params: &mut Vec<Param>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                walk(format!("{path}.{}", segment(key)), value, params);
            }
        }
        leaf => params.push(Param { path, value: leaf.clone() }),
    }
}

/// A key as a part of a path; one that would be misread is quoted, so that no two leaves share a path.
pub(crate) fn segment(key: &str) -> Cow<'_, str> {
    if key.is_empty() || key.contains(['.', '"']) { Value::from(key).to_string().into() } else { key.into() }
}

/// The JSON kind of a leaf, as the schema names it.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(config: Value) -> Vec<String> {
        leaves(&config).into_iter().map(|param| format!("{}={}", param.path, param.value)).collect()
    }

    #[test]
    fn leaves_keep_order_nesting_and_arrays() {
        let config = json!({"z": 1, "opt": {"Adam": {"lr": 0.1, "betas": [0.9, 0.999]}}, "a": {}, "n": null});
        assert_eq!(paths(config), ["z=1", "opt.Adam.lr=0.1", "opt.Adam.betas=[0.9,0.999]", "a={}", "n=null"]);
    }

    #[test]
    fn keys_with_dots_do_not_collide() {
        assert_eq!(paths(json!({"a.b": 1, "a": {"b": 2}, "": 3})), ["\"a.b\"=1", "a.b=2", "\"\"=3"]);
    }

    #[test]
    fn a_configuration_that_is_no_object_still_has_a_leaf() {
        assert_eq!(paths(json!(7)), ["value=7"]);
        assert_eq!(paths(json!([1, 2])), ["value=[1,2]"]);
        assert!(paths(Value::Null).is_empty());
    }

    #[test]
    fn f32_keeps_the_digits_its_author_wrote() {
        assert_eq!(capture("r", &0.001_f32).unwrap().json, "0.001");
    }
}
