//! Has the host do something that runs a person's code, and passes the interrupt button on meanwhile.

use std::time::Duration;

use tokio::time::Instant;
use wire::ToHost;

use super::failure::lost;
use super::process::handle::Handle;
use super::process::host::{End, Host};
use super::request::Request;

/// How long a cell may go without a reaction to an interrupt before the person is told what another one would do.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the cell that `order` makes a message of, as [`Host::run`]; how it ended, and whether it was interrupted. No interrupt costs anything until the person was told
/// what it would: all variables, whose names are `names`.
pub(super) async fn call(
    host: &mut Host,
    order: impl FnOnce(u64) -> ToHost,
    names: &[String],
    request: &Request<'_>,
) -> (End, bool) {
    let handle = host.handle();
    let mut asked: Option<Instant> = None;
    let mut told = false;
    let mut running = std::pin::pin!(host.run(order, request.output, request.allow_stdin));
    loop {
        let patience = asked.map(|asked| asked + PATIENCE);
        tokio::select! {
            end = &mut running => break (end, asked.is_some()),
            () = request.stop.asked() => {
                if request.stop.is_last() {
                    handle.interrupt();
                    tokio::spawn(end(handle.clone()));
                } else if told {
                    handle.kill();
                } else {
                    asked.get_or_insert_with(Instant::now);
                    handle.interrupt();
                }
            }
            () = tokio::time::sleep_until(patience.unwrap_or_else(Instant::now)), if patience.is_some() && !told => {
                told = true;
                let costs = match lost(names) {
                    Some(names) => names.replacen("variables lost", "and these variables with it", 1),
                    None => "and no variables with it".to_owned(),
                };
                request.say(&format!("what runs has not come to a point at which it can stop; it goes on, and may still. To interrupt it once more ends its process, {costs}"));
            }
        }
    }
}

/// Drops variables, whose destructors may do anything; returns what there is to say of it.
pub(super) async fn forget(host: &mut Host, names: Vec<String>, request: &Request<'_>) -> Vec<String> {
    let dropped = names.join("`, `");
    let handle = host.handle();
    let mut pressed = false;
    let mut forgotten = std::pin::pin!(host.forget(names, request.output));
    let panicked = loop {
        tokio::select! {
            panicked = &mut forgotten => break panicked,
            () = request.stop.asked() => {
                if pressed {
                    handle.kill();
                } else {
                    pressed = true;
                    handle.interrupt();
                    request.say(&format!("a destructor of `{dropped}` is running; to interrupt it once more ends its process and loses all variables"));
                }
            }
        }
    };
    let told = |(name, message): (String, String)| format!("the destructor of `{name}` panicked: {message}");
    panicked.into_iter().map(told).collect()
}

/// Ends a process whose cell is to stop for good: it may unwind, then it is terminated, which stores its runs.
async fn end(handle: Handle) {
    for (time, act) in [(1_000, Handle::terminate as fn(&Handle)), (1_500, Handle::kill)] {
        tokio::time::sleep(Duration::from_millis(time)).await;
        act(&handle);
    }
}
