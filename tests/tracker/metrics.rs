//! Values come back as they were logged: bit for bit, in order, with their steps and contexts.

use crate::support::{Place, Raw, line};

#[test]
fn values_come_back_bit_for_bit_with_nan_and_infinities() {
    let place = Place::new();
    let values = [
        0.1 + 0.2,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -1e-300,
        f64::MIN_POSITIVE / 3.0,
        f64::MAX,
        std::f64::consts::PI,
    ];
    let run = place.start("odd", &());
    values.iter().enumerate().for_each(|(step, value)| run.log("odd", step, value));
    run.finish().unwrap();
    let store = place.store();
    let run = store.run("odd").unwrap();
    let series = store.series(&run).unwrap().remove(0);
    let bits = |value: f64| {
        if value.is_nan() { None } else { Some(value.to_bits()) }
    };
    let stored: Vec<_> = series.values.iter().map(|point| (point.step, bits(point.value))).collect();
    let logged: Vec<_> = (0..).zip(values).map(|(step, value)| (step, bits(value))).collect();
    assert_eq!(stored, logged);
    let metric = run.metric("odd").unwrap();
    assert_eq!((metric.min.unwrap().value, metric.max.unwrap().value), (f64::NEG_INFINITY, f64::INFINITY));
}

/// The last values of a run in each form in which they are read: view, command, export.
#[test]
fn what_is_no_number_and_negative_zero_come_back_in_every_form() {
    let place = Place::new();
    let run = place.start("odd", &());
    let values = [("nan", f64::NAN), ("up", f64::INFINITY), ("down", f64::NEG_INFINITY), ("zero", -0.0), ("one", 1.0)];
    values.iter().for_each(|(name, value)| run.log(name, 0, value));
    run.finish().unwrap();
    let run = place.store().run("odd").unwrap();
    let bits = |value: f64| if value.is_nan() { None } else { Some(value.to_bits()) };
    for (name, value) in values {
        let metric = run.metric(name).unwrap();
        assert_eq!(bits(metric.last), bits(value), "{name}");
        assert_eq!(metric.min.map(|at| at.value.to_bits()), bits(value), "{name}");
        assert_eq!(metric.max.map(|at| at.value.to_bits()), bits(value), "{name}");
    }
    let rows: Vec<(String, Option<f64>, Option<String>)> =
        Raw::open(&place.db()).all("SELECT metric, last, last_word FROM metrics WHERE run = ?", &run.uid);
    let words = [Some("NaN"), Some("Infinity"), Some("-Infinity"), None, None];
    for ((name, value), word) in values.iter().zip(words) {
        let row = rows.iter().find(|row| row.0 == *name).unwrap();
        assert_eq!((row.1.and_then(bits), row.2.as_deref()), (bits(*value), word), "{name}");
    }
    let written = ["NaN", "Infinity", "-Infinity", "-0.0", "1.0"];
    let csv = place.out(&["export", "metrics"]);
    let json = place.out(&["export", "metrics", "--format", "json"]);
    let points = place.out(&["export", "points"]);
    let runs = place.out(&["export", "runs", "--format", "json"]);
    for ((name, value), text) in values.iter().zip(written) {
        assert!(line(&csv, &format!(",{name},")).contains(&format!("{name},1,0,{text},")), "{csv}");
        assert!(line(&points, &format!(",{name},")).ends_with(&format!(",{text}")), "{points}");
        let quoted = if value.is_finite() { text.to_owned() } else { format!("\"{text}\"") };
        assert!(line(&json, &format!("\"{name}\"")).contains(&format!("\"last\":{quoted},")), "{json}");
        let after = &runs[runs.find(&format!("\"name\": \"{name}\"")).unwrap()..];
        assert!(line(after, "\"last\"").trim().starts_with(&format!("\"last\": {quoted},")), "{runs}");
    }
    let sql = place.out(&["sql", "SELECT metric, last, last_word FROM metrics", "--format", "csv"]);
    for row in ["nan,,NaN", "up,Infinity,Infinity", "down,-Infinity,-Infinity", "zero,-0,", "one,1,"] {
        assert!(sql.lines().any(|line| line == row), "{row} is not in:\n{sql}");
    }
}

#[test]
fn json_has_words_for_what_is_no_number() {
    let place = Place::new();
    let run = place.start("odd", &());
    [f64::INFINITY, 1.0, f64::NAN].iter().enumerate().for_each(|(step, value)| run.log("loss", step, value));
    run.finish().unwrap();
    let shown = place.json(&["show", "odd", "--json"]);
    let values: Vec<_> = shown["series"][0]["values"].as_array().unwrap().iter().map(|p| p["value"].clone()).collect();
    assert_eq!(values, ["Infinity".into(), serde_json::json!(1.0), "NaN".into()]);
    assert_eq!(shown["metrics"][0]["last"], "NaN");
    assert_eq!(shown["metrics"][0]["min"], serde_json::json!({"value": 1.0, "step": 1}));
    assert_eq!(shown["metrics"][0]["max"]["value"], "Infinity");
}

