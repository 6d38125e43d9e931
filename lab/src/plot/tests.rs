//! Every chart with odd data: it must be well-formed, within its picture, and without nonsense.

use resvg::usvg::roxmltree::Document;

use super::*;
use crate::metric::{confusion_matrix, precision_recall_curve, roc_curve};

const NAMES: [&str; 6] =
    ["", "<script>alert('x')</script>", "a \"quoted\" & b", "tab\tand\u{0}\u{1b}[0m", "猫🐈", "\u{FFFF}"];

/// Data that is empty, not finite, a single value, all equal, or huge.
fn odd() -> Vec<Vec<f64>> {
    vec![
        vec![],
        vec![f64::NAN],
        vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        vec![0.0],
        vec![-3.5],
        vec![2.0; 50],
        vec![1e-320, 0.0, -1e-320],
        vec![1e299, -1e299, 3.0],
        vec![f64::MAX, f64::MIN, 1.0],
        vec![1.0, f64::NAN, 1.0 + f64::EPSILON],
        vec![1e15, 1e15 + 1.0, 1e15 + 2.0],
        (0..3000).map(|index| f64::from(index % 7) - 3.0).collect(),
    ]
}

/// Every kind of chart of these values, with this name everywhere.
fn charts(values: &[f64], name: &str) -> Vec<Chart> {
    let points: Vec<_> = values.iter().zip(values.iter().rev()).map(|(&x, &y)| (x, y)).collect();
    let band: Vec<_> = values.iter().map(|&x| (x, x - 1.0, x + 1.0)).collect();
    let names = vec![name; values.len()];
    let lines = || line_chart(name).x_label(name).y_label(name).line(name, &points).band(name, &band);
    let matrix = heatmap(name, 1, &names, values).expect("as many values as names");
    let narrow: Vec<f32> = [0.5; 4].into_iter().chain(values.iter().map(|&value| to_f32(value)).take(4)).collect();
    vec![
        lines().into(),
        lines().log_x().log_y().smooth(0.9).into(),
        histogram(name).x_label(name).values(name, values).values(name, &[1.0, 2.0]).into(),
        histogram(name).bins(7).shares().values(name, values).into(),
        scatter(name).points(name, &points).points(name, &[(1.0, 2.0)]).into(),
        scatter(name).log_x().log_y().diagonal().points(name, &points).into(),
        bar_chart(name).x_label(name).y_label(name).bars(&names, values).into(),
        bar_chart(name).bars(&names, values).sorted().into(),
        matrix.clone().x_label(name).y_label(name).into(),
        matrix.diverging().into(),
        heatmap(name, values.len(), 1, values).expect("as many values as rows").into(),
        roc_chart(name).into(),
        pr_chart(name).into(),
        attention::AttentionMap::new(
            [1, 2, narrow.len() / 2],
            &narrow[..narrow.len() / 2 * 2],
            Names::from(&[name; 2]),
        )
        .expect("two tokens")
        .title(name)
        .into(),
    ]
}

#[allow(clippy::cast_possible_truncation)] // infinite where it does not fit
fn to_f32(value: f64) -> f32 {
    value as f32
}

/// Whether an SVG document is well-formed XML whose numbers are numbers; returns its size.
fn checked(svg: &str) -> (f64, f64) {
    let document = Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
    for node in document.descendants().filter(|node| node.is_element()) {
        assert_ne!(node.tag_name().name(), "script", "{svg}");
        for attribute in node.attributes().filter(|attribute| attribute.name() != "aria-label") {
            let value = attribute.value();
            assert!(!value.contains("NaN") && !value.contains("inf"), "{} {value}", attribute.name());
        }
    }
    let root = document.root_element();
    let size = |name| root.attribute(name).and_then(|size| size.parse::<f64>().ok()).expect("a size");
    (size("width"), size("height"))
}

#[test]
fn odd_data_is_drawn_without_nonsense() {
    for values in odd() {
        for name in NAMES {
            for chart in charts(&values, name) {
                let figure = Figure::new(vec![chart.clone()]);
                let svg = figure.svg();
                let (width, height) = checked(&svg);
                assert!(width < 1500.0 && height < 1500.0 && svg.len() < 400_000, "{width} × {height} {chart:?}");
            }
        }
        checked(&charts(&values, "a").into_iter().fold(Figure::default(), Figure::with).svg());
    }
    checked(&Figure::default().svg());
}

