//! The channel to the kernel: a thread reads it, any thread writes it.

use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use wire::{CHANNEL_FD, FromHost, ToHost};

use super::replace::replace;

/// The writing half, and the answers that its writers wait for.
pub(super) struct Channel {
    to_kernel: Mutex<File>,
    answers: Mutex<Receiver<ToHost>>,
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

    /// Sends and waits for the kernel's answer. One caller at a time.
    pub(super) fn ask(&self, message: &FromHost) -> Option<ToHost> {
        let answers = lock(&self.answers);
        self.send(message);
        answers.recv().ok()
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
    let (answers, answer_receiver) = channel();
    std::thread::Builder::new().name("assay-channel".to_owned()).spawn(move || {
        read(&mut from_kernel, &orders, &answers);
        // Without a kernel there is no one to run cells for, whatever user code is doing. What it has logged is stored.
        tracker::end_session();
        // SAFETY: ends this process and the programs that cells have started, which are the rest of its group.
        unsafe { libc::kill(0, libc::SIGKILL) };
    })?;
    let channel =
        CHANNEL.get_or_init(|| Channel { to_kernel: Mutex::new(to_kernel), answers: Mutex::new(answer_receiver) });
    Ok((channel, order_receiver))
}

fn read(from_kernel: &mut File, orders: &Sender<ToHost>, answers: &Sender<ToHost>) {
    while let Ok(Some(message)) = wire::read::<ToHost>(from_kernel) {
        let to = match message {
            ToHost::Replace { library, of, slots } => {
                // At once, on this thread: the main thread is running the cell that it is for.
                let error = replace(&library, &of, &slots).err().map(|error| error.to_string());
                if let Some(channel) = get() {
                    channel.send(&FromHost::Replaced { error });
                }
                continue;
            }
            ToHost::Run { .. } | ToHost::Forget { .. } | ToHost::End => orders,
            ToHost::Shown | ToHost::Input { .. } => answers,
        };
        if to.send(message).is_err() {
            return;
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
