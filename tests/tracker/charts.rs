//! `assay compare --chart`: what its pictures show, read back from their XML.

use serde_json::{Value, json};
use tracker::{By, Chart, Error, Run, chart};

use crate::support::{Place, change};
use crate::svg::Svg;

fn log(place: &Place, name: &str, config: &Value, loss: &[f64]) {
    let run = place.start(name, config);
    loss.iter().enumerate().for_each(|(step, value)| run.log("loss", step, value));
    run.finish().unwrap();
}

fn drawn(place: &Place, args: &[&str]) -> Svg {
    Svg::new(place.out(&[&["compare"], args].concat()))
}

/// Whether places are where values are, to the hundredth of a pixel that a picture has.
fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    let near = |(found, expected): (&f64, &f64)| (found - expected).abs() <= tolerance;
    assert!(found.iter().zip(expected).all(near), "{found:?} {expected:?}");
}

#[test]
fn curves_go_through_their_values() {
    let place = Place::new();
    log(&place, "a", &json!({"lr": 0.1}), &[2.0, 1.0, 1.5, 0.5]);
    log(&place, "b", &json!({"lr": 0.2}), &[1.0, f64::NAN, 0.25, 0.125]);
    let svg = drawn(&place, &["a", "b", "--chart", "curves", "--metric", "loss"]);
    let (x, y) = (svg.scale(false, false), svg.scale(true, false));
    let lines = svg.lines();
    assert!(lines[0].0.starts_with("a ") && lines[0].0.ends_with(": lr=0.1"), "{}", lines[0].0);
    let [line] = lines[0].1.as_slice() else { panic!("{lines:?}") };
    close(&line.iter().map(|at| x.value(at.0)).collect::<Vec<_>>(), &[0.0, 1.0, 2.0, 3.0], 1e-4);
    close(&line.iter().map(|at| y.value(at.1)).collect::<Vec<_>>(), &[2.0, 1.0, 1.5, 0.5], 1e-4);
    // NaN leaves a gap: the first point alone is a dot.
    let [line] = lines[1].1.as_slice() else { panic!("{lines:?}") };
    close(&line.iter().map(|at| y.value(at.1)).collect::<Vec<_>>(), &[0.25, 0.125], 1e-4);
    assert!(svg.says("a 0.500") && svg.says("b 0.125") && svg.says("step"), "{:?}", svg.texts());
}

#[test]
fn smoothing_is_the_average_of_pandas_over_the_curve_itself() {
    let place = Place::new();
    log(&place, "a", &json!({}), &[2.0, 1.0, 1.5, 0.5, 0.75, 0.25]);
    let svg = drawn(&place, &["a", "--chart", "curves", "--smooth", "0.9"]);
    let y = svg.scale(true, false);
    let lines = svg.lines();
    let values = |line: &[(f64, f64)]| line.iter().map(|at| y.value(at.1)).collect::<Vec<_>>();
    let [rough, smooth] = lines[0].1.as_slice() else { panic!("{lines:?}") };
    close(&values(rough), &[2.0, 1.0, 1.5, 0.5, 0.75, 0.25], 1e-4);
    // pandas 3.1.1: Series(values).ewm(alpha=0.1, adjust=True).mean()
    let expected =
        [2.0, 1.4736842105263157, 1.4833948339483394, 1.197441116603664, 1.0881785548582452, 0.9092942404264991];
    close(&values(smooth), &expected, 1e-4);
    assert!(svg.says("smoothed by 0.9"));
}

/// Three seeds of one setting, one run of another.
fn repeated() -> Place {
    let place = Place::new();
    let seeds = [[1.0, 0.8, 0.5, 0.3], [1.2, 0.7, 0.55, 0.25], [0.9, 0.85, 0.45, 0.35]];
    for (seed, loss) in seeds.iter().enumerate() {
        log(&place, "net", &json!({"lr": 0.1, "seed": seed}), loss);
    }
    log(&place, "net", &json!({"lr": 0.2, "seed": 0}), &[1.1, 1.0, 0.9, 0.8]);
    place
}

