//! What no client should send. After each batch the kernel must still answer.

use std::time::Duration;

use bytes::Bytes;
use jupyter_zmq_client::{create_client_control_connection, create_client_iopub_connection};
use kernel::protocol::ConnectionInfo;
use ring::hmac;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeromq::{DealerSocket, Socket, SocketSend, ZmqMessage};

use crate::server::Server;

const DELIMITER: &[u8] = b"<IDS|MSG>";
const BATCH: usize = 1000;

fn header(msg_type: &str) -> Vec<u8> {
    json!({ "msg_id": "m", "session": "s", "username": "u", "date": "", "msg_type": msg_type, "version": "5.4" })
        .to_string()
        .into_bytes()
}

fn sign(key: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), &parts.concat());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
}

/// A message signed with `key`.
fn signed(key: &str, parts: [Vec<u8>; 4]) -> Vec<Vec<u8>> {
    let mut frames = vec![DELIMITER.to_vec(), sign(key, &parts)];
    frames.extend(parts);
    frames
}

/// The kinds of nonsense, by name.
fn nonsense(key: &str) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let empty = || b"{}".to_vec();
    let good = signed(key, [header("kernel_info_request"), empty(), empty(), empty()]);
    let mut unsigned = good.clone();
    unsigned[1] = Vec::new();
    let mut no_hexadecimal = good.clone();
    no_hexadecimal[1] = "ßß".repeat(16).into_bytes();
    vec![
        ("one empty frame", vec![Vec::new()]),
        ("no delimiter", vec![b"hello".to_vec(), b"world".to_vec()]),
        ("only the delimiter", vec![DELIMITER.to_vec()]),
        ("truncated", good[..4].to_vec()),
        ("unsigned", unsigned),
        ("a signature that is no hexadecimal", no_hexadecimal),
        ("signed with another key", signed("wrong", [header("execute_request"), empty(), empty(), empty()])),
        ("a header that is no JSON", signed(key, [b"{".to_vec(), empty(), empty(), empty()])),
        ("a header without a type", signed(key, [empty(), empty(), empty(), empty()])),
        ("a header with bad text", signed(key, [b"{\"msg_id\":\"\xff\"}".to_vec(), empty(), empty(), empty()])),
        ("content that is a list", signed(key, [header("execute_request"), empty(), empty(), b"[]".to_vec()])),
        (
            "content that is nested too deep",
            signed(key, [header("execute_request"), empty(), empty(), b"[".repeat(5000)]),
        ),
        ("an execution without code", signed(key, [header("execute_request"), empty(), empty(), empty()])),
        ("a type that nobody knows", signed(key, [header("sing"), empty(), empty(), empty()])),
        ("a reply", signed(key, [header("execute_reply"), empty(), empty(), empty()])),
        ("an answer that nobody asked for", signed(key, [header("input_reply"), empty(), empty(), empty()])),
    ]
}

async fn sockets(info: &ConnectionInfo) -> Vec<(&'static str, DealerSocket)> {
    let mut sockets = Vec::new();
    for (name, port) in [("shell", info.shell_port), ("control", info.control_port), ("stdin", info.stdin_port)] {
        let mut socket = DealerSocket::new();
        socket.connect(&format!("tcp://127.0.0.1:{port}")).await.unwrap();
        sockets.push((name, socket));
    }
    sockets
}

