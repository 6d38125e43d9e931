//! Programs that a cell starts. One that the cell would get to know the end of, and nothing else, ends with the wait.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{RecvTimeoutError, channel};

use super::super::hooks::{Hook, LOOK};
use super::super::interrupt::{self, check};

static WAIT: AtomicUsize = AtomicUsize::new(0);
static WAIT_WITH_OUTPUT: AtomicUsize = AtomicUsize::new(0);
static OUTPUT: AtomicUsize = AtomicUsize::new(0);
static STATUS: AtomicUsize = AtomicUsize::new(0);

pub(super) fn hooks() -> Vec<Hook> {
    let hook = |symbol, with, original| Hook { symbol, with, original, needs: None, everywhere: false };
    vec![
        hook("7processNtB5_5Child4wait", wait as fn(&mut Child) -> io::Result<ExitStatus> as *const (), &WAIT),
        hook(
            "7processNtB5_5Child16wait_with_output",
            wait_with_output as fn(Child) -> io::Result<Output> as *const (),
            &WAIT_WITH_OUTPUT,
        ),
        hook("7processNtB5_7Command6output", output as fn(&mut Command) -> io::Result<Output> as *const (), &OUTPUT),
        hook(
            "7processNtB5_7Command6status",
            status as fn(&mut Command) -> io::Result<ExitStatus> as *const (),
            &STATUS,
        ),
    ]
}

/// In place of `Child::wait`; the program goes on, and can be waited for again.
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    if interrupt::can_stop() {
        drop(child.stdin.take());
        wait_for_end(child.id(), &|| {});
    }
    child.wait()
}

/// In place of `Command::status`.
fn status(command: &mut Command) -> io::Result<ExitStatus> {
    if !interrupt::can_stop() {
        return command.status();
    }
    let mut child = command.spawn()?;
    let id = child.id();
    wait_for_end(id, &|| kill(id));
    child.wait()
}

/// In place of `Child::wait_with_output`.
fn wait_with_output(child: Child) -> io::Result<Output> {
    if !interrupt::can_stop() {
        return child.wait_with_output();
    }
    let id = child.id();
    on_a_thread(move || child.wait_with_output(), &|| kill(id))?
}

/// In place of `Command::output`.
fn output(command: &mut Command) -> io::Result<Output> {
    if !interrupt::can_stop() {
        return command.output();
    }
    let before = children();
    let mut taken = std::mem::replace(command, Command::new(""));
    let run = move || {
        let output = taken.output();
        (taken, output)
    };
    let stop = || {
        let started: Vec<u32> = children().difference(&before).copied().collect();
        // With two, which one is ours is not known.
        if let [one] = started.as_slice() {
            kill(*one);
        }
    };
    let (taken, output) = on_a_thread(run, &stop)?;
    *command = taken;
    output
}

/// Has another thread wait, since it waits for several things at once.
fn on_a_thread<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static, stop: &dyn Fn()) -> io::Result<T> {
    let (sender, receiver) = channel();
    std::thread::Builder::new().name("assay-wait".to_owned()).spawn(move || {
        // Whoever waited may have been stopped.
        let _ = sender.send(wait());
    })?;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the wait for a program panicked")),
            Err(RecvTimeoutError::Timeout) if interrupt::stops_here() => {
                stop();
                check();
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Returns when the program has ended, without taking note of it; `stop` is called before this is left.
fn wait_for_end(id: u32, stop: &dyn Fn()) {
    let mut pause = std::time::Duration::from_micros(100);
    loop {
        // SAFETY: any bits are a valid `siginfo_t`, and the system writes one.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let how = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
        // SAFETY: `WNOWAIT` leaves the end for whoever owns the program to see.
        let asked = unsafe { libc::waitid(libc::P_PID, id, &mut info, how) };
        // SAFETY: written by the call; 0 if the program has not ended.
        if asked != 0 || unsafe { info.si_pid() } != 0 {
            return;
        }
        if interrupt::stops_here() {
            stop();
            check();
        }
        std::thread::sleep(pause);
        pause = (pause * 5 / 4).min(std::time::Duration::from_millis(5));
    }
}

fn kill(id: u32) {
    if let Ok(id) = libc::pid_t::try_from(id) {
        // SAFETY: sends a signal to a program of ours that was not waited for, so that its number is still its own.
        unsafe { libc::kill(id, libc::SIGKILL) };
    }
}

/// The programs that this process has started and that are there.
fn children() -> BTreeSet<u32> {
    let own = std::process::id().to_string();
    let is_ours = |id: &u32| {
        let line = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The name in brackets may hold anything.
        line.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)).is_some_and(|parent| parent == own)
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
}
