#![allow(clippy::unwrap_used)]

use polars::prelude::*;

use super::*;

fn texts(values: &[Option<&str>]) -> Series {
    Series::new("town".into(), values)
}

/// A list of numbers in each row; an absent one is null.
fn lists(rows: &[Option<&[i64]>]) -> Series {
    let rows: Vec<Option<Series>> = rows.iter().map(|row| row.map(|row| Series::new("".into(), row))).collect();
    Series::new("sizes".into(), rows)
}

fn frame() -> DataFrame {
    let day = Series::new("day".into(), [Some(0_i32), Some(19_000), None, Some(-1)]).cast(&DataType::Date).unwrap();
    let columns = vec![
        Series::new("price".into(), [Some(1.5), Some(-f64::NAN), None, Some(-0.0)]).into(),
        texts(&[Some("Ulm"), Some(""), None, Some("Garmisch-Partenkirchen")]).into(),
        Series::new("ok".into(), [Some(true), None, Some(false), Some(true)]).into(),
        day.into(),
        lists(&[Some(&[1, 2]), Some(&[]), None, Some(&[3])]).into(),
    ];
    DataFrame::new(4, columns).unwrap()
}

fn hash(series: &Series) -> String {
    fingerprint(&series.clone().into_frame()).unwrap().columns.remove(0).hash
}

#[test]
fn hashes_are_those_of_the_specification() {
    // From the bytes that this module's text describes, by Python's xxhash 4.1.0 (XXH3 of xxHash 0.8.4).
    let print = fingerprint(&frame()).unwrap();
    let columns: Vec<(&str, &str)> = print.columns.iter().map(|c| (c.dtype.as_str(), c.hash.as_str())).collect();
    let expected = [
        ("f64", "f3cf4cfe7f4c4b6724e35c880cc6567e"),
        ("str", "309a3eda8f4b03d431f76d218a254831"),
        ("bool", "4d95a6f3f54eb28e7e7aac35152e822e"),
        ("date", "c0028d9b6d3fb643836b8f87ef4baa2f"),
        ("list[i64]", "104341676d7f62af26a5a2b8d0677781"),
    ];
    assert_eq!(columns, expected);
    assert_eq!((print.rows, print.hash.as_str()), (4, "4fcf61723bbf83fc6039ee1663e260a4"));
    assert_eq!(print.schema_hash, "df3c123d4984a0fa64c981dd8c016fb4");
    let long = Series::new("x".into(), (0..200_000).collect::<Vec<i64>>());
    assert_eq!(hash(&long), "bcb3711d1ab9830407795954fa2dde1c");
}

/// Of every type, with nulls, and of more rows than a block has.
fn every_type(rows: i64) -> DataFrame {
    let numbers =
        Int64Chunked::from_iter_options("n".into(), (0..rows).map(|n| (n % 7 != 3).then_some((n * 31) % 100)));
    let n = numbers.into_series();
    let words = n.cast(&DataType::String).unwrap();
    let long = (&words.str().unwrap().clone() + " and a few more words").into_series();
    let categories = DataType::from_categories(Categories::global());
    let list = Series::new(
        "l".into(),
        (0..rows).map(|n| Series::new("".into(), vec![n; (n % 3) as usize])).collect::<Vec<_>>(),
    );
    let all = Series::new("all".into(), (0..rows).collect::<Vec<_>>());
    let types = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Date,
        DataType::Time,
        DataType::Boolean,
        DataType::Datetime(TimeUnit::Microseconds, None),
        DataType::Duration(TimeUnit::Milliseconds),
    ];
    let mut columns: Vec<Series> = types.iter().map(|dtype| n.cast(dtype).unwrap()).collect();
    columns.push(words.cast(&categories).unwrap());
    columns.push(words.cast(&DataType::Binary).unwrap());
    columns.extend([words, long, list, all, Series::full_null("none".into(), rows as usize, &DataType::Null)]);
    let pair = StructChunked::from_series(
        "pair".into(),
        rows as usize,
        columns[..2]
            .iter()
            .enumerate()
            .map(|(n, s)| s.clone().with_name(format!("f{n}").into()))
            .collect::<Vec<_>>()
            .iter(),
    );
    columns.push(pair.unwrap().into_series());
    let named = columns.into_iter().enumerate().map(|(n, column)| column.with_name(format!("c{n}").into()).into());
    DataFrame::new(rows as usize, named.collect()).unwrap()
}

#[test]
fn pieces_do_not_matter() {
    let whole = every_type(150_000);
    let expected = fingerprint(&whole).unwrap();
    let mut pieces = whole.head(Some(1));
    for (from, length) in [(1, 99), (100, 65_000), (65_100, 1), (65_101, 84_899)] {
        pieces.vstack_mut(&whole.slice(from, length)).unwrap();
    }
    assert_eq!(pieces.columns()[0].as_materialized_series().n_chunks(), 5);
    assert_eq!(fingerprint(&pieces).unwrap(), expected);
    // A part in the middle, and the same made anew.
    let part = fingerprint(&whole.slice(777, 70_001)).unwrap();
    let mut anew = whole.slice(777, 70_001);
    anew.rechunk_mut();
    let every: Vec<IdxSize> = (777..70_778).collect();
    let taken = whole.take(&IdxCa::from_vec("".into(), every)).unwrap();
    assert_eq!((&part, &part), (&fingerprint(&anew).unwrap(), &fingerprint(&taken).unwrap()));
    assert_ne!(part.hash, expected.hash);
    let distinct: std::collections::HashSet<&String> = expected.columns.iter().map(|column| &column.hash).collect();
    assert_eq!(distinct.len(), expected.columns.len());
}

