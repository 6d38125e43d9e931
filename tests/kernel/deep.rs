//! Source that is nested deeper than any stack: one sentence, and the kernel lives.

use kernel::client::{Channel, ExecuteOptions, Kernel};
use serde_json::{Value, json};

use crate::{check, start};

/// Kinds of nesting, `times` deep.
fn nested(times: usize) -> Vec<(&'static str, String)> {
    let around = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(times), close.repeat(times));
    vec![
        ("generics", format!("let x: {} = todo!();", around("Vec<", "u8", ">"))),
        ("turbofish", around("Vec::<", "u8", ">::new()")),
        ("braces", around("{", "1", "}")),
        ("parentheses", around("(", "1", ")")),
        ("brackets", around("[", "1", "]")),
        ("open braces", "{".repeat(times)),
        ("closing braces", "}".repeat(times)),
        ("terms", format!("let x = 1{};", "+1".repeat(times))),
        ("closures", around("|a, b| ", "1", "")),
        ("else if", around("if true {} else ", "{}", "")),
        ("methods", format!("1u8{}", ".min(1)".repeat(times))),
        ("minus", around("- ", "1", "")),
        ("not", around("!", "true", "")),
        ("references", around("& ", "1", "")),
        ("comments", around("/*", "", "*/")),
        ("modules", around("mod a {", "", "}")),
        ("macros", around("vec![", "1", "]")),
        ("definitions", format!("macro_rules! m {{ () => {{ {} }} }}", around("(", "1", ")"))),
        ("tuples", format!("let x: {};", around("(", "u8", ",)"))),
        ("matches", around("match ", "1", " { a => a }")),
        ("calls", format!("f{}", "()".repeat(times))),
        ("functions", around("fn f() { ", "", "}")),
        ("bounds", format!("fn f(_: {}) {{}}", around("impl Fn(", "", ")"))),
        ("patterns", format!("let {} = 1;", around("Some(", "x", ")"))),
        ("attributes", around("#[a(", "", ")]")),
    ]
}

async fn ask(kernel: &Kernel, msg_type: &str, content: Value) -> Value {
    let reply = kernel.client().request(Channel::Shell, msg_type, content).await;
    reply.unwrap_or_else(|error| panic!("{msg_type}: {}", kernel.explain(error)))
}

#[tokio::test]
async fn a_hundred_thousand_deep_from_every_request() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(&kernel, "let kept = 7;").await;
    for (kind, code) in nested(100_000) {
        let end = code.chars().count();
        ask(&kernel, "is_complete_request", json!({ "code": code })).await;
        for code in [code.clone(), format!("{code}.")] {
            for cursor in [end / 2, end, end + 1] {
                ask(&kernel, "complete_request", json!({ "code": code, "cursor_pos": cursor })).await;
                ask(&kernel, "inspect_request", json!({ "code": code, "cursor_pos": cursor })).await;
            }
        }
        let options = ExecuteOptions { user_expressions: json!({ "a": code }), ..ExecuteOptions::default() };
        let mut execution = kernel.client().execute("1", options).unwrap();
        let (_, reply) = execution.finish().await.unwrap_or_else(|error| panic!("{kind}: {}", kernel.explain(error)));
        assert_eq!(reply["status"], "ok", "{kind}");
        check::execute(&kernel, &format!(":dep {code}")).await;
        let mut execution = kernel.client().execute(&code, ExecuteOptions::default()).unwrap();
        let (_, reply) = execution.finish().await.unwrap_or_else(|error| panic!("{kind}: {}", kernel.explain(error)));
        if kind != "comments" {
            assert_eq!(reply["status"], "error", "{kind}");
            assert!(reply["evalue"].as_str().unwrap().len() < 2000, "{kind}: {:.3000}", reply["evalue"]);
        }
    }
    assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn what_the_compiler_takes_still_compiles_and_what_it_does_not_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(&kernel, "let kept = 7;").await;
    for (code, result) in [
        (format!("1{}", "+1".repeat(500)), "501"),
        (format!("let y = 5;\n{}{{ 3 }}", "if y == 1 { 2 } else ".repeat(1000)), "3"),
        (format!("{}9", "let a = 1;\n".repeat(3000)), "9"),
        (format!("let v = vec![{}];\nv.len()", "1.5, ".repeat(100_000)), "100000"),
        (format!("1u8{}", ".min(1)".repeat(1000)), "1"),
        (format!("\"{}\".len()", "x".repeat(10 << 20)), "10485760"),
        (format!("{}4{}", "{".repeat(100), "}".repeat(100)), "4"),
    ] {
        assert_eq!(check::execute(&kernel, &code).await.result(), Some(result), "{code:.50}");
    }
    for (kind, code) in nested(1_500) {
        if !["parentheses", "braces"].contains(&kind) {
            continue;
        }
        let mut execution = kernel.client().execute(&code, ExecuteOptions::default()).unwrap();
        let (_, reply) = execution.finish().await.unwrap();
        assert!(reply["evalue"].as_str().is_some_and(|said| said.contains("the compiler crashed")), "{kind}: {reply}");
    }
    assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"));
    kernel.shutdown().await;
}