#[test]
fn bands_over_seeds_are_those_of_scipy() {
    let place = repeated();
    // scipy 1.17.1, at each step: mean and stats.t.interval(0.95, 2, loc=mean, scale=stats.sem(values)); smoothed, of
    // pandas 3.1.1's ewm(alpha=0.4, adjust=True).mean() of each seed.
    let as_logged = [
        [1.0333333333333334, 0.6538750299736575, 1.4127916366930093],
        [0.7833333333333333, 0.5936041816534954, 0.9730624850131713],
        [0.5, 0.3757931144124834, 0.6242068855875166],
        [0.3, 0.17579311441248352, 0.42420688558751646],
    ];
    let smoothed = [
        [1.0333333333333334, 0.6538750299736575, 1.4127916366930093],
        [0.8770833333333332, 0.8533671893733535, 0.9007994772933129],
        [0.6846938775510204, 0.6098840472268658, 0.759503707875175],
        [0.5079044117647059, 0.49119477317440324, 0.5246140503550085],
    ];
    for (weight, expected) in [("0", as_logged), ("0.6", smoothed)] {
        let svg = drawn(&place, &["1", "2", "3", "4", "--chart", "bands", "--metric", "loss", "--smooth", weight]);
        let y = svg.scale(true, false);
        let [mean, low, high] = [0, 1, 2].map(|part| expected.map(|at: [f64; 3]| at[part]));
        let values = |places: &[(f64, f64)]| places.iter().map(|at| y.value(at.1)).collect::<Vec<_>>();
        let lines = svg.lines();
        assert_eq!(lines[0].0, "lr=0.1 (n = 3)");
        close(&values(&lines[0].1[0]), &mean, 1e-4);
        // One run alone has no band.
        assert_eq!(lines[1].0, "lr=0.2 (n = 1)");
        let [band] = svg.surfaces().try_into().unwrap();
        close(&values(&band[..4]), &low, 1e-4);
        close(&values(&band[4..]).into_iter().rev().collect::<Vec<_>>(), &high, 1e-4);
        assert!(svg.says("lr=0.1 (n = 3)") && svg.says("95 % band"), "{:?}", svg.texts());
    }
}

#[test]
fn runs_are_grouped_by_what_is_named() {
    let place = Place::new();
    for (group, lr) in [("adam", 0.1), ("adam", 0.2), ("sgd", 0.1)] {
        let run = Run::builder("net").database(place.db()).group(group).config(&json!({"lr": lr})).unwrap();
        let run = run.start().unwrap();
        run.tag("team", "vision");
        (0..3).for_each(|step| run.log("loss", step, lr + f64::from(step)));
        run.finish().unwrap();
    }
    let by = |key| {
        let args = ["1", "2", "3", "--chart", "bands", "--group-by", key];
        drawn(&place, &args).lines().into_iter().map(|line| line.0).collect::<Vec<_>>()
    };
    assert_eq!(by("group"), ["group=adam (n = 2)", "group=sgd (n = 1)"]);
    assert_eq!(by("lr"), ["lr=0.1 (n = 2)", "lr=0.2 (n = 1)"]);
    assert_eq!(by("group,lr").len(), 3);
    assert_eq!(by("tag.team"), ["tag.team=vision (n = 3)"]);
    // Without a seed and a key, runs of the same parameters are repeats.
    let seeds = drawn(&place, &["1", "2", "3", "--chart", "bands"]).lines();
    assert_eq!(seeds.len(), 2);
    let error = place.error(&["compare", "1", "2", "--group-by", "lrr", "--out", "a.svg"]);
    assert!(error.starts_with("the runs have nothing called \"lrr\" to draw; try loss, lr"), "{error}");
}

#[test]
fn a_log_axis_has_round_marks_and_says_what_is_left_out() {
    let place = Place::new();
    let run = place.start("a", &());
    [10.0, 1.0, 0.1, 0.0, 0.01]
        .iter()
        .zip([1, 10, 100, 200, 1000])
        .for_each(|(loss, step)| run.log("loss", step, *loss));
    run.finish().unwrap();
    let svg = drawn(&place, &["a", "--chart", "curves", "--log-y", "--log-x"]);
    let labels = |upward| svg.ticks(upward).into_iter().map(|tick| tick.1).collect::<Vec<_>>();
    assert_eq!(labels(true), ["0.01", "0.1", "1", "10"]);
    assert_eq!(labels(false), ["1", "10", "100", "1000"]);
    let (x, y) = (svg.scale(false, true), svg.scale(true, true));
    let lines = svg.lines();
    for ((found, loss), step) in lines[0].1[0].iter().zip([10.0, 1.0, 0.1]).zip([1.0, 10.0, 100.0]) {
        close(&[x.value(found.0) / step, y.value(found.1) / loss], &[1.0, 1.0], 1e-3);
    }
    assert!(svg.says("1 point not above zero, left out"), "{:?}", svg.texts());
    let error = place.error(&["compare", "a", "--chart", "curves", "--metric", "no"]);
    assert_eq!(error, "none of the runs has a metric \"no\"; they have loss");
}

