//! Runs and comparisons as HTML in a notebook.

use serde_json::json;
use tracker::{Query, html};

use crate::support::Place;

#[test]
fn everything_that_a_run_contains_is_escaped() {
    let place = Place::new();
    let evil = "<script>alert('x')</script>&\"";
    for value in [evil, "<img src=x onerror=y>"] {
        let run = place.start(evil, &json!({ evil: value }));
        run.log_with(evil, 0, 1.0, &[("<b>", "<i>")]);
        run.fail(format!("\" onmouseover=\"{evil}")).unwrap();
    }
    let store = place.store();
    let runs = store.runs(&Query::default()).unwrap();
    let pages = [html::runs(&runs), html::comparison(&store.compare(&["1", "2"]).unwrap())];
    for page in pages {
        for raw in ["<script", "<img", "<i>", "alert('", "\" onmouseover"] {
            assert!(!page.contains(raw), "{raw} in {page}");
        }
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"), "{page}");
        assert!(page.contains("&lt;img src=x onerror=y&gt;"), "{page}");
    }
}

#[test]
fn the_best_is_bold_and_no_colour_of_text_is_set() {
    let place = Place::new();
    for (name, accuracy) in [("a", 0.8), ("b", 0.9)] {
        let run = place.start(name, &json!({"lr": accuracy}));
        run.log("accuracy", 0, accuracy);
        run.finish().unwrap();
    }
    let store = place.store();
    let table = html::runs(&store.runs(&Query::default()).unwrap());
    let compared = html::comparison(&store.compare(&["a", "b"]).unwrap());
    for page in [&table, &compared] {
        assert_eq!(page.matches("<b>★ 0.9</b>").count(), 1, "{page}");
        assert_eq!(page.matches("<b>").count(), 1, "{page}");
        assert!(!page.contains(";color:") && !page.contains("\"color:") && !page.contains("background"), "{page}");
        assert_eq!(page.matches("<tr>").count(), page.matches("</tr>").count());
        assert_eq!(page.matches("<td").count(), page.matches("</td>").count());
    }
    assert_eq!(table.matches("<tr>").count(), 3);
}

#[test]
fn no_runs_are_said_so() {
    assert_eq!(html::runs(&[]), "<p>No runs.</p>");
}