#[test]
fn what_is_drawn_is_within_the_picture() {
    for values in odd() {
        for chart in charts(&values, "name") {
            let svg = Figure::new(vec![chart]).svg();
            let (width, height) = checked(&svg);
            let document = Document::parse(&svg).expect("checked above");
            let points = document.descendants().filter_map(|node| node.attribute("points"));
            for point in points.flat_map(|points| points.split_whitespace()) {
                let (x, y) = point.split_once(',').expect("two numbers");
                let (x, y): (f64, f64) = (x.parse().expect("x"), y.parse().expect("y"));
                assert!((0.0..=width).contains(&x) && (0.0..=height).contains(&y), "{point} in {svg}");
            }
        }
    }
}

#[test]
fn thousands_of_classes_stay_a_picture() {
    let labels: Vec<usize> = (0..5000).collect();
    let names: Vec<String> = labels.iter().map(|label| format!("class {label}")).collect();
    let matrix = confusion_matrix(&labels, &labels).expect("a matrix");
    let named = matrix.clone().named(&names).expect("enough names");
    let values: Vec<f64> = (0..5000).map(f64::from).collect();
    let bars = bar_chart("classes").bars(&names, &values);
    for (svg, says) in [
        (matrix.svg(), "each cell is 25 × 25 classes"),
        (named.svg(), "each cell is 25 × 25 classes"),
        (bars.svg(), "and 4960 more"),
    ] {
        let (width, height) = checked(&svg);
        assert!(svg.contains(says) && svg.len() < 200_000 && width < 900.0 && height < 1100.0, "{width} × {height}");
    }
}

#[test]
fn many_series_leave_room_for_the_data() {
    let mut lines = line_chart("runs");
    let mut bars = histogram("runs");
    for run in 0..60 {
        lines = lines.line(format!("a run with a long name {run}"), &[(1.0, f64::from(run)), (2.0, 1.0)]);
        bars = bars.values(format!("run {run}"), &[f64::from(run)]);
    }
    let svg = lines.svg();
    checked(&svg);
    assert!(svg.contains("more</text>"));
    let (_, height) = checked(&bars.svg());
    assert!(height < 400.0 && bars.svg().contains("more</text>"), "{height}");
}

#[test]
fn a_million_points_are_a_small_picture() {
    let points: Vec<_> = (0..1_000_000).map(|x| (f64::from(x), (f64::from(x) * 0.1).sin())).collect();
    let band: Vec<_> = points.iter().map(|&(x, y)| (x, y - 1.0, y + 1.0)).collect();
    let svg = line_chart("long").smooth(0.9).line("a", &points).band("a", &band).svg();
    checked(&svg);
    assert!(svg.len() < 150_000, "{}", svg.len());
}

#[test]
fn curves_have_their_scores() {
    let (truth, scores) = ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]);
    let roc = roc_curve(&truth, &scores).expect("a curve");
    let recall = precision_recall_curve(&truth, &scores).expect("a curve");
    // scikit-learn 1.9.1: roc_auc_score 0.75, average_precision_score 0.8333 of these.
    let shown = |bundle: crate::display::MimeBundle| bundle.into_map();
    let map = shown(crate::display::Show::show(&roc));
    assert_eq!(map["text/plain"], "ROC curve: AUC 0.750");
    assert!(map["image/svg+xml"].as_str().is_some_and(|svg| svg.contains("AUC 0.750")));
    let map = shown(crate::display::Show::show(&recall));
    assert_eq!(map["text/plain"], "Precision and recall: AP 0.833");
    let both = Figure::new(vec![roc_chart("ROC").curve("<a>", &roc).curve("b", &roc)])
        .with(pr_chart("PR").curve("a", &recall));
    let svg = both.svg();
    checked(&svg);
    assert!(svg.contains("&lt;a&gt; AUC 0.750") && svg.contains("a AP 0.833"), "{svg}");
}
