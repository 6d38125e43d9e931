//! What data runs used, by hashes of its whole content.

use serde::{Deserialize, Serialize};

use crate::{RunRecord, format};

/// A table of data, told by hashes of all of it: two tables with the same hash have the same content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub rows: u64,
    /// Of the names and contents of all columns, in their order.
    pub hash: String,
    /// Of the names and types of all columns, in their order.
    pub schema_hash: String,
    pub columns: Vec<ColumnFingerprint>,
}

/// One column of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnFingerprint {
    pub name: String,
    pub dtype: String,
    /// Of its type and its values in their order, not of its name.
    pub hash: String,
}

/// A name under which runs logged data, and what each of them logged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataRow {
    pub name: String,
    pub hashes: Vec<Option<String>>,
    /// What is not the same in all runs, such as `column price`; empty when all is.
    pub differs: Vec<String>,
}

/// The data of some runs, by name.
pub fn data_rows(runs: &[RunRecord]) -> Vec<DataRow> {
    let names: std::collections::BTreeSet<&String> = runs.iter().flat_map(|run| run.data.keys()).collect();
    let row = |name: &String| {
        let prints: Vec<Option<&Fingerprint>> = runs.iter().map(|run| run.data.get(name)).collect();
        let hashes = prints.iter().map(|print| print.map(|print| print.hash.clone())).collect();
        DataRow { name: name.clone(), hashes, differs: differences(&prints) }
    };
    names.into_iter().map(row).collect()
}

/// A sentence for each name whose data are not the same in all runs: `data train differs: column price`.
pub fn differing(runs: &[RunRecord]) -> Vec<String> {
    let rows = data_rows(runs).into_iter().filter(|row| !row.differs.is_empty());
    rows.map(|row| format::plain(&format!("data {} differs: {}", row.name, row.differs.join(", ")))).collect()
}

fn differences(prints: &[Option<&Fingerprint>]) -> Vec<String> {
    let known: Vec<&Fingerprint> = prints.iter().copied().flatten().collect();
    let mut found = Vec::new();
    if known.len() < prints.len() {
        found.push("not in all runs".to_owned());
    }
    if known.windows(2).all(|pair| pair[0].hash == pair[1].hash) {
        return found;
    }
    let same_rows = known.windows(2).all(|pair| pair[0].rows == pair[1].rows);
    if !same_rows {
        let rows: Vec<String> = known.iter().map(|print| print.rows.to_string()).collect();
        found.push(format!("rows ({})", rows.join(", ")));
    }
    let before = found.len();
    for name in column_names(&known) {
        let columns: Vec<_> =
            known.iter().map(|print| print.columns.iter().find(|column| column.name == *name)).collect();
        let differ =
            |of: fn(&ColumnFingerprint) -> &String| columns.windows(2).any(|pair| pair[0].map(of) != pair[1].map(of));
        if columns.contains(&None) {
            found.push(format!("column {name} (not in all)"));
        } else if differ(|column| &column.dtype) {
            found.push(format!("column {name} (its type)"));
        } else if same_rows && differ(|column| &column.hash) {
            found.push(format!("column {name}"));
        }
    }
    if same_rows && found.len() == before {
        found.push("order of the columns".to_owned());
    }
    found
}

fn column_names<'a>(prints: &[&'a Fingerprint]) -> Vec<&'a String> {
    let mut names = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for column in prints.iter().flat_map(|print| &print.columns) {
        if seen.insert(&column.name) {
            names.push(&column.name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash that stands for what is given.
    fn print(rows: u64, columns: &[(&str, &str, &str)]) -> Fingerprint {
        let column = |(name, dtype, hash): &(&str, &str, &str)| ColumnFingerprint {
            name: (*name).to_owned(),
            dtype: (*dtype).to_owned(),
            hash: format!("{dtype}{hash}{rows}"),
        };
        let columns: Vec<_> = columns.iter().map(column).collect();
        Fingerprint { rows, hash: format!("{rows}{columns:?}"), schema_hash: String::new(), columns }
    }

    #[test]
    fn what_differs_is_named() {
        let base = print(3, &[("id", "i64", "a"), ("price", "f64", "b")]);
        let cases = [
            (base.clone(), ""),
            (print(3, &[("id", "i64", "a"), ("price", "f64", "x")]), "column price"),
            (print(3, &[("id", "i32", "a"), ("price", "f64", "b")]), "column id (its type)"),
            (print(3, &[("price", "f64", "b"), ("id", "i64", "a")]), "order of the columns"),
            (print(3, &[("id", "i64", "a")]), "column price (not in all)"),
            (print(2, &[("id", "i64", "a"), ("price", "f64", "b")]), "rows (3, 2)"),
            (
                print(2, &[("id", "i64", "a"), ("cost", "f64", "b")]),
                "rows (3, 2), column price (not in all), column cost (not in all)",
            ),
        ];
        for (other, expected) in cases {
            assert_eq!(differences(&[Some(&base), Some(&other)]).join(", "), expected);
        }
        assert_eq!(differences(&[Some(&base), None]), ["not in all runs"]);
        assert!(differences(&[None, None]).len() == 1 && differences(&[]).is_empty());
    }
}
