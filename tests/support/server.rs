//! An echo kernel in this process, on free ports, with a client connected to it.

use std::future::pending;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use kernel::client::{Client, Event, ExecuteOptions};
use kernel::protocol::{self, ConnectionInfo, Transport};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::echo::Echo;

/// No answer takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The kernel and its client; both end with the test's runtime.
pub(crate) struct Server {
    pub(crate) info: ConnectionInfo,
    pub(crate) client: Client,
    pub(crate) served: JoinHandle<Result<(), protocol::ServeError>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let info = connection_info();
        let served = tokio::spawn(protocol::run(info.clone(), Arc::new(Echo::default()), pending()));
        let client = Client::connect(&info).await.unwrap();
        client.wait_ready(PATIENCE).await.unwrap();
        Self { info, client, served }
    }

    /// Executes to the end: the events but `execute_input`, and the reply.
    pub(crate) async fn execute(&self, code: &str) -> (Vec<Event>, Value) {
        let mut execution = self.client.execute(code, ExecuteOptions::default()).unwrap();
        let (mut events, reply) =
            tokio::time::timeout(PATIENCE, execution.finish()).await.expect("the cell ends").unwrap();
        events.retain(|event| event.msg_type != "execute_input");
        (events, reply)
    }

    /// The kernel still answers.
    pub(crate) async fn assert_alive(&self, after: &str) {
        let ready = self.client.wait_ready(PATIENCE).await;
        assert!(ready.is_ok(), "no kernel_info_reply after {after}: {ready:?}");
    }
}

/// Free ports and a key of a test.
pub(crate) fn connection_info() -> ConnectionInfo {
    let held: Vec<TcpListener> = (0..5).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    let port = |index: usize| held[index].local_addr().unwrap().port();
    ConnectionInfo {
        ip: "127.0.0.1".to_owned(),
        transport: Transport::TCP,
        shell_port: port(0),
        iopub_port: port(1),
        stdin_port: port(2),
        control_port: port(3),
        hb_port: port(4),
        key: "a-key-for-tests".to_owned(),
        signature_scheme: "hmac-sha256".to_owned(),
        kernel_name: None,
    }
}

/// All text of one stream.
pub(crate) fn stream(events: &[Event], name: &str) -> String {
    events
        .iter()
        .filter(|event| event.msg_type == "stream" && event.content["name"] == name)
        .filter_map(|event| event.content["text"].as_str())
        .collect()
}

/// The kinds of the events, in order.
pub(crate) fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.msg_type.as_str()).collect()
}
