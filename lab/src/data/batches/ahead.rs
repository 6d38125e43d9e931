//! What an iterator gives, made on another core before it is asked for.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::data::DataError;

/// How often one that waits for the thread looks whether someone wants it to stop.
const LOOK: Duration = Duration::from_millis(20);

/// Runs an iterator on a thread of its own. The thread ends when this is dropped, which waits for it.
pub(in crate::data) struct Ahead<T> {
    /// What kept the thread from starting.
    failed: Option<DataError>,
    receiver: Option<Receiver<Result<T, DataError>>>,
    thread: Option<JoinHandle<()>>,
    stop: fn() -> bool,
}

impl<T: Send + 'static> Ahead<T> {
    /// Makes up to `count` items ahead, at least one; ends early when `stop` says so.
    pub(in crate::data) fn new<I>(items: I, count: usize, stop: fn() -> bool) -> Self
    where
        I: Iterator<Item = Result<T, DataError>> + Send + 'static,
    {
        // One more is in the hands of the thread, which waits for room.
        let (sender, receiver) = sync_channel(count.max(1) - 1);
        let thread = Builder::new().name("batches".to_owned()).spawn(move || run(items, &sender, stop));
        match thread {
            Ok(thread) => Self { failed: None, receiver: Some(receiver), thread: Some(thread), stop },
            Err(error) => {
                let failed = Some(DataError::Ahead { reason: error.to_string() });
                Self { failed, receiver: None, thread: None, stop }
            }
        }
    }
}

impl<T> Iterator for Ahead<T> {
    type Item = Result<T, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let receiver = self.receiver.as_ref()?;
        loop {
            if (self.stop)() {
                return None;
            }
            match receiver.recv_timeout(LOOK) {
                Ok(item) => return Some(item),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        // Without a receiver, the thread can't send and ends after the item that it is making.
        self.receiver = None;
        if let Some(thread) = self.thread.take() {
            // A panic was caught in the thread, so there is nothing to learn from how it ended.
            let _ = thread.join();
        }
    }
}

fn run<T, I>(items: I, sender: &SyncSender<Result<T, DataError>>, stop: fn() -> bool)
where
    I: Iterator<Item = Result<T, DataError>>,
{
    let send_all = || {
        for item in items {
            if sender.send(item).is_err() || stop() {
                return;
            }
        }
    };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(send_all)) {
        // Nobody listens when the batches were dropped; the panic itself was printed when it was raised.
        let _ = sender.send(Err(DataError::Ahead { reason: message(&*panic) }));
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("it panicked: {}", text.as_deref().unwrap_or("a value that is not text was thrown"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn items_come_in_order_and_no_more_are_made_than_asked_for() {
        let made = Arc::new(AtomicUsize::new(0));
        let (count, (tell, told)) = (Arc::clone(&made), channel());
        let items = (0..10).map(move |item| {
            count.fetch_add(1, Ordering::SeqCst);
            tell.send(item).expect("a listener");
            Ok(item)
        });
        let mut ahead = Ahead::new(items, 3, || false);
        // Three are made before any is taken, and the fourth is not begun: there is no room for it.
        for item in 0..3 {
            assert_eq!(told.recv().expect("an item"), item);
        }
        assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
        assert_eq!(made.load(Ordering::SeqCst), 3);
        let rest: Vec<i32> = ahead.by_ref().map(|item| item.expect("an item")).collect();
        assert_eq!(rest, (0..10).collect::<Vec<_>>());
        assert!(ahead.next().is_none());
    }

    #[test]
    fn dropping_ends_the_thread_and_waits_for_it() {
        struct Told(Arc<AtomicBool>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let ended = Arc::new(AtomicBool::new(false));
        let told = Told(Arc::clone(&ended));
        let mut ahead = Ahead::new((0..).map(move |item| (&told, Ok(item)).1), 2, || false);
        assert!(matches!(ahead.next(), Some(Ok(0))));
        assert!(!ended.load(Ordering::SeqCst));
        drop(ahead);
        assert!(ended.load(Ordering::SeqCst));
    }

    #[test]
    fn an_interrupt_ends_it_also_while_it_waits() {
        static STOP: AtomicBool = AtomicBool::new(false);
        let (release, held) = channel::<()>();
        // The thread is in the middle of an item that takes long.
        let items = std::iter::once_with(move || (held.recv(), Ok(0)).1);
        let mut ahead = Ahead::new(items, 1, || STOP.load(Ordering::SeqCst));
        STOP.store(true, Ordering::SeqCst);
        assert!(ahead.next().is_none());
        drop(release);
        drop(ahead);
    }

    #[test]
    fn errors_and_panics_arrive_in_their_place() {
        let items = (0..3).map(|item| match item {
            0 => Ok(0),
            1 => Err(DataError::Share { share: 2.0 }),
            _ => panic!("no third item"),
        });
        let mut ahead = Ahead::new(items, 1, || false);
        assert!(matches!(ahead.next(), Some(Ok(0))));
        assert!(matches!(ahead.next(), Some(Err(DataError::Share { .. }))));
        let error = ahead.next().expect("an item").expect_err("a panic").to_string();
        assert!(error.contains("makes batches ahead failed: it panicked: no third item"), "{error}");
        assert!(ahead.next().is_none());
    }
}
