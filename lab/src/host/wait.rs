//! `.await` at the top level of a cell.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use super::interrupt;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future to its end on this thread. It brings no reactor: timers and sockets need the runtime of
/// the crate that they come from.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut output = None;
    drive(&mut |context| match Pin::as_mut(&mut future).poll(context) {
        Poll::Ready(ready) => {
            output = Some(ready);
            true
        }
        Poll::Pending => false,
    });
    match output {
        Some(output) => output,
        None => unreachable!("`drive` returns once the future is ready"),
    }
}

fn drive(ready: &mut dyn FnMut(&mut Context<'_>) -> bool) {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    while !ready(&mut context) {
        // For so long at most, so that it can be interrupted.
        std::thread::park_timeout(std::time::Duration::from_millis(50));
        interrupt::check();
    }
}
