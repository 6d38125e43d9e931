//! `execute_request` and what runs beside it.

use std::time::{Duration, Instant};

use kernel::client::{Channel, ExecuteOptions};
use serde_json::{Value, json};

use crate::server::{Server, kinds, stream};

const MANY: ExecuteOptions = ExecuteOptions {
    silent: false,
    store_history: true,
    allow_stdin: false,
    stop_on_error: true,
    user_expressions: Value::Null,
    cell_id: None,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_cell_is_number_one_and_a_result_carries_its_number() {
    let server = Server::start().await;
    for number in 1..=3 {
        let mut execution = server.client.execute("hello", ExecuteOptions::default()).unwrap();
        let (events, reply) = execution.finish().await.unwrap();
        assert_eq!(kinds(&events), ["execute_input", "execute_result"]);
        assert_eq!(events[0].content, json!({ "code": "hello", "execution_count": number }));
        assert_eq!(events[1].content["execution_count"], number);
        assert_eq!(events[1].content["data"]["text/plain"], "hello");
        let expected = json!({ "status": "ok", "execution_count": number, "payload": [], "user_expressions": {} });
        assert_eq!(reply, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_cell_shows_nothing_and_is_not_counted() {
    let server = Server::start().await;
    let options = ExecuteOptions { silent: true, ..Default::default() };
    let mut execution = server.client.execute(":stdout out\ntext", options).unwrap();
    let (events, reply) = execution.finish().await.unwrap();
    assert_eq!(kinds(&events), Vec::<&str>::new());
    assert_eq!(reply["status"], "ok");
    let (_, reply) = server.execute("first").await;
    assert_eq!(reply["execution_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_outside_history_does_not_count_either() {
    let server = Server::start().await;
    let options = ExecuteOptions { store_history: false, ..Default::default() };
    server.client.execute("unnoticed", options).unwrap().finish().await.unwrap();
    let (_, reply) = server.execute("first").await;
    assert_eq!(reply["execution_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_expressions_and_payloads_reach_the_reply() {
    let server = Server::start().await;
    let options = ExecuteOptions { user_expressions: json!({ "a": "1 + 1" }), ..MANY };
    let mut execution = server.client.execute(":page help", options).unwrap();
    let (_, reply) = execution.finish().await.unwrap();
    assert_eq!(reply["user_expressions"]["a"]["data"]["text/plain"], "1 + 1");
    assert_eq!(reply["payload"][0]["source"], "page");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_expressions_may_be_null() {
    let server = Server::start().await;
    let (_, reply) = server.client.execute("x", MANY).unwrap().finish().await.unwrap();
    assert_eq!(reply["user_expressions"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_one_message_and_its_reply_repeats_it() {
    let server = Server::start().await;
    let (events, reply) = server.execute(":stdout before\n:error Odd a reason\nnever").await;
    assert_eq!(kinds(&events), ["stream", "error"]);
    assert_eq!(events[1].content, json!({ "ename": "Odd", "evalue": "a reason", "traceback": ["Odd: a reason"] }));
    for (field, expected) in [("status", "error"), ("ename", "Odd"), ("evalue", "a reason")] {
        assert_eq!(reply[field], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_language_is_an_error_of_the_cell_only() {
    let server = Server::start().await;
    let (events, reply) = server.execute(":panic").await;
    assert_eq!(kinds(&events), ["error"]);
    assert_eq!(reply["ename"], "KernelFailure");
    assert_eq!(server.execute("next").await.1["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_aborts_what_is_queued_and_nothing_later() {
    let server = Server::start().await;
    let mut failing = server.client.execute(":wait 100\n:error E e", ExecuteOptions::default()).unwrap();
    let mut queued: Vec<_> =
        (0..3).map(|_| server.client.execute("queued", ExecuteOptions::default()).unwrap()).collect();
    assert_eq!(failing.finish().await.unwrap().1["status"], "error");
    for execution in &mut queued {
        let (events, reply) = execution.finish().await.unwrap();
        assert_eq!(reply["status"], "aborted");
        assert!(reply["execution_count"].is_null(), "a front end would show it as run: {reply}");
        assert_eq!(kinds(&events), Vec::<&str>::new());
    }
    let (_, reply) = server.execute("after").await;
    assert_eq!((reply["status"].as_str(), reply["execution_count"].as_u64()), (Some("ok"), Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_should_not_stop_aborts_nothing() {
    let server = Server::start().await;
    let options = ExecuteOptions { stop_on_error: false, ..Default::default() };
    let mut failing = server.client.execute(":wait 100\n:error E e", options).unwrap();
    let mut queued = server.client.execute("queued", ExecuteOptions::default()).unwrap();
    assert_eq!(failing.finish().await.unwrap().1["status"], "error");
    assert_eq!(queued.finish().await.unwrap().1["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_answered_while_a_cell_runs() {
    let server = Server::start().await;
    let mut running = server.client.execute(":sleep", ExecuteOptions::default()).unwrap();
    assert_eq!(running.next().await.unwrap().unwrap().msg_type, "execute_input");
    let started = Instant::now();
    for (msg_type, content) in [
        ("kernel_info_request", json!({})),
        ("complete_request", json!({ "code": "ab", "cursor_pos": 2 })),
        ("inspect_request", json!({ "code": "ab", "cursor_pos": 2, "detail_level": 0 })),
        ("is_complete_request", json!({ "code": "ab" })),
        ("history_request", json!({ "hist_access_type": "tail", "n": 3 })),
        ("comm_info_request", json!({})),
    ] {
        server.client.request(Channel::Shell, msg_type, content).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    server.client.interrupt().await.unwrap();
    let (_, reply) = running.finish().await.unwrap();
    assert_eq!(reply["ename"], "Interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_thread_prints_late_belongs_to_the_cell_that_started_it() {
    let server = Server::start().await;
    let mut first = server.client.execute(":late 200 tardy", ExecuteOptions::default()).unwrap();
    first.finish().await.unwrap();
    let (events, _) = server.execute(":stdout second\n:wait 400").await;
    assert_eq!(stream(&events, "stdout"), "second\n");
    let late = first.late(Duration::from_secs(2)).await.expect("late output");
    assert_eq!(late.content["text"], "tardy\n");
}
