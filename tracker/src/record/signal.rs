//! The end of the process: SIGTERM, or an ordinary exit. Both let the threads that store finish first.

use std::os::fd::RawFd;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

use super::{panics, registry};
use crate::Status;

/// The writing end of the pipe that the signal handler uses; -1 while there is none.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Arranges, once, that runs are stored when the process ends. SIGTERM is left alone where the program has a
/// handler of its own: it may want to finish its runs itself.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function is a plain one that may be called at any time, and never unwinds.
        unsafe { libc::atexit(at_exit) };
        watch_sigterm();
    });
    panics::note();
}

extern "C" fn at_exit() {
    registry::close_all(None);
}

fn watch_sigterm() {
    if !is_default(libc::SIGTERM) {
        return;
    }
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: the array has room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return;
    }
    let [reading, writing] = ends;
    let thread = std::thread::Builder::new().name("assay-signal".to_owned());
    if thread.spawn(move || wait(reading)).is_err() {
        return;
    }
    PIPE.store(writing, Ordering::Release);
    // SAFETY: the handler does nothing but write to a pipe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_sigterm as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(libc::SIGTERM, &action, std::ptr::null_mut());
    }
}

fn is_default(signal: libc::c_int) -> bool {
    // SAFETY: with no new action, the old one is only written to `action`.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0 && action.sa_sigaction == libc::SIG_DFL
    }
}

extern "C" fn on_sigterm(_: libc::c_int) {
    let pipe = PIPE.load(Ordering::Acquire);
    // SAFETY: `write` may be called in a signal handler; one byte from a constant.
    unsafe { libc::write(pipe, b"t".as_ptr().cast(), 1) };
}

/// Waits for the signal, stores everything, and lets the process die of it as if nobody had looked.
fn wait(pipe: RawFd) {
    let mut byte = 0_u8;
    // SAFETY: room for one byte.
    while unsafe { libc::read(pipe, (&raw mut byte).cast(), 1) } != 1 {
        if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return;
        }
    }
    registry::close_all(Some((Status::Failed, "the process was terminated (SIGTERM)")));
    // SAFETY: plain calls of the C library.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_DFL);
        libc::kill(libc::getpid(), libc::SIGTERM);
    }
}
