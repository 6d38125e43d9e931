//! Subscribers that read slowly, messages that come twice, and sockets that a killed kernel has left.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kernel::client::{Client, ExecuteOptions};
use kernel::protocol::{self, Transport};
use ring::hmac;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeromq::{DealerSocket, Socket, SocketSend, ZmqMessage};

use crate::echo::Echo;
use crate::server::{PATIENCE, Server, connection_info};

const MEGABYTE: usize = 1 << 20;

/// The greeting, the READY command and the subscription of a client without a library.
fn opening() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[12..16].copy_from_slice(b"NULL");
    let body = b"\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB";
    bytes.extend_from_slice(&[4, u8::try_from(body.len()).unwrap()]);
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(&[0, 1, 1]);
    bytes
}

/// Prints so many megabytes, and reads them at so many each second; what came, and its end.
async fn read_slowly(megabytes: usize, rate: usize) -> (usize, String) {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.info.iopub_port)).await.unwrap();
    stream.write_all(&opening()).await.unwrap();
    let mut greeting = vec![0; 200];
    stream.read_exact(&mut greeting).await.unwrap();
    let _running = server.client.execute(&format!(":megabytes {megabytes}"), ExecuteOptions::default()).unwrap();
    let started = Instant::now();
    let mut buffer = vec![0; MEGABYTE];
    let (mut count, mut end) = (0, Vec::new());
    while let Ok(read) = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await {
        let read = read.unwrap();
        count += read;
        end.extend_from_slice(&buffer[..read]);
        end.drain(..end.len().saturating_sub(2000));
        if read == 0 || String::from_utf8_lossy(&end).contains("\"idle\"") {
            break;
        }
        let due = Duration::from_secs_f64(count as f64 / (rate * MEGABYTE) as f64);
        tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
    }
    (count, String::from_utf8_lossy(&end).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_loses_nothing() {
    let (count, end) = read_slowly(500, 100).await;
    assert!(count > 500 * MEGABYTE, "{count} bytes");
    assert!(end.contains("\"idle\""), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: what ipykernel does, at full size"]
async fn a_gigabyte_at_twenty_megabytes_a_second() {
    let (count, end) = read_slowly(1200, 20).await;
    assert!(count > 1200 * MEGABYTE, "{count} bytes");
    assert!(end.contains("\"idle\""), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_message_that_comes_twice_is_executed_once() {
    let server = Server::start().await;
    let header = json!({ "msg_id": "again", "session": "s", "username": "u", "msg_type": "execute_request" });
    let parts: Vec<Vec<u8>> = vec![
        header.to_string().into_bytes(),
        b"{}".to_vec(),
        b"{}".to_vec(),
        json!({ "code": ":stdout x" }).to_string().into_bytes(),
    ];
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, server.info.key.as_bytes()), &parts.concat());
    let signature: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for port in [server.info.shell_port, server.info.shell_port, server.info.control_port] {
        let mut socket = DealerSocket::new();
        socket.connect(&format!("tcp://127.0.0.1:{port}")).await.unwrap();
        for signature in [signature.clone(), signature.to_uppercase()] {
            let mut frames = vec![Bytes::from_static(b"<IDS|MSG>"), Bytes::from(signature)];
            frames.extend(parts.iter().cloned().map(Bytes::from));
            socket.send(ZmqMessage::try_from(frames).unwrap()).await.unwrap();
        }
        server.assert_alive("a message that comes again").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.execute("1").await.1["execution_count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_a_kernel_that_was_killed_are_replaced_and_those_of_a_living_one_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut info = connection_info();
    info.transport = Transport::IPC;
    info.ip = folder.path().join("ipc").display().to_string();
    (info.shell_port, info.iopub_port, info.stdin_port, info.control_port, info.hb_port) = (1, 2, 3, 4, 5);
    for port in 1..=5 {
        // Its file stays when it is closed.
        drop(std::os::unix::net::UnixListener::bind(folder.path().join(format!("ipc-{port}"))).unwrap());
    }
    let served = tokio::spawn(protocol::run(info.clone(), Arc::new(Echo::default()), pending()));
    let client = Client::connect(&info).await.unwrap();
    client.wait_ready(PATIENCE).await.unwrap();
    let second = protocol::run(info.clone(), Arc::new(Echo::default()), pending()).await;
    assert!(second.unwrap_err().to_string().contains("cannot listen on ipc://"));
    client.wait_ready(PATIENCE).await.unwrap();
    served.abort();
}