#[test]
fn contexts_are_series_of_their_own() {
    let place = Place::new();
    let run = place.start("contexts", &());
    run.log("loss", 0, 3.0);
    run.log_with("loss", 0, 1.0, &[("subset", "train")]);
    run.log_with("loss", 0, 2.0, &[("subset", "test"), ("fold", "1")]);
    run.log_with("loss", 1, 4.0, &[("fold", "1"), ("subset", "test")]);
    run.finish().unwrap();
    let run = place.store().run("contexts").unwrap();
    let found: Vec<_> = run.metrics.iter().map(|metric| (metric.key(), metric.points, metric.last)).collect();
    let expected = [("loss", 1, 3.0), ("loss{subset=train}", 1, 1.0), ("loss{fold=1,subset=test}", 2, 4.0)];
    assert_eq!(found, expected.map(|(key, points, last)| (key.to_owned(), points, last)));
}

#[test]
fn steps_may_come_twice_and_out_of_order() {
    let place = Place::new();
    let run = place.start("steps", &());
    for (step, value) in [(5_i64, 5.0), (1, 1.0), (5, 5.5), (-2, 9.0)] {
        run.log("accuracy", step, value);
    }
    run.finish().unwrap();
    let store = place.store();
    let run = store.run("steps").unwrap();
    let series = store.series(&run).unwrap().remove(0);
    let points: Vec<_> = series.values.iter().map(|point| (point.step, point.value)).collect();
    assert_eq!(points, [(5, 5.0), (1, 1.0), (5, 5.5), (-2, 9.0)]);
    assert_eq!((series.metric.last_step, series.metric.last), (5, 5.5));
    assert_eq!(series.metric.best().map(|at| (at.value, at.step)), Some((9.0, -2)));
}

#[test]
fn several_metrics_of_a_step_and_number_types() {
    let place = Place::new();
    let run = place.start("many", &());
    run.log_many(3_usize, &[("loss", 0.25_f32), ("accuracy", 0.75)]);
    run.log("correct", 3_u64, 17_usize);
    run.finish().unwrap();
    let run = place.store().run("many").unwrap();
    let found: Vec<_> = run.metrics.iter().map(|m| (m.name.as_str(), m.last_step, m.last)).collect();
    assert_eq!(found, [("loss", 3, 0.25), ("accuracy", 3, 0.75), ("correct", 3, 17.0)]);
}

#[test]
fn the_summary_says_what_the_points_say_over_many_batches() {
    let place = Place::new();
    let run = place.start("batches", &());
    for step in 0..30_000_i64 {
        run.log("loss", step, ((step * 7919) % 10_007) as f64);
        if step % 9000 == 0 {
            run.flush().unwrap();
        }
    }
    run.finish().unwrap();
    let mut raw = Raw::open(&place.db());
    let same = "SELECT count(*) FROM series WHERE points = (SELECT count(*) FROM point)
        AND min_value = (SELECT min(value) FROM point) AND max_value = (SELECT max(value) FROM point)
        AND last_value = (SELECT value FROM point ORDER BY step DESC LIMIT 1)";
    assert_eq!((raw.count(same), raw.count("SELECT count(*) FROM point")), (1, 30_000));
}

#[test]
fn logging_does_not_wait_for_a_locked_database_and_loses_nothing() {
    let place = Place::new();
    let run = place.start("busy", &());
    run.flush().unwrap();
    let mut other = Raw::open(&place.db());
    other.run("BEGIN IMMEDIATE");
    // As long as the lock is held nothing can be stored; were a call to wait for it, this would not end.
    (0..2000).for_each(|step| run.log("loss", step, step));
    run.text("note", "kept").unwrap();
    assert_eq!(other.count("SELECT count(*) FROM point"), 0);
    other.run("COMMIT");
    run.finish().unwrap();
    assert_eq!(other.count("SELECT count(*) FROM point"), 2000);
    assert_eq!(other.count("SELECT count(*) FROM run_artifact"), 1);
}

#[test]
fn the_file_is_in_wal_mode_and_one_file_after_the_run() {
    let place = Place::new();
    let run = place.start("wal", &());
    assert!(place.folder().join("assay.db-wal").exists());
    run.finish().unwrap();
    assert!(!place.folder().join("assay.db-wal").exists());
    assert_eq!(Raw::open(&place.db()).text("PRAGMA journal_mode"), "wal");
}

#[test]
fn calls_work_inside_an_async_runtime() {
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let last = runtime.block_on(async {
        let run = place.start("async", &());
        run.log("loss", 0, 0.5);
        run.finish().unwrap();
        place.store().run("async").unwrap().metrics[0].last
    });
    assert_eq!(last, 0.5);
}
