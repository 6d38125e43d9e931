//! Packed points are plain rows to SQL, and a curve to whoever draws.

use sqlx::migrate::Migrator;
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

use crate::support::{Place, Raw, change};

#[test]
fn any_sqlite_program_sees_every_point_as_a_row_bit_for_bit() {
    let place = Place::new();
    let values = [0.1, -0.0, 1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX, -f64::MIN_POSITIVE];
    let run = place.start("odd", &());
    for (step, value) in values.iter().enumerate() {
        run.log("wide", step * step, value);
        run.log("narrow", -7, *value as f32);
        run.log_with("narrow", step, -3 * step as i32, &[("subset", "test")]);
    }
    run.finish().unwrap();
    let sql = "SELECT metric, context, step, value FROM points WHERE run = ? ORDER BY metric, context, seq";
    let rows: Vec<(String, String, i64, Option<f64>)> =
        Raw::open(&place.db()).all(sql, &place.store().run("odd").unwrap().uid);
    let wide = values.map(|value| if value.is_nan() { None } else { Some(value.to_bits()) });
    let of = |metric: &str, context: &str| {
        let rows = rows.iter().filter(|row| row.0 == metric && row.1 == context);
        rows.map(|row| (row.2, row.3.map(f64::to_bits))).collect::<Vec<_>>()
    };
    let numbered = |n: usize| n as i64;
    assert_eq!(of("wide", "{}"), wide.iter().enumerate().map(|(n, v)| (numbered(n * n), *v)).collect::<Vec<_>>());
    let narrow = values.map(|value| f64::from(value as f32));
    let narrow = narrow.map(|value| if value.is_nan() { None } else { Some(value.to_bits()) });
    assert_eq!(of("narrow", "{}"), narrow.map(|value| (-7, value)));
    let thrice = (0..values.len()).map(|n| (numbered(n), Some((-3.0 * n as f64 + 0.0).to_bits())));
    assert_eq!(of("narrow", r#"{"subset":"test"}"#), thrice.collect::<Vec<_>>());
}

#[test]
fn a_point_takes_fewer_than_twelve_bytes() {
    let place = Place::new();
    let run = place.start("many", &());
    (0..200_000).for_each(|step| run.log("loss", step, 1.0 / f64::from(step + 1)));
    run.finish().unwrap();
    let bytes = std::fs::metadata(place.db()).unwrap().len();
    assert!(bytes < 12 * 200_000, "{} bytes per point", bytes as f64 / 200_000.0);
}

#[test]
fn a_curve_keeps_every_extreme_at_its_step() {
    let place = Place::new();
    let run = place.start("spikes", &());
    let spikes = [(123_456, 50.0), (777_777, -50.0), (999_999, 60.0)];
    let value = |step: i32| spikes.iter().find(|spike| spike.0 == step).map_or(f64::from(step % 100) / 100.0, |s| s.1);
    for step in 0..1_000_000 {
        run.log("even", step, value(step));
    }
    // Out of order and with gaps: no sketch can be used.
    for step in (0..10_000).rev() {
        run.log("odd", step * step, step % 37);
    }
    run.log("few", 0, f64::NAN);
    run.finish().unwrap();
    let store = place.store();
    let run = store.run("spikes").unwrap();
    let even = store.curve(&run, "even", 1000).unwrap();
    assert!((1900..3000).contains(&even.len()), "{}", even.len());
    assert!(even.is_sorted_by_key(|point| point.step));
    for (step, value) in spikes {
        assert!(even.iter().any(|point| (point.step, point.value) == (i64::from(step), value)), "{step}");
    }
    assert!(even.windows(2).all(|pair| pair[1].step - pair[0].step < 3000));
    let odd = store.curve(&run, "odd", 100).unwrap();
    assert!(odd.is_sorted_by_key(|point| point.step) && (150..=220).contains(&odd.len()), "{}", odd.len());
    assert!(store.curve(&run, "few", 100).unwrap()[0].value.is_nan());
    let error = store.curve(&run, "evn", 100).unwrap_err().to_string();
    assert!(error.ends_with(" has no metric \"evn\"; it has even, odd, few"), "{error}");
}

#[test]
fn a_damaged_chunk_is_named_and_nothing_else_is_lost() {
    let place = Place::new();
    let run = place.start("digits", &());
    run.log("loss", 0, 1.0);
    run.finish().unwrap();
    change(&place.db(), "UPDATE chunk SET data = x'00'");
    let error = place.error(&["show", "digits"]);
    assert!(error.starts_with("the points of run ") && error.contains(" in assay.db are damaged: "), "{error}");
    assert!(place.out(&["runs"]).contains("digits"));
}

/// An empty file as an earlier version made it.
fn earlier(place: &Place, migrations: &[&str]) {
    let only = tempfile::tempdir().unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    for migration in migrations {
        std::fs::copy(all.join(migration), only.path().join(migration)).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}?mode=rwc", place.db().display());
        let mut conn = SqliteConnection::connect(&url).await.unwrap();
        Migrator::new(only.path()).await.unwrap().run(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    });
}

/// A file as version 1 made it.
fn version_1(place: &Place) {
    earlier(place, &["0001_init.sql"]);
    change(
        &place.db(),
        r#"INSERT INTO run (uid, name, status, started_ms, ended_ms, host, pid, config)
               VALUES ('0dd0a1b2', 'old', 'finished', 1, 9, 'h', 1, '{"lr":0.1}');
           INSERT INTO param VALUES (1, 'lr', 0, 'float', '0.1', 0.1);
           INSERT INTO series VALUES (7, 1, 'loss', '{}', 3, 2, 0.25, 0.25, 2, 0.5, 0);
           INSERT INTO point VALUES (7, 0, 0, 100, 0.5), (7, 1, 1, 200, NULL), (7, 2, 2, 300, 0.25);
           INSERT INTO artifact VALUES ('h', 3, x'616263');
           INSERT INTO run_artifact VALUES (1, 1, 'log', 'text', 'text/plain', NULL, 5, 'h');
           INSERT INTO tag VALUES (1, 'team', 'vision');
           INSERT INTO cell VALUES (1, 0, 3, 'let x = 1;');"#,
    );
}

#[test]
fn a_file_of_version_1_opens_with_its_data_and_goes_on() {
    let place = Place::new();
    version_1(&place);
    let shown = place.json(&["show", "old", "--json"]);
    let values = &shown["series"][0]["values"];
    assert_eq!(
        (&values[0]["value"], &values[1]["value"], &values[2]["value"]),
        (&0.5.into(), &"NaN".into(), &0.25.into())
    );
    assert_eq!((&shown["tags"]["team"], &shown["config"]["lr"]), (&"vision".into(), &0.1.into()));
    assert_eq!((&shown["cells"][0]["source"], &shown["artifacts"][0]["name"]), (&"let x = 1;".into(), &"log".into()));
    let run = tracker::Run::resume_in(place.db(), "old").unwrap();
    run.log("loss", 3, 0.125);
    run.finish().unwrap();
    let mut raw = Raw::open(&place.db());
    assert_eq!(raw.count("SELECT count(*) FROM point WHERE series_id = 7"), 4);
    assert_eq!(raw.text("SELECT group_concat(seq) FROM (SELECT seq FROM point ORDER BY seq)"), "0,1,2,3");
    let store = place.store();
    let run = store.run("old").unwrap();
    assert_eq!(store.series(&run).unwrap()[0].values.len(), 4);
    let mut times = Vec::new();
    let collect = |points: tracker::Points<'_>| {
        times.extend_from_slice(&points.times_ms[..3]);
        assert!(points.values[1].is_nan());
        assert_eq!((points.steps, points.values[3]), ([0, 1, 2, 3].as_slice(), 0.125));
        Ok::<_, tracker::Error>(())
    };
    store.points(&"name = old".into(), &[], collect).unwrap();
    assert_eq!(times, [100, 200, 300]);
    assert_eq!((run.metrics[0].last, run.metrics[0].points, run.metrics[0].max.unwrap().value), (0.125, 4, 0.5));
}

