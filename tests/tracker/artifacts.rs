//! What a run attaches: stored once, given back byte by byte.

use crate::support::{Place, Raw, line};

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

#[test]
fn equal_bytes_are_stored_once_whoever_attaches_them() {
    let place = Place::new();
    for name in ["first", "second"] {
        let run = place.start(name, &());
        run.plot("curve", SVG).unwrap();
        run.plot("same", SVG).unwrap();
        run.text("log", "epoch 1").unwrap();
        run.finish().unwrap();
    }
    let mut raw = Raw::open(&place.db());
    assert_eq!(raw.count("SELECT count(*) FROM artifact"), 2);
    assert_eq!(raw.count("SELECT count(*) FROM run_artifact"), 6);
    // sha256 of "epoch 1", computed by sha256sum.
    let hash = "SELECT hash FROM run_artifact WHERE name = 'log'";
    assert_eq!(raw.text(hash), "51604db2883998a0b0a9ee6db811799f3bf7fd9434b7f6c2dddb8a1f6b43a331");
}

#[test]
fn bytes_and_files_come_back_as_they_were() {
    let place = Place::new();
    let path = place.folder().join("weights.bin");
    let weights: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    std::fs::write(&path, &weights).unwrap();
    let run = place.start("files", &());
    run.file(&path).unwrap();
    run.bytes("empty", "application/x-nothing", Vec::new()).unwrap();
    run.attach("curve", "plot", "image/svg+xml", Some(7), SVG.into()).unwrap();
    run.finish().unwrap();

    let store = place.store();
    let run = store.run("files").unwrap();
    let (artifact, bytes) = store.bytes(&run, "weights.bin").unwrap();
    assert_eq!((artifact.kind.as_str(), artifact.size, bytes), ("file", 100_000, weights.clone()));
    let found: Vec<_> = store.artifacts(&run).unwrap().into_iter().map(|a| (a.name, a.mime, a.step)).collect();
    let expected = [
        ("weights.bin", "application/octet-stream", None),
        ("empty", "application/x-nothing", None),
        ("curve", "image/svg+xml", Some(7)),
    ];
    assert_eq!(found, expected.map(|(name, mime, step)| (name.to_owned(), mime.to_owned(), step)));

    let out = place.folder().join("copy.bin");
    let said = place.out(&["show", "files", "--artifact", "weights.bin", "--output", "copy.bin"]);
    assert_eq!(said, "wrote weights.bin (application/octet-stream, 100.0 kB) to copy.bin\n");
    assert_eq!(std::fs::read(&out).unwrap(), weights);
    let piped = place.command(&["show", "files", "--artifact", "weights.bin"]).output().unwrap();
    assert_eq!(piped.stdout, weights);
}

#[test]
fn the_newest_version_of_a_name_is_given_and_all_are_listed() {
    let place = Place::new();
    let run = place.start("versions", &());
    run.text("log", "old").unwrap();
    run.text("log", "new").unwrap();
    run.finish().unwrap();
    assert_eq!(place.out(&["show", "versions", "--artifact", "log"]), "new");
    let page = place.out(&["show", "versions"]);
    assert_eq!(page.matches("text/plain").count(), 2);
    assert!(line(&page, "text/plain").contains("3 B"));
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let place = Place::new();
    let run = place.start("careful", &());
    run.text("log", "new").unwrap();
    run.finish().unwrap();
    std::fs::write(place.folder().join("mine.txt"), "mine").unwrap();
    let error = place.error(&["show", "careful", "--artifact", "log", "--output", "mine.txt"]);
    assert_eq!(error, "mine.txt exists already: name another --output");
    assert_eq!(std::fs::read_to_string(place.folder().join("mine.txt")).unwrap(), "mine");
}

#[test]
fn a_file_that_is_not_there_is_named_and_the_run_goes_on() {
    let place = Place::new();
    let run = place.start("missing", &());
    let error = run.file("no/such/file.bin").unwrap_err().to_string();
    assert!(error.starts_with("the file no/such/file.bin cannot be attached to the run: "), "{error}");
    run.finish().unwrap();
}
