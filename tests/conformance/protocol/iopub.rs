//! What is published, and how.

use std::time::{Duration, Instant};

use jupyter_zmq_client::create_client_iopub_connection;
use kernel::client::ExecuteOptions;
use serde_json::{Value, json};
use zeromq::SocketRecv;

use crate::server::{PATIENCE, Server, kinds, stream};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_thousand_lines_arrive_complete_in_order_and_before_idle() {
    const LINES: usize = 200_000;
    let server = Server::start().await;
    let (events, reply) = server.execute(&format!(":lines {LINES}")).await;
    assert_eq!(reply["status"], "ok");
    let text = stream(&events, "stdout");
    assert_eq!(text.lines().count(), LINES);
    for (number, line) in text.lines().enumerate() {
        assert_eq!(line, format!("line {number:>40}"));
    }
    assert!(events.len() < 100, "{} messages", events.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn output_keeps_its_order_across_kinds() {
    let server = Server::start().await;
    let (events, _) =
        server.execute(":print a\n:print b\n:stderr c\n:print d\n:display text/html <b>e</b>\n:print f").await;
    assert_eq!(kinds(&events), ["stream", "stream", "stream", "display_data", "stream"]);
    assert_eq!(events[0].content, json!({ "name": "stdout", "text": "ab" }));
    assert_eq!(events[1].content, json!({ "name": "stderr", "text": "c\n" }));
    assert_eq!(events[3].content, json!({ "data": { "text/html": "<b>e</b>" }, "metadata": {}, "transient": {} }));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_without_a_newline_is_shown_while_the_cell_runs() {
    let server = Server::start().await;
    let mut running = server.client.execute(":print 50%\n:sleep", ExecuteOptions::default()).unwrap();
    running.next().await.unwrap();
    let shown = tokio::time::timeout(Duration::from_secs(1), running.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(shown.content["text"], "50%");
    server.client.interrupt().await.unwrap();
    running.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn displays_updates_and_clearing() {
    let server = Server::start().await;
    let (events, _) = server.execute(":show chart one\n:update chart two\n:clear wait\n:clear").await;
    assert_eq!(kinds(&events), ["display_data", "update_display_data", "clear_output", "clear_output"]);
    assert_eq!(events[0].content["transient"], json!({ "display_id": "chart" }));
    assert_eq!(events[1].content["transient"], json!({ "display_id": "chart" }));
    assert_eq!(events[2].content, json!({ "wait": true }));
    assert_eq!(events[3].content, json!({ "wait": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_subscriber_is_greeted_first_and_topics_are_topics() {
    let server = Server::start().await;
    let mut other = create_client_iopub_connection(&server.info, "", "other").await.unwrap();
    let greeting = tokio::time::timeout(PATIENCE, other.socket.recv()).await.unwrap().unwrap().into_vec();
    let header: Value = serde_json::from_slice(&greeting[3]).unwrap();
    assert_eq!(header["msg_type"], "iopub_welcome");
    let content: Value = serde_json::from_slice(&greeting[6]).unwrap();
    assert_eq!(content, json!({ "subscription": "" }));

    server.execute(":stdout x").await;
    for expected in ["status", "execute_input", "stream", "status"] {
        let message = tokio::time::timeout(PATIENCE, other.socket.recv()).await.unwrap().unwrap().into_vec();
        let topic = String::from_utf8(message[0].to_vec()).unwrap();
        assert!(topic.starts_with("kernel.") && topic.ends_with(expected), "{topic} for {expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_does_not_read_delays_nobody() {
    let server = Server::start().await;
    // Connected and subscribed, but never read from.
    let _stalled = create_client_iopub_connection(&server.info, "", "stalled").await.unwrap();
    let started = Instant::now();
    for _ in 0..3 {
        let (events, _) = server.execute(":lines 200000").await;
        assert_eq!(stream(&events, "stdout").lines().count(), 200_000);
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_does_not_leave_the_front_end_at_idle_while_a_cell_runs() {
    let server = Server::start().await;
    let mut other = create_client_iopub_connection(&server.info, "", "other").await.unwrap();
    other.socket.recv().await.unwrap();
    let mut running = server.client.execute(":sleep", ExecuteOptions::default()).unwrap();
    running.next().await.unwrap();
    server.client.wait_ready(PATIENCE).await.unwrap();
    let mut last = String::new();
    while let Ok(message) = tokio::time::timeout(Duration::from_millis(300), other.socket.recv()).await {
        let frames = message.unwrap().into_vec();
        let content: Value = serde_json::from_slice(&frames[6]).unwrap();
        if let Some(state) = content["execution_state"].as_str() {
            last = state.to_owned();
        }
    }
    assert_eq!(last, "busy");
    server.client.interrupt().await.unwrap();
    running.finish().await.unwrap();
}