#[test]
fn ticks_are_round() {
    let cases: [(&[f64], &[&str]); 4] = [
        (&[0.03, 0.91], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (&[0.0, 40.0], &["0", "10", "20", "30", "40"]),
        (&[-7.0, 13.0], &["-10", "-5", "0", "5", "10", "15"]),
        (&[1e-5, 4.4e-5], &["1e-5", "2e-5", "3e-5", "4e-5", "5e-5"]),
    ];
    for (values, expected) in cases {
        let place = Place::new();
        log(&place, "a", &(json!(null)), values);
        let svg = drawn(&place, &["a", "--chart", "curves"]);
        let labels: Vec<_> = svg.ticks(true).into_iter().map(|tick| tick.1).collect();
        assert_eq!(labels, expected, "{values:?}");
    }
}

#[test]
fn curves_over_time_start_with_their_run() {
    let place = Place::new();
    log(&place, "a", &json!({}), &[3.0, 2.0, 1.0]);
    log(&place, "b", &json!({}), &[6.0, 5.0, 4.0]);
    // The second was started a day after the first, and took twice as long.
    change(
        &place.db(),
        "UPDATE run SET started_ms = 1767225600000 + (id - 1) * 86400000;
         UPDATE chunk SET time_width = 0, time_base = 1767225600000 + (series_id - 1) * 86400000,
             time_stride = 600000 * series_id, data = substr(data, 1, points * (value_width + step_width))",
    );
    let args = ["a", "b", "--chart", "curves", "--by"];
    let svg = drawn(&place, &[&args[..], &["time"]].concat());
    let x = svg.scale(false, false);
    let lines = svg.lines();
    let times = |line: usize| lines[line].1[0].iter().map(|at| x.value(at.0)).collect::<Vec<_>>();
    assert!(svg.says("time since the start (min)"), "{:?}", svg.texts());
    close(&times(0), &[0.0, 10.0, 20.0], 0.01);
    close(&times(1), &[0.0, 20.0, 40.0], 0.01);
    // The time of the day is local: 5 h 30 min ahead in Kolkata.
    let wall = [&["compare", "a"], &args[2..], &["wall"]].concat();
    let output = place.command(&wall).env("TZ", "Asia/Kolkata").output().unwrap();
    let svg = Svg::new(String::from_utf8(output.stdout).unwrap());
    let labels: Vec<_> = svg.ticks(false).into_iter().map(|tick| tick.1).collect();
    assert_eq!(labels, ["05:30", "05:35", "05:40", "05:45", "05:50"]);
}

/// Runs with a parameter over decades, a text, and one that some lack.
fn sweep() -> Place {
    let place = Place::new();
    for (name, config, loss) in [
        ("best", json!({"lr": 0.001, "act": "relu", "epochs": 3}), 0.1),
        ("middle", json!({"lr": 0.01, "act": "gelu", "epochs": 3, "momentum": 0.9}), 0.2),
        ("worst", json!({"lr": 1.0, "act": "tanh", "epochs": 3, "momentum": null}), 0.3),
        ("lost", json!({"lr": 0.1, "act": "relu", "epochs": 3}), f64::NAN),
    ] {
        log(&place, name, &config, &[1.0, loss]);
    }
    place
}

#[test]
fn parallel_coordinates_have_a_line_for_each_run() {
    let place = sweep();
    let svg = drawn(&place, &["1", "2", "3", "4", "--chart", "parallel", "--metric", "loss"]);
    let texts = svg.texts();
    assert!(!texts.iter().any(|text| text.contains("epochs")), "the same in all: {texts:?}");
    for text in ["lr (log)", "act", "momentum", "0.001", "relu", "gelu", "tanh", "none: 3", "none: 1", "best 0.100"] {
        assert!(texts.iter().any(|written| written == text), "no {text:?} in {texts:?}");
    }
    assert!(svg.says("below an axis: runs without momentum, loss"));
    let lines: Vec<_> = svg.lines().into_iter().filter(|line| !line.1.is_empty()).collect();
    // The best is drawn last; what has no value comes first.
    let names: Vec<_> = lines.iter().map(|line| line.0.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["lost", "worst", "middle", "best"]);
    assert!(lines[3].0.ends_with("\nlr = 0.001\nact = relu\nmomentum = none\nloss = 0.1"), "{}", lines[3].0);
    let place_of = |run: usize, axis: usize| lines[run].1[0][axis].1;
    // On a logarithmic axis, 0.01 is a third of the way from 0.001 to 1.
    let third = (place_of(3, 0) - place_of(2, 0)) / (place_of(3, 0) - place_of(1, 0));
    close(&[third], &[1.0 / 3.0], 1e-3);
    // Names in their order, upward, equally far; what is missing is below the axis.
    close(
        &[place_of(2, 1) - place_of(3, 1), place_of(3, 1) - place_of(1, 1)],
        &[place_of(2, 1) - place_of(3, 1); 2],
        0.02,
    );
    assert!(place_of(3, 2) > place_of(2, 2) && place_of(0, 3) > place_of(3, 3));
    let named =
        drawn(&place, &["1", "2", "3", "--chart", "parallel", "--axes", "act,duration", "--metric", "loss.min"]);
    let titles = named.titles();
    let axes: Vec<_> = titles.iter().filter(|title| !title.contains('\n')).collect();
    // How far the durations are apart decides whether theirs is logarithmic.
    let axes: Vec<_> = axes.iter().map(|title| title.trim_end_matches(" (log)")).collect();
    assert_eq!(axes, ["act", "duration (s)", "loss.min"]);
}

#[test]
fn a_scatter_has_a_dot_for_each_run() {
    let place = sweep();
    let args = ["1", "2", "3", "4", "--chart", "scatter", "--x", "lr", "--log-x", "--y", "loss"];
    let svg = drawn(&place, &args);
    let (x, y) = (svg.scale(false, true), svg.scale(true, false));
    let dots = svg.dots();
    let found: Vec<_> = dots.iter().flat_map(|(_, at)| [x.value(at.0).log10(), y.value(at.1)]).collect();
    close(&found, &[-3.0, 0.1, -2.0, 0.2, 0.0, 0.3], 1e-3);
    assert!(dots[0].0.starts_with("best ") && dots[0].0.ends_with("\nlr = 0.001, loss = 0.1"), "{}", dots[0].0);
    assert!(svg.says("1 run without loss left out") && svg.says("best"), "{:?}", svg.texts());
    // Texts have places too, and either axis may be anything that a run has.
    let svg = drawn(&place, &["1", "2", "3", "4", "--x", "act", "--y", "momentum", "--chart", "scatter"]);
    assert_eq!(svg.dots().len(), 1);
    assert!(svg.says("3 runs without momentum left out") && svg.says("gelu"));
}

#[test]
fn a_file_holds_what_the_library_draws() {
    let place = repeated();
    let store = place.store();
    let runs = store.find("order by started").unwrap();
    let uids: Vec<&str> = runs.iter().map(|run| run.uid.as_str()).collect();
    let cases: [(&[&str], Box<dyn Chart>); 4] = [
        (&["--metric", "loss", "--smooth", "0.5", "--log-y"], Box::new(chart::curves("loss").smooth(0.5).log_y())),
        (&["--group-by", "lr", "--log-x"], Box::new(chart::bands("loss").group_by("lr").log_x())),
        (&["--axes", "lr,seed"], Box::new(chart::parallel("loss").axis("lr").axis("seed"))),
        (&["--x", "seed", "--y", "loss.best"], Box::new(chart::scatter("seed", "loss.best"))),
    ];
    for (index, (args, chart)) in cases.into_iter().enumerate() {
        let file = format!("{index}.svg");
        let said = place.out(&[&["compare"], uids.as_slice(), args, &["--out", &file]].concat());
        assert_eq!(said, format!("wrote {file}\n"));
        let written = std::fs::read_to_string(place.folder().join(&file)).unwrap();
        assert_eq!(written, chart.draw(&store, &runs).unwrap().svg, "{args:?}");
        let found = ["compare", "--where", "order by started", "--out", "again.svg"];
        place.out(&[&found, args].concat());
        let again = place.folder().join("again.svg");
        assert_eq!(std::fs::read_to_string(&again).unwrap(), written, "{args:?}");
        std::fs::remove_file(again).unwrap();
    }
    assert_eq!(place.error(&["compare", "1", "--out", "0.svg"]), "0.svg exists already: name another --out");
}

#[test]
fn what_does_not_go_together_is_said() {
    let place = sweep();
    let cases: [(&[&str], &str); 10] = [
        (&["1"], "a comparison is of two runs or more: name another"),
        (&["1", "2", "--smooth", "1"], "the weight of smoothing is from 0 to below 1, such as 0.9, not 1"),
        (&["1", "2", "--chart", "curves", "--smooth", "nan"], "the weight of smoothing is from 0 to below 1"),
        (&["1", "2", "--by", "time"], "--by is for a chart (curves, bands): add --chart or --out"),
        (&["1", "--chart", "scatter", "--smooth", "0.5"], "--smooth is for --chart curves, bands, not for scatter"),
        (&["1", "--chart", "scatter"], "a scatter needs what it is drawn over: add --x, such as --x lr"),
        (&["1", "2", "--out", "a.png"], "a.png does not end in .svg: a chart is written as SVG"),
        (&["1", "2", "--out", "no/a.svg"], "no/a.svg could not be written"),
        (&["1", "--chart", "parallel"], "there is nothing to draw: the parameters of these runs are the same"),
        (&["--where", "name = nobody", "--chart", "curves"], "no run fits \"name = nobody\""),
    ];
    for (args, expected) in cases {
        let error = place.error(&[&["compare"], args].concat());
        assert!(error.starts_with(expected), "{args:?}: {error}");
    }
    log(&place, "empty", &json!({}), &[f64::NAN]);
    let error = place.error(&["compare", "empty", "--chart", "curves"]);
    assert_eq!(error, "there is nothing to draw: loss has no finite value in these runs");
    let store = place.store();
    let charts: [Box<dyn Chart>; 3] =
        [Box::new(chart::curves("loss")), Box::new(chart::parallel("loss")), Box::new(chart::scatter("lr", "loss"))];
    for chart in charts {
        let error = chart.draw(&store, &[]).unwrap_err().to_string();
        assert_eq!(error, "there is nothing to draw: no run was found");
    }
    let files: Vec<_> = std::fs::read_dir(place.folder()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!files.iter().any(|name| name.to_string_lossy().ends_with("g")), "{files:?}");
}

#[test]
fn everything_that_a_run_contains_is_escaped() {
    let place = Place::new();
    for evil in ["<script>alert('x')</script>&\"", "]]><g onload=\"alert(1)\">\u{0}\u{1b}[31m", "--></svg>"] {
        for seed in [1, 2] {
            let run = Run::builder(evil).database(place.db()).group(evil);
            let run = run.config(&json!({ evil: evil, "seed": seed, "lr": seed })).unwrap().start().unwrap();
            run.tag(evil, evil);
            (0..3).for_each(|step| run.log(evil, step, 0.5 + f64::from(step * seed)));
            run.finish().unwrap();
        }
        let filter = format!("name = \"{}\"", evil.replace('"', "\"\""));
        let key = format!("param.{evil}");
        let store = place.store();
        let runs = store.find(&filter).unwrap();
        let metric = runs[0].metrics[0].key();
        let charts: [Box<dyn Chart>; 5] = [
            Box::new(chart::curves(&metric).smooth(0.5)),
            Box::new(chart::bands(&metric)),
            Box::new(chart::bands(&metric).group_by("group").group_by(format!("tag.{evil}"))),
            Box::new(chart::parallel(&metric).axis(runs[0].params[0].path.as_str()).axis("name")),
            Box::new(chart::scatter(runs[0].params[0].path.as_str(), metric.as_str())),
        ];
        for chart in charts {
            let picture = chart.draw(&store, &runs).unwrap_or_else(|error| panic!("{error} {key}"));
            let svg = Svg::new(picture.svg.clone());
            assert!(!picture.svg.contains("<script") && !picture.svg.contains('\u{1b}'), "{}", picture.svg);
            assert!(!svg.titles().is_empty());
        }
    }
}

#[test]
fn odd_values_are_drawn_without_nonsense() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let odd: [&[f64]; 9] = [
        &[nan, inf, -inf],
        &[0.0],
        &[-3.5],
        &[2.0, 2.0, 2.0],
        &[1e-320, 0.0, -1e-320],
        &[1e299, -1e299, 3.0],
        &[f64::MAX, f64::MIN, 1.0],
        &[1.0, nan, 1.0 + f64::EPSILON],
        &[1e15, 1e15 + 1.0, inf],
    ];
    for values in odd {
        let place = Place::new();
        for (index, value) in values.iter().enumerate() {
            log(&place, "a", &json!({"value": value, "huge": i64::MAX - 1, "seed": index}), values);
        }
        let store = place.store();
        let runs = store.find("").unwrap();
        let mut charts: Vec<Box<dyn Chart>> = vec![
            Box::new(chart::parallel("loss").axis("started").axis("duration").axis("seed").axis("huge")),
            Box::new(chart::scatter("loss.min", "seed")),
            Box::new(chart::scatter("seed", "loss.max").log_x().log_y()),
        ];
        if runs[0].param("value").is_some() {
            charts.push(Box::new(chart::parallel("loss").axis("value")));
            charts.push(Box::new(chart::scatter("started", "value").log_y()));
        }
        for by in [By::Step, By::Time, By::Wall] {
            for curves in [chart::curves("loss"), chart::bands("loss"), chart::bands("loss").group_by("name")] {
                charts.push(Box::new(curves.clone().by(by)));
                charts.push(Box::new(curves.by(by).smooth(0.9).log_x().log_y()));
            }
        }
        for chart in charts {
            match chart.draw(&store, &runs) {
                Ok(picture) => drop(Svg::new(picture.svg)),
                Err(error) => assert!(matches!(error, Error::NothingToDraw { .. }), "{values:?}: {error}"),
            }
        }
    }
}

