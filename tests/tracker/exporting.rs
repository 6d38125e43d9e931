//! Parquet files, read back; and points as columns.

use parquet::basic::{ConvertedType, Type};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use tracker::{Error, Points, Query};

use crate::support::Place;

/// Two runs with every type of parameter, and metrics with steps out of order and values that are no numbers.
fn two() -> Place {
    let place = Place::new();
    let config =
        json!({"lr": 0.1, "epochs": 3, "shuffle": true, "name": "a,\"b\"\nc", "layers": [64, 32], "none": null});
    let run = place.start("first", &config);
    for step in (0_u32..5000).rev() {
        run.log("loss", step, f64::from(step) / 3.0);
    }
    for (step, value) in [f64::NAN, f64::INFINITY, -0.0].into_iter().enumerate() {
        run.log_with("odd", step * step, value, &[("subset", "test")]);
    }
    run.tag("team", "vision");
    run.finish().unwrap();
    let run = place.start("second", &json!({"lr": 1, "name": "d"}));
    run.log("loss", -7, 0.5_f32);
    run.fail("no").unwrap();
    place
}

fn reader(place: &Place, what: &str, more: &[&str]) -> SerializedFileReader<File> {
    let name = format!("{what}.parquet");
    let said = place.out(&[&["export", what, "--output", &name], more].concat());
    assert_eq!(said, format!("wrote {name}\n"));
    SerializedFileReader::new(File::open(place.folder().join(name)).unwrap()).unwrap()
}

fn rows(place: &Place, what: &str, more: &[&str]) -> Vec<BTreeMap<String, Field>> {
    let named = |row: Row| row.get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect();
    reader(place, what, more).get_row_iter(None).unwrap().map(|row| named(row.unwrap())).collect()
}

fn text(text: &str) -> Field {
    Field::Str(text.to_owned())
}

