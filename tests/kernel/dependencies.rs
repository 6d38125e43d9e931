//! `:dep`: what it adds, what it refuses, and that the session is as it was when it fails or is stopped.

use std::fs;
use std::path::PathBuf;

use kernel::client::{ExecuteOptions, Kernel};

use crate::check;
use crate::home::{Compilers, Home, signal, until};

/// The standard error of a cell: what `:dep` shows meanwhile.
async fn shown(kernel: &Kernel, code: &str) -> (String, serde_json::Value) {
    let mut execution = kernel.client().execute(code, ExecuteOptions::default()).unwrap();
    let (events, reply) = execution.finish().await.unwrap();
    (events.iter().filter_map(|event| event.content["text"].as_str()).collect(), reply)
}

#[tokio::test]
async fn a_crate_beside_the_notebook_is_added_and_variables_live_on() {
    let home = Home::new();
    let folder = home.write_crate("beside", "pub fn f() -> i32 { 40 }\npub struct P { pub x: i32 }", None);
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "let kept = vec![1, 2];").await;
    let dep = ":dep beside = { path = \"beside\", features = [\"extra\"] }";
    let (progress, reply) = shown(&kernel, &format!("{dep}\nlet p = beside::P {{ x: beside::f() }};")).await;
    assert_eq!(reply["status"], "ok", "{reply}");
    for part in [":dep beside", "resolving", " crates", "ext_"] {
        assert!(progress.contains(part), "{part:?} in {progress:?}");
    }
    assert_eq!(check::execute(&kernel, "p.x + kept.len() as i32").await.result(), Some("42"));
    // Once more is nothing new, and its values stay what they are.
    let seen = check::execute(&kernel, &format!("{dep}\nlet q: beside::P = p; q.x")).await;
    assert_eq!(seen.result(), Some("40"), "{seen:?}");

    fs::write(folder.join("src/lib.rs"), "pub fn f() -> i32 { 50 }\npub struct P { pub y: u8, pub x: i32 }").unwrap();
    let seen = check::execute(&kernel, dep).await;
    assert!(
        seen.error().is_some_and(|message| message.contains("`beside`") && message.contains(":restart")),
        "{seen:?}"
    );
    assert_eq!(check::execute(&kernel, "q.x + beside::f()").await.result(), Some("80"));
    check::execute(&kernel, ":restart").await;
    let seen = check::execute(&kernel, &format!("{dep}\nbeside::f() + beside::P {{ y: 1, x: 2 }}.x")).await;
    assert_eq!(seen.result(), Some("52"), "{seen:?}");
    kernel.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_added_is_one_error_and_changes_nothing() {
    let home = Home::new();
    home.write_crate("wrong", "pub fn f() -> i32 { \"text\" }\npub fn g() -> u8 { 'a' }", None);
    let script = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); panic!(\"libfoo is missing\") }";
    home.write_crate("unbuilt", "", Some(script));
    home.write_crate("fine", "pub fn f() -> i32 { 5 }", None);
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "let kept = 7;").await;
    for (dep, parts) in [
        ("this-crate-does-not-exist-at-all = \"1\"", ["no matching package", "this-crate-does-not-exist-at-all"]),
        ("itoa = \"99\"", ["itoa = \"^99\"", "candidate versions"]),
        ("itoa = { version = \"1\", features = [\"nosuch\"] }", ["no feature `nosuch`", "`itoa`"]),
        ("itoa = { version = 1 }", ["expected a string", "Cargo.toml"]),
        ("itoa = { path = \"nowhere\" }", ["nowhere/Cargo.toml", "No such file"]),
        ("wrong = { path = \"wrong\" }", ["E0308", "wrong/src/lib.rs:1:21"]),
        ("unbuilt = { path = \"unbuilt\" }", ["build script of `unbuilt", "libfoo is missing"]),
        ("lab = \"0.1\"", ["`lab`", "package ="]),
        ("itoa", ["E0308", "wrong"]),
    ] {
        // The last line's crate is fine; the one after it is not, and neither is added.
        let cell = if dep == "itoa" {
            ":dep fine = { path = \"fine\" }\n:dep wrong = { path = \"wrong\" }\nfine::f()".to_owned()
        } else {
            format!(":dep {dep}\nkept")
        };
        let seen = check::execute(&kernel, &cell).await;
        let message = seen.error().unwrap_or_else(|| panic!("{dep}: {seen:?}"));
        assert!(parts.iter().all(|part| message.contains(part)), "{dep}: {message}");
        assert!(message.lines().count() <= 16, "{dep}: {message}");
        assert!(!message.contains("ext_") && !message.contains("build/src"), "{dep}: {message}");
        assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"), "{dep}");
        if dep != "itoa" {
            assert_eq!(home.unfinished(), <[PathBuf; 0]>::default(), "{dep}");
        }
    }
    assert!(check::execute(&kernel, "fine::f()").await.error().is_some());
    kernel.shutdown().await;
}

