//! Input from the person.

use kernel::client::{Event, ExecuteOptions};
use serde_json::json;

use crate::server::{Server, kinds, stream};

fn interactive() -> ExecuteOptions {
    ExecuteOptions { allow_stdin: true, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_asks_after_what_it_printed_and_gets_the_answer() {
    let server = Server::start().await;
    let mut cell = server.client.execute(":print hello\n:password name?", interactive()).unwrap();
    let mut events: Vec<Event> = Vec::new();
    while let Some(event) = cell.next().await.unwrap() {
        if event.msg_type == "input_request" {
            assert_eq!(event.content, json!({ "prompt": "name?", "password": true }));
            server.client.answer_input("Ada").unwrap();
        }
        events.push(event);
    }
    let kinds = kinds(&events);
    assert_eq!(kinds.iter().filter(|kind| **kind == "input_request").count(), 1, "{kinds:?}");
    assert_eq!(stream(&events, "stdout"), "hellogot Ada\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_allow_stdin_the_cell_learns_that_nobody_answers() {
    let server = Server::start().await;
    let (_, reply) = server.execute(":input name?").await;
    assert_eq!(reply["ename"], "NoInput");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_waiting_and_a_stale_answer_is_not_taken_for_the_next() {
    let server = Server::start().await;
    let mut cell = server.client.execute(":input first?", interactive()).unwrap();
    while cell.next().await.unwrap().unwrap().msg_type != "input_request" {}
    server.client.interrupt().await.unwrap();
    assert_eq!(cell.finish().await.unwrap().1["status"], "error");
    server.client.answer_input("too late").unwrap();

    let mut cell = server.client.execute(":wait 100\n:input second?", interactive()).unwrap();
    while cell.next().await.unwrap().unwrap().msg_type != "input_request" {}
    server.client.answer_input("in time").unwrap();
    let (events, _) = cell.finish().await.unwrap();
    assert_eq!(stream(&events, "stdout"), "got in time\n");
}
