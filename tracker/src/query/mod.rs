//! Which runs, in which order: by fields, or in the query language.
//!
//! ```text
//! status = "finished" and (metric.accuracy.max > 0.9 or tag.team = "vision")
//! order by metric.loss.last limit 20
//! ```
//! A condition compares a key with a value by `=`, `!=`, `<`, `<=`, `>`, `>=`, `in (1, 2)` or `like "conv%"`; a key
//! alone asks whether a run has it. Conditions are joined by `and`, `or`, `not` and brackets. Keys:
//! - fields: `uid name status started ended duration group parent notebook host commit dirty note error deleted`; a
//!   duration is in seconds, a time is written `"2026-11-24 18:30"`;
//! - `metric.NAME`, with an end: `.last` (understood when there is none), `.min`, `.max`, `.best` (of a loss the least),
//!   `.step`, `.points`; in a context: `metric.loss{subset=test}.min`;
//! - `param.PATH`, such as `param.optimizer.lr`;
//! - `tag.KEY`.
//!
//! A name with other letters is quoted: `metric."val loss".min`. What a run does not have satisfies no comparison, and
//! comes last in any order.

mod expression;
mod lexer;
mod mistake;
mod parser;
mod sort;

pub(crate) use expression::{Condition, End, Field, Find, Key, Located, Operator, Order, Value};
pub use mistake::Mistake;
pub(crate) use mistake::suggestion;
pub(crate) use sort::{Key as RunKey, Rank, known as known_keys};

use crate::{Error, Result, RunRecord, Status};

/// Which runs [`crate::Store::runs`] gives. The default: all, the newest first.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// A query in the language of [`crate::query`]; what follows is applied to what it finds.
    pub filter: Option<String>,
    /// `started`, `duration`, `name`, `status`, `group`, a metric (`loss`, or one end of it: `loss.min`), a
    /// parameter (`optimizer.lr`) or a tag. `metric.`, `param.` or `tag.` before it settles which is meant.
    pub sort: Option<String>,
    /// The greatest first. Runs without the key come last in both directions.
    pub descending: bool,
    /// No more than this many.
    pub limit: Option<usize>,
    pub status: Option<Status>,
    /// Only runs of this name.
    pub name: Option<String>,
}

impl Query {
    /// What the database is asked for.
    pub(crate) fn find(&self) -> Result<Find> {
        parser::parse(self.filter.as_deref().unwrap_or_default()).map_err(|mistake| Error::Query { mistake })
    }

    /// What was found, filtered, sorted and cut.
    pub(crate) fn apply(&self, mut runs: Vec<RunRecord>) -> Result<Vec<RunRecord>> {
        runs.retain(|run| {
            self.status.is_none_or(|status| run.status == status)
                && self.name.as_ref().is_none_or(|name| run.name == *name)
        });
        if let Some(by) = &self.sort {
            runs = sort::sorted(runs, by, self.descending)?;
        }
        runs.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(runs)
    }
}

impl From<&str> for Query {
    fn from(filter: &str) -> Self {
        Self { filter: Some(filter.to_owned()), ..Self::default() }
    }
}

impl From<String> for Query {
    fn from(filter: String) -> Self {
        Self { filter: Some(filter), ..Self::default() }
    }
}