#[tokio::test]
async fn several_crates_in_one_cell() {
    let home = Home::new();
    home.write_crate("one", "pub fn f() -> i32 { 1 }", None);
    home.write_crate("two", "pub use one::f; pub fn g() -> i32 { f() + cfg!(feature = \"extra\") as i32 }", None);
    let manifest = home.notebook().join("two/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text + "[dependencies]\none = { path = \"../one\" }\n").unwrap();
    let kernel = home.start(&[]).await;
    let seen = check::execute(
        &kernel,
        ":dep one = { path = \"one\" }\n:dep two = { path = \"two\", features = [\"extra\"] }\n:dep async-trait = \"0.1\"\n\
         :dep text = { package = \"hex\", version = \"0.4\" }\nuse async_trait::async_trait;\n\
         format!(\"{} {} {}\", one::f(), two::g(), text::encode(\"a\"))",
    )
    .await;
    assert_eq!(seen.result(), Some("\"1 2 61\""), "{seen:?}");
    // What was added is there at once.
    for again in ["async-trait = \"0.1\"", "text = { package = \"hex\", version = \"0.4\" }"] {
        assert_eq!(shown(&kernel, &format!(":dep {again}")).await.0, "", "{again}");
    }
    // A crate that `lab` has needs no build, and one that would change it says so.
    let (progress, reply) = shown(&kernel, ":dep serde_json = \"1\"\nlet json = serde_json::json!(one::f());").await;
    assert_eq!(reply["status"], "ok", "{reply}");
    assert!(!progress.contains("crates"), "{progress}");
    let seen = check::execute(&kernel, ":dep polars = \"0.55\"").await;
    let told = ["`polars`", "nothing was changed", "Without `:dep`"];
    assert!(told.iter().all(|part| seen.error().is_some_and(|message| message.contains(part))), "{seen:?}");
    assert_eq!(check::execute(&kernel, "json.to_string()").await.result(), Some("\"1\""));
    // Another version of what was added would have to replace it.
    let seen = check::execute(&kernel, ":dep text = { package = \"hex\", version = \"=0.4.2\" }").await;
    assert!(seen.error().is_some(), "{seen:?}");
    kernel.shutdown().await;
}

/// A build script that says that it runs, and ends only when there is a file `go`.
const ENDLESS: &str = "fn main() {
    println!(\"cargo::rerun-if-changed=go\");
    if !std::path::Path::new(\"go\").exists() {
        std::fs::write(\"started\", \"\").unwrap();
        loop { std::thread::park(); }
    }
}";
const DEP: &str = ":dep endless = { path = \"endless\" }\nendless::f()";

#[tokio::test]
async fn an_interrupt_ends_a_build_and_the_next_attempt_works() {
    let home = Home::new();
    let folder = home.write_crate("endless", "pub fn f() -> i32 { 3 }", Some(ENDLESS));
    let kernel = home.start(&[]).await;
    check::execute(&kernel, "let kept = 7;").await;
    let compilers = Compilers::of(kernel.process_id());
    let mut execution = kernel.client().execute(DEP, ExecuteOptions::default()).unwrap();
    until("the build script", || folder.join("started").exists()).await;

    // Another kernel has to wait, says so, and need not.
    let other = home.start(&[]).await;
    let mut waiting = other.client().execute(DEP, ExecuteOptions::default()).unwrap();
    while let Some(event) = waiting.next().await.unwrap() {
        if event.content["text"].as_str().is_some_and(|text| text.contains("waiting for another build")) {
            other.client().interrupt().await.unwrap();
        }
    }
    assert_eq!(waiting.reply().unwrap()["ename"], "Interrupted");
    assert!(!compilers.running().is_empty());
    other.shutdown().await;

    kernel.client().interrupt().await.unwrap();
    let (_, reply) = execution.finish().await.unwrap();
    assert_eq!(reply["ename"], "Interrupted", "{reply}");
    until("the end of cargo", || compilers.running().is_empty()).await;
    assert_eq!(home.unfinished(), <[PathBuf; 0]>::default());
    assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"));

    fs::write(folder.join("go"), "").unwrap();
    let seen = check::execute(&kernel, DEP).await;
    assert_eq!(seen.result(), Some("3"), "{seen:?}");
    kernel.shutdown().await;
}

#[tokio::test]
async fn a_kernel_that_is_ended_leaves_no_cargo() {
    for how in ["KILL", "TERM"] {
        let home = Home::new();
        let folder = home.write_crate("endless", "pub fn f() -> i32 { 4 }", Some(ENDLESS));
        let kernel = home.start(&[]).await;
        check::execute(&kernel, "1").await;
        let compilers = Compilers::of(kernel.process_id());
        let _execution = kernel.client().execute(DEP, ExecuteOptions::default()).unwrap();
        until("the build script", || folder.join("started").exists()).await;
        signal(how, kernel.process_id());
        until("the end of cargo", || compilers.are_gone()).await;
        assert_eq!(home.unfinished(), <[PathBuf; 0]>::default(), "{how}");
        fs::write(folder.join("go"), "").unwrap();
        let kernel = home.start(&[]).await;
        assert_eq!(check::execute(&kernel, DEP).await.result(), Some("4"), "{how}");
        kernel.shutdown().await;
    }
}

#[tokio::test]
async fn without_a_network_what_cargo_has_is_enough() {
    let home = Home::new();
    // A port that nobody listens on.
    let kernel = home.start(&[("CARGO_HTTP_PROXY", "http://127.0.0.1:9")]).await;
    check::execute(&kernel, "let kept = 7;").await;
    let cell = ":dep itoa = \"1\"\nitoa::Buffer::new().format(kept + 1).to_owned()";
    let (progress, reply) = shown(&kernel, cell).await;
    assert_eq!(reply["status"], "ok", "{reply}");
    assert!(progress.contains("crates"), "not built here: {progress}");
    let seen = check::execute(&kernel, ":dep this-crate-does-not-exist-at-all = \"1\"").await;
    let message = seen.error().unwrap_or_default().to_owned();
    assert!(message.contains("network cannot be reached"), "{message}");
    assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"));
    kernel.shutdown().await;
    // Cargo was told not to ask. What is built needs neither it nor time.
    let kernel = home.start(&[("CARGO_NET_OFFLINE", "true")]).await;
    check::execute(&kernel, "let kept = 7;").await;
    let (progress, reply) = shown(&kernel, cell).await;
    assert_eq!((progress.as_str(), reply["status"].as_str()), ("", Some("ok")));
    let seen = check::execute(&kernel, ":dep this-crate-does-not-exist-at-all = \"1\"").await;
    let message = seen.error().unwrap_or_default().to_owned();
    assert!(message.contains("offline"), "{message}");
    kernel.shutdown().await;
}
