//! What cannot be said as cells alone: interrupts, questions, late output, processes.

use std::time::{Duration, Instant};

use kernel::client::{Channel, ExecuteOptions, Kernel};
use serde_json::{Value, json};

use crate::{check, start};

/// Executes `code`, and calls `then` once it has printed `ready`.
async fn once_ready<F: Future<Output = ()>>(kernel: &Kernel, code: &str, then: F) -> (Vec<Value>, Value) {
    let mut execution = kernel.client().execute(code, ExecuteOptions::default()).unwrap();
    let mut then = Some(then);
    let mut contents = Vec::new();
    while let Some(event) = execution.next().await.unwrap() {
        if event.content["text"].as_str().is_some_and(|text| text.contains("ready"))
            && let Some(then) = then.take()
        {
            then.await;
        }
        contents.push(event.content);
    }
    (contents, execution.reply().unwrap().clone())
}

#[tokio::test]
async fn a_cell_may_ask_and_is_told_when_there_is_no_one() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let code = "let name = input(\"who? \")?; name";
    let options = ExecuteOptions { allow_stdin: true, ..ExecuteOptions::default() };
    let mut execution = kernel.client().execute(code, options).unwrap();
    let mut result = Value::Null;
    while let Some(event) = execution.next().await.unwrap() {
        match event.msg_type.as_str() {
            "input_request" => {
                assert_eq!(event.content["prompt"], "who? ");
                kernel.client().answer_input("Ada").unwrap();
            }
            "execute_result" => result = event.content["data"]["text/plain"].clone(),
            _ => {}
        }
    }
    assert_eq!(result, r#""Ada""#);
    let seen = check::execute(&kernel, code).await;
    assert!(seen.error().is_some_and(|message| message.contains("no one to ask")), "{seen:?}");
    kernel.shutdown().await;
}

#[tokio::test]
async fn completion_is_answered_while_a_cell_runs() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(
        &kernel,
        "let numbers = vec![1, 2]; struct Shape { width: f64 } impl Shape { fn area(&self) -> f64 { 1.0 } }",
    )
    .await;
    check::execute(&kernel, "let shape = Shape { width: 2.0 };").await;
    let asked = async {
        for (code, expected, absent) in [
            ("numb", "numbers", "shape"),
            ("numbers.it", "iter", "is_some"),
            ("shape.", "area", "push"),
            ("shape.", "width", "len"),
            ("let s = String::from(\"a\"); s.to_upp", "to_uppercase", "area"),
            (":va", "vars", "help"),
        ] {
            let content = json!({"code": code, "cursor_pos": code.chars().count()});
            let reply = kernel.client().request(Channel::Shell, "complete_request", content).await.unwrap();
            let matches: Vec<&str> = reply["matches"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert!(matches.contains(&expected), "{code}: {matches:?}");
            assert!(!matches.contains(&absent), "{code}: {matches:?}");
        }
        kernel.client().interrupt().await.unwrap();
    };
    let code = "println!(\"ready\"); loop {}";
    let (_, reply) = once_ready(&kernel, code, asked).await;
    assert_eq!(reply["ename"], "Interrupted");
    kernel.shutdown().await;
}

#[tokio::test]
async fn output_is_live_and_in_order_with_displays() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    // The cell goes on only when its first, unfinished line was seen.
    let code = "print!(\"ready\");\nwhile !std::fs::exists(\"go\")? {}\nprintln!(\" a\");\nlab::display::html(\"<b>\");\nprintln!(\"b\");";
    let (contents, _) =
        once_ready(&kernel, code, async { std::fs::write(folder.path().join("go"), "").unwrap() }).await;
    let order: Vec<&str> = contents
        .iter()
        .filter_map(|content| content["text"].as_str().or_else(|| content["data"]["text/html"].as_str()))
        .collect();
    assert_eq!(order.concat(), "ready a\n<b>b\n", "{contents:?}");
    kernel.shutdown().await;
}

#[tokio::test]
async fn nothing_is_left_when_the_kernel_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let seen = check::execute(&kernel, "std::process::id()").await;
    let host: u32 = seen.result().unwrap().parse().unwrap();
    let alive = || std::path::Path::new(&format!("/proc/{host}/exe")).exists();
    assert!(alive());
    std::process::Command::new("kill").args(["-9", &kernel.process_id().to_string()]).status().unwrap();
    let killed = Instant::now();
    // The host has no one to tell; its end can only be looked for.
    while alive() && killed.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!alive(), "the cell host outlived its kernel");
}