#[test]
fn many_processes_may_bring_an_old_file_up_to_date_at_once() {
    let place = Place::new();
    version_1(&place);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(place.out(&["runs"]).contains("old")));
        }
    });
    assert_eq!(Raw::open(&place.db()).count("SELECT max(version) FROM _sqlx_migrations"), 6);
}

#[test]
fn a_file_of_version_4_keeps_its_cells_and_says_what_they_lack() {
    let place = Place::new();
    earlier(&place, &["0001_init.sql", "0002_chunks.sql", "0003_values.sql", "0004_inputs.sql"]);
    change(
        &place.db(),
        r#"INSERT INTO run (uid, name, status, started_ms, ended_ms, host, pid, error, config) VALUES
               ('0dd0a1b1', 'one', 'failed', 1, 9, 'h', 1, 'no', '{}'), ('0dd0a1b2', 'two', 'crashed', 2, 8, 'h', 2, NULL, '{}'),
               ('0dd0a1b3', 'none', 'finished', 3, 7, 'h', 3, NULL, '{}');
           INSERT INTO run (uid, name, status, started_ms, host, pid, config, parent_id)
               VALUES ('0dd0a1b4', 'child', 'running', 4, 'elsewhere', 4, '{}', 1);
           INSERT INTO tag VALUES (1, 'team', 'vision');
           INSERT INTO cell VALUES (1, 0, 3, 'let x = 1;'), (1, 1, 4, 'x + 1'), (2, 0, 3, 'let x = 1;');"#,
    );
    let store = place.store();
    let statuses: Vec<_> = ["one", "two", "none", "child"].map(|name| store.run(name).unwrap().status.as_str()).into();
    assert_eq!(statuses, ["failed", "crashed", "finished", "running"]);
    let run = store.run("one").unwrap();
    assert_eq!((run.error.as_deref(), run.tags["team"].as_str()), (Some("no"), "vision"));
    assert_eq!(store.run("child").unwrap().parent, Some(run.id));
    let cells = store.cells(&run).unwrap();
    let texts: Vec<_> = cells.iter().map(|cell| (cell.execution_count, cell.source.as_str(), cell.outcome)).collect();
    assert_eq!(texts, [(3, "let x = 1;", None), (4, "x + 1", None)]);
    assert_eq!(store.sessions(&run).unwrap()[0].assay, None);
    drop(store);
    let mut raw = Raw::open(&place.db());
    assert_eq!(raw.count("SELECT count(*) FROM source"), 2);
    assert_eq!(raw.text("SELECT hash FROM source WHERE text = 'x + 1'"), cells[1].hash);
    assert_eq!(raw.count("SELECT count(*) FROM cell_row"), 0);
    assert_eq!(raw.count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(raw.text("PRAGMA integrity_check"), "ok");
    // A status is checked as before, and the new one is let in.
    raw.run("UPDATE run SET status = 'stopped' WHERE name = 'two'");
    raw.close();
    let page = place.out(&["show", "one"]);
    assert!(page.contains("recorded by an earlier assay: no outcomes of cells"), "{page}");
    assert!(!page.contains("its process ended in it"), "{page}");
    assert!(place.out(&["runs", "--status", "stopped"]).contains("0dd0a1b2"));
    assert!(place.out(&["runs", "--where", "status = stopped"]).contains("0dd0a1b2"));
    // Resumed, it has a session that lacks nothing beside the one that does.
    tracker::Run::resume_in(place.db(), "one").unwrap().finish().unwrap();
    let sessions = place.store().sessions(&run).unwrap();
    assert_eq!(sessions.iter().map(|session| session.assay.is_some()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_file_of_version_2_keeps_its_packed_points_and_takes_negative_zero() {
    let place = Place::new();
    earlier(&place, &["0001_init.sql", "0002_chunks.sql"]);
    change(
        &place.db(),
        r#"INSERT INTO run (uid, name, status, started_ms, ended_ms, host, pid, config)
               VALUES ('0dd0a1b2', 'old', 'finished', 1, 9, 'h', 1, '{}');
           INSERT INTO series (id, run_id, name, context, points, last_step, last_value, last_ms, min_value, min_step,
                   max_value, max_step)
               VALUES (7, 1, 'loss', '{}', 1, 5, 0.25, 100, 0.25, 5, 0.25, 5);
           INSERT INTO chunk VALUES (7, 0, 1, 8, 5, 0, 0, 100, 0, 0,
               x'3FD00000000000003FD00000000000000000', x'3FD0000000000000');"#,
    );
    let run = tracker::Run::resume_in(place.db(), "old").unwrap();
    run.log("loss", 6, -0.0);
    run.finish().unwrap();
    let store = place.store();
    let run = store.run("old").unwrap();
    let values: Vec<_> = store.series(&run).unwrap()[0].values.iter().map(|point| point.value.to_bits()).collect();
    assert_eq!(values, [0.25_f64.to_bits(), (-0.0_f64).to_bits()]);
    let metric = run.metric("loss").unwrap();
    assert_eq!(metric.last.to_bits(), (-0.0_f64).to_bits());
    assert_eq!((metric.min.unwrap().step, metric.max.unwrap().value), (6, 0.25));
    assert_eq!(Raw::open(&place.db()).text("PRAGMA integrity_check"), "ok");
}