#[test]
fn a_long_series_is_drawn_from_its_sketches() {
    let place = Place::new();
    for seed in 0..2 {
        let run = place.start("long", &json!({"seed": seed}));
        for step in 0..1_000_000_u64 {
            run.log("loss", step, if step == 654_321 { 90.0 } else { (step % 7) as f64 });
        }
        run.finish().unwrap();
    }
    // The points themselves are gone: whoever read them would say that the file is damaged.
    change(&place.db(), "UPDATE chunk SET data = x''");
    let store = place.store();
    let runs = store.find("").unwrap();
    assert!(store.series(&runs[0]).is_err());
    let svg = chart::curves("loss").smooth(0.9).draw(&store, &runs).unwrap().svg;
    assert!(svg.len() < 200_000, "{} bytes", svg.len());
    let svg = Svg::new(svg);
    let y = svg.scale(true, false);
    let lines = svg.lines();
    let [rough, smooth] = lines[0].1.as_slice() else { panic!("{}", lines.len()) };
    let values = |line: &[(f64, f64)]| line.iter().map(|at| y.value(at.1)).collect::<Vec<_>>();
    let most = values(rough).into_iter().fold(0.0, f64::max);
    close(&[most], &[90.0], 0.01);
    // What is smoothed are the middles of columns, not extremes that go up and down.
    close(&values(smooth)[..50], &[3.0; 50], 0.01);
    let band = Svg::new(chart::bands("loss").draw(&store, &runs).unwrap().svg);
    assert_eq!(band.lines()[0].0, "long (n = 2)");
}

#[test]
fn the_small_charts_of_the_table_are_smoothed_too() {
    let place = Place::new();
    let decay: Vec<f64> = (0..8).map(|step| 10f64.powi(-step)).collect();
    log(&place, "a", &json!({}), &decay);
    log(&place, "b", &json!({}), &[1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0]);
    let cases: [(&[&str], [&str; 2]); 3] = [
        (&[], ["█▂▁▁▁▁▁▁", "▁█▁█▁█▁█"]),
        (&["--log-y"], ["█▇▆▅▄▃▂▁", "▁█▁█▁█▁█"]),
        // pandas 3.1.1: Series([1, 3, ...]).ewm(alpha=0.5).mean() is 1, 2.33, 1.57, 2.33, 1.65, 2.33, 1.66, 2.33.
        (&["--smooth", "0.5"], ["█▄▂▂▁▁▁▁", "▁█▄█▄█▄█"]),
    ];
    for (args, charts) in cases {
        let table = place.out(&[&["compare", "a", "b"], args].concat());
        for chart in charts {
            assert!(table.contains(chart), "no {chart} for {args:?} in {table}");
        }
    }
}
