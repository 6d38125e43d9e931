//! Reading from what may have nothing to read yet: pipes and sockets. Whether there is something is asked first.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{ChildStderr, ChildStdout};
use std::sync::atomic::AtomicUsize;

use super::super::hooks::{Hook, LOOK, original};
use super::super::interrupt::{self, check};

/// `io::Result<()>` or `io::Result<usize>`.
type Read2 = (usize, usize);

/// A hook of each function that takes a reader by reference and one or two words more.
macro_rules! readers {
    ($($reader:ty: $symbols:expr;)*) => {{
        let mut hooks = Vec::new();
        $({
            static READ: AtomicUsize = AtomicUsize::new(0);
            static READ_BUF: AtomicUsize = AtomicUsize::new(0);
            static READ_VECTORED: AtomicUsize = AtomicUsize::new(0);
            static READ_TO_END: AtomicUsize = AtomicUsize::new(0);
            type Words = fn(&mut $reader, usize, usize) -> Read2;
            let [read, read_buf, read_vectored, read_to_end] = $symbols;
            fn with_read(reader: &mut $reader, buffer: usize, length: usize) -> Read2 {
                ready(reader);
                // SAFETY: its type, as words: handed on as they came.
                let read = unsafe { original::<Words>(&READ) };
                read(reader, buffer, length)
            }
            fn with_read_buf(reader: &mut $reader, cursor: usize, more: usize) -> Read2 {
                ready(reader);
                // SAFETY: as above; of one word or two.
                let read = unsafe { original::<Words>(&READ_BUF) };
                read(reader, cursor, more)
            }
            fn with_read_vectored(reader: &mut $reader, buffers: usize, length: usize) -> Read2 {
                ready(reader);
                // SAFETY: as above.
                let read = unsafe { original::<Words>(&READ_VECTORED) };
                read(reader, buffers, length)
            }
            fn with_read_to_end(reader: &mut $reader, buffer: &mut Vec<u8>) -> io::Result<usize> {
                to_end(reader, buffer)
            }
            type ToEnd = fn(&mut $reader, &mut Vec<u8>) -> io::Result<usize>;
            hooks.extend([
                Hook { symbol: read, with: with_read as Words as *const (), original: &READ, needs: None, everywhere: false },
                Hook { symbol: read_buf, with: with_read_buf as Words as *const (), original: &READ_BUF, needs: None, everywhere: false },
                Hook { symbol: read_vectored, with: with_read_vectored as Words as *const (), original: &READ_VECTORED, needs: None, everywhere: false },
                Hook { symbol: read_to_end, with: with_read_to_end as ToEnd as *const (), original: &READ_TO_END, needs: None, everywhere: false },
            ]);
        })*
        hooks
    }};
}

macro_rules! symbols {
    ($of:literal) => {
        [
            concat!($of, "4Read4read"),
            concat!($of, "4Read8read_buf"),
            concat!($of, "4Read13read_vectored"),
            concat!($of, "4Read11read_to_end"),
        ]
    };
}

pub(super) fn hooks() -> Vec<Hook> {
    static ACCEPT: AtomicUsize = AtomicUsize::new(0);
    let mut hooks = readers! {
        ChildStdout: symbols!("7processNtB5_11ChildStdoutNtNtB7_2io");
        ChildStderr: symbols!("7processNtB5_11ChildStderrNtNtB7_2io");
        PipeReader: symbols!("2io4pipeNtB5_10PipeReaderNtB7_");
        File: symbols!("2fsNtB5_4FileNtNtB7_2io");
        TcpStream: symbols!("3net3tcpNtB4_9TcpStreamNtNtB8_2io");
    };
    hooks.push(Hook {
        symbol: "3net3tcpNtB5_11TcpListener6accept",
        with: accept as fn(&TcpListener) -> io::Result<(TcpStream, SocketAddr)> as *const (),
        original: &ACCEPT,
        needs: None,
        everywhere: false,
    });
    hooks
}

fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    ready(listener);
    listener.accept()
}

fn to_end(reader: &mut (impl Read + AsRawFd), buffer: &mut Vec<u8>) -> io::Result<usize> {
    if !interrupt::can_stop() || is_there(reader.as_raw_fd()) {
        return reader.read_to_end(buffer);
    }
    let before = buffer.len();
    let mut part = vec![0; 64 << 10];
    loop {
        ready(reader);
        match reader.read(&mut part) {
            Ok(0) => return Ok(buffer.len() - before),
            Ok(count) => buffer.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns once there is something to read, or the end; or where a read would not wait.
fn ready(reader: &impl AsRawFd) {
    let file = reader.as_raw_fd();
    if !interrupt::can_stop() || poll(file, 0) {
        return;
    }
    let milliseconds = i32::try_from(LOOK.as_millis()).unwrap_or(50);
    if gives_up(file) {
        return;
    }
    while !poll(file, milliseconds) {
        check();
    }
}

/// Whether there is something to read, or an error to be told of.
fn poll(file: i32, milliseconds: i32) -> bool {
    let mut asked = libc::pollfd { fd: file, events: libc::POLLIN, revents: 0 };
    // SAFETY: one record, which the system writes to.
    let found = unsafe { libc::poll(&mut asked, 1, milliseconds) };
    match found {
        0 => false,
        // A signal came first: to look again does no harm.
        -1 => io::Error::last_os_error().kind() != io::ErrorKind::Interrupted,
        _ => true,
    }
}

/// Whether a read returns without something to read: the person asked for that.
fn gives_up(file: i32) -> bool {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut size = size_of::<libc::timeval>() as libc::socklen_t;
    // SAFETY: both ask the system about a descriptor; the second writes a time of the size that it is told.
    unsafe {
        let flags = libc::fcntl(file, libc::F_GETFL);
        let asked = libc::getsockopt(file, libc::SOL_SOCKET, libc::SO_RCVTIMEO, (&raw mut time).cast(), &mut size);
        flags & libc::O_NONBLOCK != 0 || asked == 0 && (time.tv_sec, time.tv_usec) != (0, 0)
    }
}

/// Whether it is a file on a disk.
fn is_there(file: i32) -> bool {
    // SAFETY: any bits are a valid `stat`, and the system writes one.
    unsafe {
        let mut about: libc::stat = std::mem::zeroed();
        libc::fstat(file, &mut about) == 0 && about.st_mode & libc::S_IFMT == libc::S_IFREG
    }
}
