//! What a query means.

use chrono::{Local, NaiveDate, NaiveDateTime, TimeZone};

use super::mistake::Span;
use crate::compare::Direction;

/// Which runs, in which order, and how many.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Find {
    pub(crate) text: String,
    pub(crate) condition: Option<Condition>,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Located, Operator, Value),
    Like(Located, String),
    /// The run has it.
    Exists(Located),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Operator {
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::NotEqual => " <> ",
            Self::Less => " < ",
            Self::AtMost => " <= ",
            Self::More => " > ",
            Self::AtLeast => " >= ",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Text(String),
    Bool(bool),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) key: Located,
    pub(crate) descending: bool,
}

/// A key and where it stands in the query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Located {
    pub(crate) key: Key,
    pub(crate) span: Span,
}

/// Something that a run has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    Field(Field),
    Metric { name: String, context: String, end: End },
    Param(String),
    Tag(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Uid,
    Name,
    Status,
    Started,
    Ended,
    Duration,
    Group,
    Parent,
    Notebook,
    Host,
    Commit,
    Dirty,
    Note,
    Error,
    Deleted,
}

impl Field {
    pub(crate) const ALL: [(&'static str, Self); 15] = [
        ("uid", Self::Uid),
        ("name", Self::Name),
        ("status", Self::Status),
        ("started", Self::Started),
        ("ended", Self::Ended),
        ("duration", Self::Duration),
        ("group", Self::Group),
        ("parent", Self::Parent),
        ("notebook", Self::Notebook),
        ("host", Self::Host),
        ("commit", Self::Commit),
        ("dirty", Self::Dirty),
        ("note", Self::Note),
        ("error", Self::Error),
        ("deleted", Self::Deleted),
    ];

    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, field)| *field)
    }
}

/// Which number of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Last,
    Min,
    Max,
    Best,
    Step,
    Points,
}

impl End {
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "last" => Self::Last,
            "min" => Self::Min,
            "max" => Self::Max,
            "best" => Self::Best,
            "step" => Self::Step,
            "points" => Self::Points,
            _ => return None,
        })
    }

    /// The column of `series`.
    pub(crate) fn column(self, metric: &str) -> &'static str {
        match self {
            Self::Last => "last_value",
            Self::Min => "min_value",
            Self::Max => "max_value",
            Self::Best if Direction::of(metric) == Direction::Lower => "min_value",
            Self::Best => "max_value",
            Self::Step => "last_step",
            Self::Points => "points",
        }
    }
}

impl Key {
    /// A value that can be compared with this key, or why it cannot.
    pub(super) fn checked(&self, value: Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Metric { .. }, Value::Text(text)) => {
                let number = text.parse::<f64>().ok().filter(|number| !number.is_nan());
                number
                    .map(Value::Number)
                    .ok_or_else(|| format!("a metric is compared with a number, not with {text:?}"))
            }
            (Self::Metric { .. }, Value::Bool(_)) => Err("a metric is compared with a number".to_owned()),
            (Self::Field(Field::Status), value) => match value {
                Value::Text(text)
                    if ["running", "finished", "failed", "stopped", "crashed"].contains(&text.as_str()) =>
                {
                    Ok(Value::Text(text))
                }
                _ => Err("a status is running, finished, failed, stopped or crashed".to_owned()),
            },
            (Self::Field(Field::Started | Field::Ended), value) => match value {
                Value::Text(text) => moment(&text).ok_or_else(|| {
                    format!("{text:?} is no time; write \"2026-11-24\" or \"2026-11-24 18:30\", in local time")
                }),
                _ => Err("a time is written \"2026-11-24\" or \"2026-11-24 18:30\", in local time".to_owned()),
            },
            (Self::Field(Field::Duration), value) => match value {
                Value::Number(seconds) => Ok(Value::Number(seconds * 1000.0)),
                _ => Err("a duration is a number of seconds".to_owned()),
            },
            (Self::Field(Field::Dirty | Field::Deleted), value) => match value {
                Value::Bool(_) => Ok(value),
                _ => Err("it is true or false".to_owned()),
            },
            // `name = 7` means the text.
            (Self::Field(_), Value::Number(number)) => Ok(Value::Text(number.to_string())),
            (Self::Field(_), Value::Bool(bool)) => Ok(Value::Text(bool.to_string())),
            (_, value) => Ok(value),
        }
    }
}

/// A moment in local time, in milliseconds since 1970 UTC.
fn moment(text: &str) -> Option<Value> {
    let text = text.trim().replace('T', " ");
    let formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    let day = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let local = Local.from_local_datetime(&time.or_else(day)?).earliest()?;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of any year that is written so are exact")]
    Some(Value::Number(local.timestamp_millis() as f64))
}
