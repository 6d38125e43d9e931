//! The protocol loop with the echo language behind it, driven by our own client, by raw ZeroMQ sockets and
//! by plain TCP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "../../kernel/examples/echo/language.rs"]
mod echo;
#[path = "../support/jupyter.rs"]
mod jupyter;
#[path = "../support/python.rs"]
mod python;
#[path = "../support/server.rs"]
mod server;

#[path = "protocol/executing.rs"]
mod executing;
#[path = "protocol/hostile.rs"]
mod hostile;
#[path = "protocol/input.rs"]
mod input;
#[path = "protocol/iopub.rs"]
mod iopub;
#[path = "protocol/notebooks.rs"]
mod notebooks;
#[path = "protocol/process.rs"]
mod process;
#[path = "protocol/requests.rs"]
mod requests;
#[path = "protocol/slow.rs"]
mod slow;
