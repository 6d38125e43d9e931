//! What data runs used: kept, shown and compared.

use tracker::Fingerprint;
use tracker::data::ColumnFingerprint;

use crate::support::{Place, Raw, line};

/// As lab makes it of a frame; here the hashes stand for what is given.
fn print(rows: u64, columns: &[(&str, &str)]) -> Fingerprint {
    let column = |(name, hash): &(&str, &str)| ColumnFingerprint {
        name: (*name).to_owned(),
        dtype: "f64".to_owned(),
        hash: format!("{hash:0>32}"),
    };
    let columns: Vec<_> = columns.iter().map(column).collect();
    let hash = columns.iter().map(|column| &column.hash[31..]).collect::<String>();
    Fingerprint { rows, hash: format!("{rows}{hash:0>30}"), schema_hash: "5".repeat(32), columns }
}

fn two() -> Place {
    let place = Place::new();
    for (name, price) in [("one", "a"), ("two", "b")] {
        let run = place.start(name, &());
        run.log_fingerprint("train", print(9, &[("old", "c")]));
        run.flush().unwrap();
        run.log_fingerprint("train", print(10, &[("id", "c"), ("price", price)]));
        run.log_fingerprint("test", print(3, &[("id\u{1b}", "d")]));
        run.finish().unwrap();
    }
    place
}

#[test]
fn the_last_fingerprint_of_a_name_is_shown() {
    let place = two();
    let page = place.out(&["show", "one"]);
    let words: Vec<&str> = line(&page, "train").split_whitespace().collect();
    assert_eq!(words, ["train", "10", "2", "100000000000"]);
    let shown = place.json(&["show", "one", "--json"]);
    assert_eq!(
        (&shown["data"]["train"]["rows"], &shown["data"]["train"]["columns"][1]["name"]),
        (&10.into(), &"price".into())
    );
    assert_eq!(place.store().run("two").unwrap().data["train"], print(10, &[("id", "c"), ("price", "b")]));
}

#[test]
fn a_comparison_says_which_column_differs() {
    let place = two();
    let compared = place.out(&["compare", "one", "two"]);
    assert!(compared.contains("data train differs: column price\n") && !compared.contains("data test"), "{compared}");
    place.out(&["report", "one", "two"]);
    let page = std::fs::read_to_string(place.folder().join("report.html")).unwrap();
    assert!(page.contains("<p>data train differs: column price</p>") && !page.contains("data test"), "no sentence");
    place.start("three", &()).finish().unwrap();
    let compared = place.out(&["compare", "one", "three"]);
    assert!(compared.contains("data train differs: not in all runs\n"), "{compared}");
}

#[test]
fn sql_finds_the_runs_that_used_the_same_data_and_a_merge_keeps_it() {
    let (place, other) = (two(), two());
    let sql = "SELECT count(DISTINCT run) FROM inputs GROUP BY hash ORDER BY 1 DESC LIMIT 1";
    assert_eq!(place.json(&["sql", sql, "--format", "json"])[0]["count(DISTINCT run)"], 2);
    place.out(&["merge", &other.db().display().to_string()]);
    assert_eq!(place.json(&["sql", sql, "--format", "json"])[0]["count(DISTINCT run)"], 4);
    let uid = other.store().run("one").unwrap().uid;
    place.out(&["delete", &uid]);
    place.out(&["gc"]);
    assert_eq!(place.json(&["sql", sql, "--format", "json"])[0]["count(DISTINCT run)"], 3);
    assert_eq!(Raw::open(&place.db()).count("SELECT count(*) FROM input"), 6);
}