fn message(frames: &[Vec<u8>]) -> ZmqMessage {
    ZmqMessage::try_from(frames.iter().cloned().map(Bytes::from).collect::<Vec<_>>()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_messages_of_each_kind_of_nonsense_on_every_socket() {
    let server = Server::start().await;
    for (name, mut socket) in sockets(&server.info).await {
        for (kind, frames) in nonsense(&server.info.key) {
            let message = message(&frames);
            for _ in 0..BATCH {
                socket.send(message.clone()).await.unwrap();
            }
            server.assert_alive(&format!("{BATCH} times {kind:?} on {name}")).await;
        }
    }
    assert_eq!(server.execute("still here").await.1["execution_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn megabytes_of_nonsense() {
    let server = Server::start().await;
    for (name, mut socket) in sockets(&server.info).await {
        let large = vec![b'x'; 8 << 20];
        for frames in [
            vec![large.clone()],
            vec![DELIMITER.to_vec(), large.clone()],
            signed("wrong", [header("execute_request"), b"{}".to_vec(), b"{}".to_vec(), large.clone()]),
            vec![b"f".to_vec(); 10_000],
        ] {
            for _ in 0..5 {
                socket.send(message(&frames)).await.unwrap();
            }
        }
        server.assert_alive(&format!("megabytes on {name}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_message_with_binary_buffers_is_answered() {
    let server = Server::start().await;
    let mut shell = create_client_control_connection(&server.info, "s").await.unwrap();
    let empty = || b"{}".to_vec();
    let mut frames = signed(&server.info.key, [header("kernel_info_request"), empty(), empty(), empty()]);
    frames.push(vec![0xff; 1000]);
    shell.socket.send(message(&frames)).await.unwrap();
    let reply = tokio::time::timeout(Duration::from_secs(5), shell.read()).await.unwrap().unwrap();
    assert_eq!(reply.header.msg_type, "kernel_info_reply");
}

/// The greeting and the READY command of a well-behaved peer.
fn opening(socket_type: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[12..16].copy_from_slice(b"NULL");
    let mut body = b"\x05READY\x0bSocket-Type".to_vec();
    body.extend_from_slice(&u32::try_from(socket_type.len()).unwrap().to_be_bytes());
    body.extend_from_slice(socket_type.as_bytes());
    bytes.extend_from_slice(&[4, u8::try_from(body.len()).unwrap()]);
    bytes.extend(body);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_zeromq_on_every_port() {
    let server = Server::start().await;
    let mut petabyte = opening("DEALER");
    petabyte.push(2);
    petabyte.extend_from_slice(&(1_u64 << 50).to_be_bytes());
    let mut largest = opening("DEALER");
    largest.push(2);
    largest.extend_from_slice(&u64::MAX.to_be_bytes());
    let mut huge_command = opening("DEALER");
    huge_command.push(6);
    huge_command.extend_from_slice(&(1_u64 << 40).to_be_bytes());
    let mut broken_ready = opening("DEALER");
    broken_ready[66] = 0xee;
    let info = &server.info;
    for port in [info.shell_port, info.control_port, info.stdin_port, info.hb_port, info.iopub_port] {
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            vec![0; 200],
            vec![0xff; 200],
            opening("DEALER")[..70].to_vec(),
            petabyte.clone(),
            largest.clone(),
            huge_command.clone(),
            broken_ready.clone(),
        ] {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            let mut answer = [0; 64];
            let _ = tokio::time::timeout(Duration::from_millis(20), stream.read_exact(&mut answer)).await;
        }
    }
    server.assert_alive("bytes that are no ZeroMQ").await;
    assert_eq!(server.execute("still here").await.1["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_subscriptions() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.info.iopub_port)).await.unwrap();
    let mut bytes = opening("SUB");
    for _ in 0..5000 {
        // An empty frame, an unknown verb, a cancellation of nothing, a topic that is no text, two frames.
        bytes.extend_from_slice(&[0, 0, 0, 1, 9, 0, 2, 0, b'x', 0, 3, 1, 0xff, 0xfe, 1, 1, 1, 0, 1, 1]);
    }
    stream.write_all(&bytes).await.unwrap();
    server.assert_alive("odd subscriptions").await;
    let mut other = create_client_iopub_connection(&server.info, "", "other").await.unwrap();
    let greeting = tokio::time::timeout(Duration::from_secs(5), other.read()).await.unwrap().unwrap();
    assert_eq!(greeting.header.msg_type, "iopub_welcome");
}