impl From<&Self> for Query {
    fn from(query: &Self) -> Self {
        query.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::parser::parse;

    #[test]
    fn precedence_brackets_and_keys() {
        let cases = [
            ("", "None"),
            ("limit 3", "None"),
            ("name = a or name = b and not dirty", "Any([name = a, All([name = b, Not(dirty)])])"),
            ("(name = a or name = b) and dirty = true", "All([Any([name = a, name = b]), dirty = true])"),
            ("param.opt.lr <= 1e-3", "opt.lr <= 0.001"),
            ("metric.val/loss-2.min > -.5", "a value, such as"),
            ("metric.val/loss-2.min > -0.5", "val/loss-2{} Min > -0.5"),
            ("metric.\"a.max\".last = 1", "a.max{} Last = 1"),
            ("metric.loss{subset=test}.max != 2", "loss{\"subset\":\"test\"} Max <> 2"),
            ("tag.team in (vision, 'a ''b')", "Any([team = vision, team = a 'b])"),
            ("metric.loss", "loss{} Last"),
            ("duration > 2", "duration > 2000"),
        ];
        for (query, expected) in cases {
            let shown = match parse(query) {
                Ok(find) => find.condition.map_or("None".to_owned(), |condition| show(&condition)),
                Err(mistake) => mistake.message,
            };
            assert!(shown.starts_with(expected), "{query}: {shown}");
        }
    }

    fn show(condition: &super::Condition) -> String {
        use super::{Condition, Field, Key, Value};
        let all = |parts: &[Condition]| parts.iter().map(show).collect::<Vec<_>>().join(", ");
        let key = |key: &Key| match key {
            Key::Field(field) => Field::ALL.iter().find(|(_, other)| other == field).unwrap().0.to_owned(),
            Key::Metric { name, context, end } => format!("{name}{context} {end:?}"),
            Key::Param(name) | Key::Tag(name) => name.clone(),
        };
        match condition {
            Condition::All(parts) => format!("All([{}])", all(parts)),
            Condition::Any(parts) => format!("Any([{}])", all(parts)),
            Condition::Not(part) => format!("Not({})", show(part)),
            Condition::Exists(located) => key(&located.key),
            Condition::Like(located, pattern) => format!("{} like {pattern}", key(&located.key)),
            Condition::Compare(located, operator, value) => {
                let value = match value {
                    Value::Number(number) => number.to_string(),
                    Value::Text(text) => text.clone(),
                    Value::Bool(bool) => bool.to_string(),
                };
                format!("{}{}{value}", key(&located.key), operator.sql())
            }
        }
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let cases = [
            ("status = and", 10, 3, "a value, such as 0.9 or \"finished\" is expected, but there is and"),
            ("status = done", 10, 4, "a status is running, finished, failed, stopped or crashed"),
            ("metric.loss <", 14, 1, "a value, such as 0.9 or \"finished\" is expected, but the query ends"),
            ("metric.loss < low", 15, 3, "a metric is compared with a number, not with \"low\""),
            ("stats = finished", 1, 5, "stats is no field of a run; did you mean status?"),
            ("accuracy > 0.9", 1, 8, "accuracy is no field of a run; what a run logged is metric.accuracy,"),
            ("metrics.loss > 0.9", 1, 7, "metrics is no field of a run; did you mean metric?"),
            ("name = \"a", 8, 2, "the text has no closing \""),
            (
                "name = 'a' nam = 'b'",
                12,
                3,
                "`and`, `or`, `order by`, `limit` or the end is expected, but there is nam",
            ),
            ("(name = a", 10, 1, "`and`, `or` or `)` is expected, but the query ends"),
            ("name = a order metric.loss", 16, 6, "`by` is expected, but there is metric"),
            ("limit 1.5", 7, 3, "a whole number is expected, but there is 1.5"),
            ("param = 1", 7, 1, "a `.` and a name is expected, but there is ="),
            ("name & a", 6, 1, "'&' has no meaning here"),
            ("started > yesterday", 11, 9, "\"yesterday\" is no time; write \"2026-11-24\""),
            ("param.lr = 1x", 12, 2, "\"1x\" is not a number; a text is quoted"),
        ];
        for (query, column, width, message) in cases {
            let mistake = parse(query).unwrap_err();
            assert!(mistake.message.starts_with(message), "{query}: {}", mistake.message);
            assert_eq!((mistake.column, mistake.width), (column, width), "{query}");
        }
        let deep = "(".repeat(10_000);
        assert!(parse(&deep).unwrap_err().message.starts_with("the query is nested too deeply"));
        let shown = parse("name = ä and").unwrap_err().to_string();
        assert!(shown.ends_with("\n  name = ä and\n              ^"), "{shown}");
    }
}