#[test]
fn runs_are_typed_columns_in_parquet() {
    let place = two();
    let reader = reader(&place, "runs", &["--where", "order by started"]);
    let schema = reader.metadata().file_metadata().schema_descr();
    let types: BTreeMap<&str, (Type, ConvertedType)> =
        schema.columns().iter().map(|c| (c.name(), (c.physical_type(), c.converted_type()))).collect();
    assert_eq!(types["uid"], (Type::BYTE_ARRAY, ConvertedType::UTF8));
    assert_eq!(types["started"], (Type::INT64, ConvertedType::TIMESTAMP_MILLIS));
    assert_eq!(types["param.lr"], (Type::DOUBLE, ConvertedType::NONE));
    assert_eq!(types["param.epochs"], (Type::INT64, ConvertedType::NONE));
    assert_eq!(types["param.shuffle"], (Type::BOOLEAN, ConvertedType::NONE));
    let rows: Vec<Row> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let column = |name: &str| {
        let of = |row: &Row| row.get_column_iter().find(|(column, _)| *column == name).unwrap().1.clone();
        rows.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(column("name"), [text("first"), text("second")]);
    assert_eq!(column("param.lr"), [Field::Double(0.1), Field::Double(1.0)]);
    assert_eq!(column("param.epochs"), [Field::Long(3), Field::Null]);
    assert_eq!(column("param.name"), [text("a,\"b\"\nc"), text("d")]);
    assert_eq!(column("param.layers"), [text("[64,32]"), Field::Null]);
    assert_eq!(column("metric.loss.last"), [Field::Double(4999.0 / 3.0), Field::Double(0.5)]);
    assert_eq!(column("metric.odd{subset=test}.max"), [Field::Double(f64::INFINITY), Field::Null]);
    let started = place.store().run("first").unwrap().started_ms;
    assert_eq!(column("started")[0], Field::TimestampMillis(started));
}

#[test]
fn params_and_metrics_in_parquet() {
    let place = two();
    let params = rows(&place, "params", &["--where", "name = first"]);
    let of = |path: &str| params.iter().find(|row| row["path"] == text(path)).unwrap();
    assert_eq!((&of("lr")["value"], &of("lr")["number"]), (&text("0.1"), &Field::Double(0.1)));
    assert_eq!((&of("shuffle")["value"], &of("shuffle")["number"]), (&text("true"), &Field::Null));
    assert_eq!((&of("none")["value"], params.len()), (&Field::Null, 6));
    let metrics = rows(&place, "metrics", &["--where", "order by started", "--metric", "loss"]);
    let last: Vec<(Field, Field)> =
        metrics.iter().map(|row| (row["points"].clone(), row["last_step"].clone())).collect();
    assert_eq!(last, [(Field::Long(5000), Field::Long(4999)), (Field::Long(1), Field::Long(-7))]);
    assert_eq!(metrics[0]["min"], Field::Double(0.0));
}

#[test]
fn points_in_parquet_are_those_of_the_run_in_their_order() {
    let place = two();
    let rows = rows(&place, "points", &["--where", "order by started"]);
    let store = place.store();
    let mut at = rows.iter();
    for name in ["first", "second"] {
        let run = store.run(name).unwrap();
        for series in store.series(&run).unwrap() {
            for point in &series.values {
                let row = at.next().unwrap();
                assert_eq!((&row["run"], &row["metric"]), (&text(&run.uid), &text(&series.metric.key())));
                assert_eq!(row["step"], Field::Long(point.step));
                assert_eq!(row["time_ms"], Field::TimestampMillis(point.time_ms));
                match row["value"] {
                    Field::Double(value) => assert!(value == point.value || value.is_nan() && point.value.is_nan()),
                    ref other => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(at.next().is_none());
    let one = place.out(&["export", "points", "--metric", "odd{subset=test}"]);
    assert_eq!(one.lines().count(), 4, "{one}");
}

#[test]
fn the_ending_of_the_file_says_the_format() {
    let place = two();
    place.out(&["export", "params", "--output", "a.json"]);
    let params: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.folder().join("a.json")).unwrap()).unwrap();
    assert_eq!(params[2]["path"], "lr");
    place.out(&["export", "params", "--output", "a.JSON2"]);
    assert!(std::fs::read_to_string(place.folder().join("a.JSON2")).unwrap().starts_with("run,path,value\n"));
    place.out(&["export", "metrics", "--output", "b", "--format", "parquet"]);
    assert!(std::fs::read(place.folder().join("b")).unwrap().starts_with(b"PAR1"));
    let none = reader(&place, "metrics", &["--where", "name = none"]);
    assert_eq!(none.metadata().file_metadata().num_rows(), 0);
    assert_eq!(none.metadata().file_metadata().schema_descr().num_columns(), 9);
}

#[test]
fn what_cannot_be_exported_leaves_no_file() {
    let place = two();
    let error = place.error(&["export", "runs", "--format", "parquet"]);
    assert_eq!(error, "Parquet is not written to stdout: name a file with --output");
    let error = place.error(&["export", "points", "--metric", "los", "--output", "x.parquet"]);
    assert_eq!(error, "none of the runs has a metric \"los\"; they have loss, odd");
    let error = place.error(&["export", "runs", "--metric", "loss"]);
    assert_eq!(error, "--metric chooses among metrics or points: export one of these");
    assert!(!place.folder().join("x.parquet").exists());
}

#[test]
fn points_come_as_columns_one_series_after_the_other() {
    let place = two();
    let store = place.store();
    let mut seen = Vec::new();
    let query = Query::from("order by started");
    let collect = |points: Points<'_>| {
        seen.push((points.key(), points.steps.to_vec(), points.values.len(), points.times_ms.len()));
        Ok::<_, Error>(())
    };
    store.points(&query, &["odd{subset=test}", "loss"], collect).unwrap();
    let steps: Vec<i64> = (0..5000).rev().collect();
    assert_eq!(seen[0], ("loss".to_owned(), steps, 5000, 5000));
    assert_eq!(seen[1], ("odd{subset=test}".to_owned(), vec![0, 1, 4], 3, 3));
    assert_eq!((seen[2].0.as_str(), seen[2].1.as_slice(), seen.len()), ("loss", [-7].as_slice(), 3));
    let mut none = 0;
    let count = |_: Points<'_>| {
        none += 1;
        Ok::<_, Error>(())
    };
    store.points(&Query::from("name = none"), &["los"], count).unwrap();
    assert_eq!(none, 0);
}
