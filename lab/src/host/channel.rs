//! The channel to the kernel: a thread reads it, any thread writes it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use wire::{CHANNEL_FD, FromHost, ToHost};

use super::replace::replace;

/// The writing half, and who waits for an answer.
pub(super) struct Channel {
    to_kernel: Mutex<File>,
    asking: Mutex<HashMap<u64, Sender<ToHost>>>,
    asked: AtomicU64,
}

static CHANNEL: OnceLock<Channel> = OnceLock::new();

/// The channel, when this process is a cell host.
pub(super) fn get() -> Option<&'static Channel> {
    CHANNEL.get()
}

impl Channel {
    /// Sends and does not wait.
    pub(super) fn send(&self, message: &FromHost) {
        // A kernel that is gone ends this process from the reading thread.
        let _ = wire::write(&mut *lock(&self.to_kernel), message);
    }

    /// Sends what `message` makes of a new id and waits for the kernel's answer to it. Any number of threads may ask.
    pub(super) fn ask(&self, message: impl FnOnce(u64) -> FromHost) -> Option<ToHost> {
        let id = self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = channel();
        lock(&self.asking).insert(id, answer);
        self.send(&message(id));
        answered.recv().ok()
    }

    /// Hands an answer to whoever asked.
    fn answer(&self, id: u64, answer: ToHost) {
        if let Some(asking) = lock(&self.asking).remove(&id) {
            // Who asked may have been unwound since.
            let _ = asking.send(answer);
        }
    }
}

/// Takes over the descriptor and starts the reading thread; cells and orders to forget come out of the
/// receiver.
///
/// # Errors
/// When no kernel handed over a channel.
pub(super) fn open() -> io::Result<(&'static Channel, Receiver<ToHost>)> {
    // SAFETY: the kernel opened this descriptor for us and nothing else in the process uses it.
    let to_kernel = unsafe { File::from_raw_fd(CHANNEL_FD) };
    let mut from_kernel = to_kernel.try_clone()?;
    // User code may start programs; they must not hold the channel open.
    for file in [&to_kernel, &from_kernel] {
        close_on_exec(file)?;
    }
    let (orders, order_receiver) = channel();
    let channel = CHANNEL.get_or_init(|| Channel {
        to_kernel: Mutex::new(to_kernel),
        asking: Mutex::default(),
        asked: AtomicU64::new(0),
    });
    std::thread::Builder::new().name("assay-channel".to_owned()).spawn(move || {
        read(&mut from_kernel, channel, &orders);
        // Without a kernel there is no one to run cells for, whatever user code is doing. What it has logged is stored.
        tracker::end_session();
        // SAFETY: ends this process and the programs that cells have started, which are the rest of its group.
        unsafe { libc::kill(0, libc::SIGKILL) };
    })?;
    Ok((channel, order_receiver))
}

fn read(from_kernel: &mut File, channel: &Channel, orders: &Sender<ToHost>) {
    while let Ok(Some(message)) = wire::read::<ToHost>(from_kernel) {
        match message {
            ToHost::Replace { library, of, slots } => {
                // At once, on this thread: the main thread is running the cell that it is for.
                let error = replace(&library, &of, &slots).err().map(|error| error.to_string());
                channel.send(&FromHost::Replaced { error });
            }
            ToHost::Shown { id } | ToHost::Input { id, .. } => channel.answer(id, message),
            ToHost::Run { .. } | ToHost::Forget { .. } | ToHost::End => {
                if orders.send(message).is_err() {
                    return;
                }
            }
        }
    }
}

fn close_on_exec(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: sets a flag on a descriptor that is open.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