#[test]
fn any_change_is_seen() {
    let base = frame();
    let print = fingerprint(&base).unwrap();
    let changed = |change: &dyn Fn(&mut DataFrame)| {
        let mut frame = base.clone();
        change(&mut frame);
        fingerprint(&frame).unwrap()
    };
    let renamed = changed(&|frame| {
        frame.rename("price", "cost".into()).unwrap();
    });
    assert_eq!(renamed.columns[0].hash, print.columns[0].hash);
    assert!(renamed.hash != print.hash && renamed.schema_hash != print.schema_hash);
    let turned = changed(&|frame| *frame = frame.reverse());
    assert!(turned.columns.iter().zip(&print.columns).all(|(a, b)| a.hash != b.hash));
    assert_eq!(turned.schema_hash, print.schema_hash);
    let order = changed(&|frame| *frame = frame.select(["town", "price", "ok", "day", "sizes"]).unwrap());
    assert_ne!(order.hash, print.hash);
    let narrow = changed(&|frame| {
        frame.apply("day", |column| column.cast(&DataType::Int32).unwrap()).unwrap();
    });
    assert_ne!((&narrow.columns[3].hash, &narrow.schema_hash), (&print.columns[3].hash, &print.schema_hash));

    let numbers = |values: &[Option<f64>]| hash(&Series::new("x".into(), values));
    let cases = [
        numbers(&[Some(0.0), Some(1.0)]),
        numbers(&[Some(-0.0), Some(1.0)]),
        numbers(&[None, Some(1.0)]),
        numbers(&[Some(1.0), None]),
        numbers(&[Some(f64::NAN), Some(1.0)]),
        numbers(&[Some(1.0)]),
        numbers(&[]),
        hash(&texts(&[Some("a"), Some("")])),
        hash(&texts(&[Some(""), Some("a")])),
        hash(&texts(&[Some("a"), None])),
        hash(&texts(&[Some("a\0"), Some("")])),
        hash(&texts(&[Some("twelve bytes"), Some("a")])),
        hash(&texts(&[Some("twelve bytesa"), Some("")])),
        hash(&lists(&[Some(&[1, 2]), Some(&[])])),
        hash(&lists(&[Some(&[1]), Some(&[2])])),
        hash(&lists(&[Some(&[1, 2]), None])),
    ];
    let distinct: std::collections::HashSet<&String> = cases.iter().collect();
    assert_eq!(distinct.len(), cases.len(), "{cases:?}");
}

#[test]
fn categories_are_what_they_say_and_not_their_numbers() {
    let categories = DataType::from_categories(Categories::random(PlSmallStr::EMPTY, CategoricalPhysical::U32));
    let one = texts(&[Some("a"), Some("b")]).cast(&categories).unwrap();
    let other = DataType::from_categories(Categories::random(PlSmallStr::EMPTY, CategoricalPhysical::U32));
    let two = texts(&[Some("b"), Some("a"), Some("b")]).cast(&other).unwrap().tail(Some(2));
    assert_eq!(hash(&one), hash(&two));
    assert_ne!(hash(&one), hash(&texts(&[Some("a"), Some("b")])));
}

/// `cargo test --release -p lab --lib fingerprint::tests::speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout, reason = "it is what the measurement says")]
fn speed() {
    let rows = 4_000_000_i64;
    let floats: Vec<f64> = (0..rows).map(|n| n as f64 / 3.0).collect();
    let n = Series::new("n".into(), (0..rows).collect::<Vec<_>>());
    let words = n.cast(&DataType::String).unwrap();
    let long = (&words.str().unwrap().clone() + " and a few more words").into_series();
    let holes = Int64Chunked::from_iter_options("h".into(), (0..rows).map(|n| (n % 5 != 0).then_some(n))).into_series();
    let few: Vec<&str> = (0..rows).map(|n| ["red", "green", "blue"][(n % 3) as usize]).collect();
    let list = n.head(Some(400_000)).reshape_list(&[ReshapeDimension::new(-1), ReshapeDimension::new(4)]).ok();
    let cases = [
        ("f64", Series::new("f".into(), floats.clone())),
        ("f32", Series::new("f".into(), floats).cast(&DataType::Float32).unwrap()),
        ("i64", n.clone()),
        ("i8", Series::new("b".into(), vec![7_i32; rows as usize]).cast(&DataType::Int8).unwrap()),
        ("datetime", n.cast(&DataType::Datetime(TimeUnit::Microseconds, None)).unwrap()),
        ("i64, 20% null", holes),
        ("bool", Series::new("t".into(), (0..rows).map(|n| n % 3 == 0).collect::<Vec<_>>())),
        ("str, short", words.clone()),
        ("str, long", long),
        ("cat", Series::new("c".into(), few).cast(&DataType::from_categories(Categories::global())).unwrap()),
    ];
    let print = |name: &str, frame: &DataFrame| {
        let bytes = frame.estimated_size() as f64;
        let fastest = (0..5).map(|_| {
            let began = std::time::Instant::now();
            std::hint::black_box(fingerprint(frame).unwrap());
            began.elapsed().as_secs_f64()
        });
        let seconds = fastest.fold(f64::INFINITY, f64::min);
        println!(
            "FINGERPRINT {{\"what\": \"{name}\", \"gb_per_s\": {:.2}, \"rows_per_s\": {:.0}}}",
            bytes / seconds / 1e9,
            frame.height() as f64 / seconds
        );
    };
    for (name, series) in &cases {
        print(name, &series.clone().into_frame());
    }
    if let Some(list) = list {
        print("list[i64] of 4", &list.into_frame());
    }
    let mixed = cases.into_iter().enumerate().map(|(n, (_, series))| series.with_name(format!("c{n}").into()).into());
    print("all of these but lists", &DataFrame::new(rows as usize, mixed.collect()).unwrap());
}
