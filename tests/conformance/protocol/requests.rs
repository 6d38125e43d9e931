//! The requests that do not execute, also in the forms that strict parsers refuse.

use kernel::client::{Channel, ExecuteOptions};
use serde_json::{Value, json};
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

use crate::server::{PATIENCE, Server};

async fn ask(server: &Server, msg_type: &str, content: Value) -> Value {
    server.client.request(Channel::Shell, msg_type, content).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kernel_info_has_every_field() {
    let server = Server::start().await;
    let info = ask(&server, "kernel_info_request", json!({})).await;
    assert_eq!(info["status"], "ok");
    assert_eq!(info["language_info"]["name"], "echo");
    assert_eq!(info["help_links"], json!([{ "text": "Echo", "url": "https://example.invalid/" }]));
    assert_eq!(info["debugger"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_counts_code_points_and_forgives_the_cursor() {
    let server = Server::start().await;
    for (content, expected) in [
        (json!({ "code": "é ab cd", "cursor_pos": 4 }), json!([2, 4, "ab_alpha"])),
        (json!({ "code": "ab" }), json!([0, 2, "ab_alpha"])),
        (json!({ "code": "ab", "cursor_pos": 99 }), json!([0, 2, "ab_alpha"])),
        (json!({ "code": "ab", "cursor_pos": -5 }), json!([0, 0, "_alpha"])),
        (json!({ "code": "ab", "cursor_pos": null }), json!([0, 2, "ab_alpha"])),
    ] {
        let reply = ask(&server, "complete_request", content).await;
        assert_eq!(json!([reply["cursor_start"], reply["cursor_end"], reply["matches"][0]]), expected);
        assert_eq!(reply["metadata"], json!({}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inspection_says_whether_it_found_something() {
    let server = Server::start().await;
    let reply = ask(&server, "inspect_request", json!({ "code": "ab", "cursor_pos": 1 })).await;
    assert_eq!(
        (reply["found"].as_bool(), reply["data"]["text/plain"].as_str()),
        (Some(true), Some("ab at 1, detail 0"))
    );
    let reply = ask(&server, "inspect_request", json!({ "code": " ", "cursor_pos": 0 })).await;
    assert_eq!((reply["status"].as_str(), reply["found"].as_bool()), (Some("ok"), Some(false)));
    assert_eq!(reply["data"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn completeness_has_three_answers() {
    let server = Server::start().await;
    for (code, expected) in [
        ("x", json!({ "status": "complete" })),
        ("fn f() {", json!({ "status": "incomplete", "indent": "    " })),
        ("no!", json!({ "status": "invalid" })),
    ] {
        assert_eq!(ask(&server, "is_complete_request", json!({ "code": code })).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_in_the_forms_that_real_clients_send() {
    let server = Server::start().await;
    for code in ["one", "two", "one", ":stdout three"] {
        server.execute(code).await;
    }
    for (content, expected) in [
        (json!({ "hist_access_type": "tail", "n": 2 }), json!([[1, 3, "one"], [1, 4, ":stdout three"]])),
        (json!({ "hist_access_type": "tail", "n": 1, "output": true }), json!([[1, 4, [":stdout three", null]]])),
        (
            json!({ "hist_access_type": "range", "session": 0, "start": 1, "stop": 3 }),
            json!([[1, 1, "one"], [1, 2, "two"]]),
        ),
        (json!({ "hist_access_type": "range", "session": 1, "start": 4 }), json!([[1, 4, ":stdout three"]])),
        (json!({ "hist_access_type": "range", "session": -1, "start": 0 }), json!([])),
        (json!({ "hist_access_type": "search", "pattern": "o*" }), json!([[1, 1, "one"], [1, 3, "one"]])),
        (json!({ "hist_access_type": "search", "pattern": "o*", "unique": true }), json!([[1, 3, "one"]])),
        (
            json!({ "hist_access_type": "search", "pattern": "*", "n": 1, "output": true, "raw": true }),
            json!([[1, 4, [":stdout three", null]]]),
        ),
        (json!({ "hist_access_type": "search", "pattern": "t?o", "output": true }), json!([[1, 2, ["two", "two"]]])),
    ] {
        let reply = ask(&server, "history_request", content.clone()).await;
        assert_eq!(reply["history"], expected, "{content}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comm_to_nowhere_is_closed() {
    let server = Server::start().await;
    let reply = ask(&server, "comm_info_request", json!({})).await;
    assert_eq!(reply, json!({ "status": "ok", "comms": {} }));
    // `comm_open` has no reply, so its request is given up here.
    let open = json!({ "comm_id": "c1", "target_name": "nobody" });
    let asked = server.client.request(Channel::Shell, "comm_open", open);
    let _ = tokio::time::timeout(std::time::Duration::from_millis(300), asked).await;
    let closed = std::iter::from_fn(|| server.client.try_unclaimed())
        .find(|event| event.msg_type == "comm_close")
        .expect("a comm_close");
    assert_eq!(closed.content, json!({ "comm_id": "c1", "data": {} }));
    // Without `data`, as real clients send it.
    let close = server.client.request(Channel::Shell, "comm_close", json!({ "comm_id": "c1" }));
    let _ = tokio::time::timeout(std::time::Duration::from_millis(50), close).await;
    server.assert_alive("a comm_close without data").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_unknown_or_wrong_is_refused_in_words() {
    let server = Server::start().await;
    let reply = ask(&server, "create_subshell_request", json!({})).await;
    assert_eq!((reply["status"].as_str(), reply["ename"].as_str()), (Some("error"), Some("UnknownRequest")));
    let reply = ask(&server, "complete_request", json!({ "code": 3 })).await;
    assert_eq!((reply["status"].as_str(), reply["ename"].as_str()), (Some("error"), Some("BadRequest")));
    let reply = ask(&server, "debug_request", json!({ "seq": 7, "command": "attach" })).await;
    assert_eq!((reply["success"].as_bool(), reply["request_seq"].as_u64()), (Some(false), Some(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_is_answered_and_ends_the_server() {
    let server = Server::start().await;
    let asked = json!({ "restart": true });
    let reply = server.client.request(Channel::Control, "shutdown_request", asked).await.unwrap();
    assert_eq!(reply, json!({ "status": "ok", "restart": true }));
    server.served.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_echoes_what_it_gets_also_while_a_cell_runs() {
    let server = Server::start().await;
    let mut running = server.client.execute(":sleep", ExecuteOptions::default()).unwrap();
    running.next().await.unwrap();
    let mut heart = ReqSocket::new();
    heart.connect(&format!("tcp://127.0.0.1:{}", server.info.hb_port)).await.unwrap();
    for beat in ["ping", "", "a beat that is longer"] {
        heart.send(ZmqMessage::from(beat)).await.unwrap();
        let echo = tokio::time::timeout(PATIENCE, heart.recv()).await.unwrap().unwrap();
        assert_eq!(String::try_from(echo).unwrap(), beat);
    }
    server.client.interrupt().await.unwrap();
    running.finish().await.unwrap();
}
