//! The one lenient edge: ZMTP frames in, verified Jupyter messages out. Nothing here knows what a
//! message means, and nothing here ends because of what a peer sent.
//!
//! The server side of ZMTP is ours because the sockets of the `zeromq` crate trust a peer too far for a
//! kernel: a frame header that claims a petabyte aborts the process, and one stalled subscriber stops
//! what all others see. Our client uses that crate, so both implementations are tested against each
//! other, and against libzmq by the conformance tests.

mod endpoint;
mod heartbeat;
mod message;
mod peer;
mod progress;
mod publisher;
mod router;
mod signature;
mod zmtp;

pub(crate) use endpoint::Endpoint;
pub(crate) use heartbeat::Heartbeat;
pub(crate) use message::{Message, PROTOCOL_VERSION};
pub(crate) use publisher::Publisher;
pub(crate) use router::Router;
pub(crate) use signature::Signer;
