//! SQL of anyone's, on a connection that cannot write.

use serde::{Serialize, Serializer};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

use super::{Place, open};
use crate::model::{nonfinite, number};
use crate::{Error, Result};

/// What SQL gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Real(real) => number(real, serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Blob(bytes) => serializer.collect_str(&hex(bytes)),
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Real(real) => match nonfinite(*real) {
                Some(word) => f.write_str(word),
                None => write!(f, "{real}"),
            },
            Self::Text(text) => f.write_str(text),
            Self::Blob(bytes) => f.write_str(&hex(bytes)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs one statement that reads.
pub(super) async fn rows(place: &Place, sql: &str) -> Result<Rows> {
    let refused = |why: &str| Error::Refused { why: why.to_owned() };
    let statement = sql.trim().trim_end_matches(';').trim_end();
    let first = statement.split(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default();
    if !["select", "with", "values", "explain"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Err(refused("only SELECT, WITH, VALUES and EXPLAIN can be run, nothing that writes"));
    }
    if holds_several(statement) {
        return Err(refused("it is more than one statement; give one at a time"));
    }
    let options = open::options(&place.0).read_only(true).pragma("query_only", "ON");
    let mut conn = options.connect().await.map_err(place.doing("open the file to read"))?;
    let read = sqlx::query(AssertSqlSafe(statement)).fetch_all(&mut conn).await;
    let closed = conn.close().await;
    let read = read.map_err(|source| match source.as_database_error() {
        Some(error) => refused(error.message()),
        None => place.doing("run the SQL")(source),
    })?;
    closed.map_err(place.doing("close the file"))?;
    let columns = read.first().map(|row| row.columns().iter().map(|column| column.name().to_owned()).collect());
    let rows: sqlx::Result<Vec<_>> = read.iter().map(cells).collect();
    Ok(Rows { columns: columns.unwrap_or_default(), rows: rows.map_err(place.doing("run the SQL"))? })
}

/// Whether there is a `;` that is in no text, name or comment.
fn holds_several(sql: &str) -> bool {
    let mut rest = sql;
    while let Some(at) = rest.find([';', '\'', '"', '`', '[', '-', '/']) {
        let found = &rest[at..];
        // What ends that which begins here.
        let end = match found.as_bytes() {
            [b';', ..] => return true,
            [b'-', b'-', ..] => "\n",
            [b'/', b'*', ..] => "*/",
            [b'\'', ..] => "'",
            [b'"', ..] => "\"",
            [b'`', ..] => "`",
            [b'[', ..] => "]",
            _ => "",
        };
        let after = &found[1..];
        rest = after.find(end).map_or("", |length| &after[length + end.len()..]);
    }
    false
}

fn cells(row: &SqliteRow) -> sqlx::Result<Vec<Cell>> {
    let cell = |at: usize| {
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let kind = value.type_info();
        Ok(match kind.name() {
            "INTEGER" | "BOOLEAN" => Cell::Integer(row.try_get_unchecked(at)?),
            "REAL" => Cell::Real(row.try_get_unchecked(at)?),
            "BLOB" => Cell::Blob(row.try_get_unchecked(at)?),
            _ => Cell::Text(row.try_get_unchecked(at)?),
        })
    };
    (0..row.len()).map(cell).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_second_statement_is_seen_and_a_text_is_none() {
        let cases = [
            ("SELECT 1", false),
            ("SELECT ';'", false),
            ("SELECT 'it''s;' AS \"a;b\", [c;d] -- ;", false),
            ("SELECT 1 /* ; */ - 2 / 3", false),
            ("SELECT 1; DELETE FROM run", true),
            ("SELECT 1 -- '\n; DELETE FROM run --'", true),
            ("SELECT 1 /* ' */; VACUUM INTO 'x'", true),
            ("SELECT '\u{e4}'; x", true),
        ];
        for (sql, several) in cases {
            assert_eq!(super::holds_several(sql), several, "{sql}");
        }
    }
}
