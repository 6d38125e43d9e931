//! GPUs through the library of their driver. There is none here: `driver.c` stands for it, compiled by the test and
//! given to a process of its own.

use serde_json::json;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use crate::child::{self, Recorder};
use crate::support::{Place, line};

/// The name under which the driver's library is looked for.
const LIBRARY: &str = "libnvidia-ml.so.1";

fn compile(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tracker/driver.c");
    let library = folder.join(LIBRARY);
    let done = Command::new("cc").args(["-shared", "-fPIC", "-w", "-o"]).args([&library, &source]).status().unwrap();
    assert!(done.success());
}

/// A process that records and finds the library in `folder`.
fn record(place: &Place, folder: &Path) -> Recorder {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("LD_LIBRARY_PATH", folder);
    child::spawn_by(command, "hang", &place.db())
}

/// Lets it end its run; what it has said.
fn end(mut recorder: Recorder) -> String {
    drop(recorder.child.stdin.take());
    let mut said = String::new();
    recorder.err.read_to_string(&mut said).unwrap();
    assert!(recorder.child.wait().unwrap().success(), "{said}");
    said
}

#[test]
fn what_gpus_do_is_sampled_and_what_they_are_is_recorded() {
    let (place, driver) = (Place::new(), tempfile::tempdir().unwrap());
    compile(driver.path());
    let recorder = record(&place, driver.path());
    let store = place.store();
    // The first sample comes after 10 s; the file can only be looked at.
    while store.run("hang").unwrap().metric("system.gpu_percent{gpu=1}").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(!end(recorder).contains("assay"), "nothing is said of GPUs");
    let run = store.run("hang").unwrap();
    let value = |name: &str, gpu: u8| run.metric(&format!("system.gpu_{name}{{gpu={gpu}}}")).map(|metric| metric.last);
    for (name, expected) in [
        ("percent", [Some(37.0), Some(38.0)]),
        ("memory_mb", [Some(1500.0); 2]),
        ("memory_total_mb", [Some(80_000.0); 2]),
        ("celsius", [Some(41.0), Some(42.0)]),
        ("watts", [Some(123.456), None]),
    ] {
        assert_eq!([value(name, 0), value(name, 1)], expected, "{name}");
    }
    let environment = store.environment(&run).unwrap();
    assert_eq!(environment["gpus"], json!(["Stand-in A100", "Stand-in T4"]));
    assert_eq!((&environment["gpu_driver"], &environment["cuda"]), (&json!("550.54.15"), &json!("12.4")));
    let page = place.out(&["show", "hang"]);
    assert!(line(&page, "gpu_driver").ends_with("550.54.15"), "{page}");
    assert!(line(&page, "system.gpu_watts{gpu=0}").contains("123.46"), "{page}");
}

#[test]
fn without_a_driver_that_answers_there_are_no_gpus_and_nothing_is_said() {
    let (place, driver) = (Place::new(), tempfile::tempdir().unwrap());
    std::fs::write(driver.path().join(LIBRARY), "no library").unwrap();
    assert!(!end(record(&place, driver.path())).contains("assay"));
    let store = place.store();
    let environment = store.environment(&store.run("hang").unwrap()).unwrap();
    assert_eq!((&environment["gpus"], &environment["gpu_driver"]), (&json!(null), &json!(null)));
    assert!(line(&place.out(&["show", "hang"]), "gpus").ends_with("absent"));
}
