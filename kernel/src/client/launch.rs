//! Starts a kernel of our own and takes it down again: no process and no file is left, however it ends.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jupyter_protocol::{ConnectionInfo, Transport};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use super::{Channel, Client, ClientError, has_ended};

/// How much of what the kernel wrote to stderr is kept for error messages.
const LOG_LIMIT: usize = 8 << 10;
const EXIT_POLL: Duration = Duration::from_millis(10);
/// How often a kernel is started whose ports turn out to be taken.
const ATTEMPTS: usize = 3;
/// How long a kernel may take to end by itself once it was asked to.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);
/// In `argv`, this stands for the connection file's path, as in a kernelspec.
const PLACEHOLDER: &str = "{connection_file}";

/// How to start a kernel.
#[derive(Debug, Clone)]
pub struct Launch {
    pub argv: Vec<OsString>,
    pub envs: Vec<(OsString, OsString)>,
    /// The kernel's working folder; ours when `None`.
    pub directory: Option<PathBuf>,
    /// How long it may take to answer for the first time.
    pub patience: Duration,
}

/// A running kernel that we started, and the client connected to it. Dropping it ends the kernel.
#[derive(Debug)]
pub struct Kernel {
    client: Client,
    info: Value,
    process: Process,
}

impl Launch {
    /// Any kernel; `{connection_file}` in `argv` is replaced by the file's path.
    pub fn new(argv: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            envs: Vec::new(),
            directory: None,
            patience: Duration::from_secs(30),
        }
    }

    /// Our own kernel: this executable, called as `assay kernel`.
    pub fn assay() -> Result<Self, ClientError> {
        let own = std::env::current_exe().map_err(|source| ClientError::OwnExecutable { source })?;
        Ok(Self::new([own.into_os_string(), "kernel".into(), "--connection-file".into(), PLACEHOLDER.into()]))
    }

    /// Starts the kernel and waits until it answers.
    pub async fn start(self) -> Result<Kernel, ClientError> {
        for _ in 1..ATTEMPTS {
            match self.attempt().await {
                // Between our choosing a port and the kernel's taking it, someone else may have it.
                Err(ClientError::Connect { source }) => tracing::debug!(%source, "another attempt on other ports"),
                ended => return ended,
            }
        }
        self.attempt().await
    }

    async fn attempt(&self) -> Result<Kernel, ClientError> {
        let (info, ports) = connection_info()?;
        let patience = self.patience;
        let process = Process::spawn(self, &info, ports)?;
        let ready = async {
            let client = Client::connect_until(&info, process.ended.subscribe()).await?;
            let info = client.wait_ready(patience).await?;
            Ok((client, info))
        };
        let mut ended = process.ended.subscribe();
        let started = tokio::select! {
            ready = tokio::time::timeout(patience, ready) =>
                ready.unwrap_or(Err(ClientError::NotReady { patience })),
            () = has_ended(&mut ended) => Err(ClientError::KernelGone { log: String::new() }),
        };
        match started {
            Ok((client, info)) => Ok(Kernel { client, info, process }),
            Err(error) => Err(process.explain(error)),
        }
    }
}

impl Kernel {
    /// The client connected to this kernel.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The content of its `kernel_info_reply`.
    pub fn info(&self) -> &Value {
        &self.info
    }

    /// The kernel's process id.
    pub fn process_id(&self) -> u32 {
        self.process.child.lock().id()
    }

    /// Adds the kernel's last words to an error that says it is gone.
    pub fn explain(&self, error: ClientError) -> ClientError {
        self.process.explain(error)
    }

    /// Asks the kernel to end and waits until it has.
    pub async fn shutdown(self) {
        let asked = self.client.request(Channel::Control, "shutdown_request", json!({ "restart": false }));
        if matches!(tokio::time::timeout(EXIT_PATIENCE, asked).await, Ok(Ok(_))) {
            let mut ended = self.process.ended.subscribe();
            let _ = tokio::time::timeout(EXIT_PATIENCE, has_ended(&mut ended)).await;
        }
        // Dropping `self.process` ends what is still there.
    }
}

/// The process and its files.
#[derive(Debug)]
struct Process {
    child: Arc<Mutex<Child>>,
    ended: watch::Sender<bool>,
    log: Arc<Mutex<Vec<u8>>>,
    _folder: TempDir,
}

impl Process {
    fn spawn(launch: &Launch, info: &ConnectionInfo, ports: Vec<TcpListener>) -> Result<Self, ClientError> {
        let folder = tempfile::Builder::new()
            .prefix("assay-client-")
            .tempdir()
            .map_err(|source| ClientError::ConnectionFile { path: std::env::temp_dir(), source })?;
        let file = folder.path().join("connection.json");
        write_private(&file, &json!(info))
            .map_err(|source| ClientError::ConnectionFile { path: file.clone(), source })?;
        let argv: Vec<OsString> = launch
            .argv
            .iter()
            .map(|argument| if argument == PLACEHOLDER { file.clone().into() } else { argument.clone() })
            .collect();
        let (program, arguments) = argv.split_first().ok_or(ClientError::EmptyCommand)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(launch.envs.iter().map(|(name, value)| (name, value)))
            .env("JPY_PARENT_PID", std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is ours to handle: the notebook is saved before the kernel ends.
            .process_group(0);
        if let Some(directory) = &launch.directory {
            command.current_dir(directory);
        }
        // Held until now, so that nobody else was given them; the kernel binds them within milliseconds.
        drop(ports);
        let mut child = command
            .spawn()
            .map_err(|source| ClientError::Start { program: program.to_string_lossy().into_owned(), source })?;
        let log = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            let log = log.clone();
            thread::spawn(move || keep_tail(stderr, &log));
        }
        let child = Arc::new(Mutex::new(child));
        let (ended, _) = watch::channel(false);
        let (watched, sender) = (child.clone(), ended.clone());
        thread::spawn(move || {
            while watched.lock().try_wait().is_ok_and(|status| status.is_none()) {
                thread::sleep(EXIT_POLL);
            }
            sender.send_replace(true);
        });
        Ok(Self { child, ended, log, _folder: folder })
    }

    fn explain(&self, error: ClientError) -> ClientError {
        match error {
            ClientError::KernelGone { log } if log.is_empty() => {
                // The thread that reads the log may be a moment behind.
                thread::sleep(EXIT_POLL);
                ClientError::KernelGone { log: String::from_utf8_lossy(&self.log.lock()).trim().to_owned() }
            }
            other => other,
        }
    }

    fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // SIGTERM lets the kernel end its own children.
        if let Ok(pid) = libc::pid_t::try_from(self.child.lock().id()) {
            // SAFETY: the child has not been waited for by anyone else, so the id is still its own.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let asked = Instant::now();
        while !self.has_ended() && asked.elapsed() < EXIT_PATIENCE {
            thread::sleep(EXIT_POLL);
        }
        let mut child = self.child.lock();
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn connection_info() -> Result<(ConnectionInfo, Vec<TcpListener>), ClientError> {
    let listeners: Vec<TcpListener> = (0..5)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .map_err(|source| ClientError::Ports { source })?;
    let ports: Vec<u16> = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.port()))
        .collect::<Result<_, _>>()
        .map_err(|source| ClientError::Ports { source })?;
    let info = ConnectionInfo {
        ip: Ipv4Addr::LOCALHOST.to_string(),
        transport: Transport::TCP,
        shell_port: ports[0],
        iopub_port: ports[1],
        stdin_port: ports[2],
        control_port: ports[3],
        hb_port: ports[4],
        key: Uuid::new_v4().to_string(),
        signature_scheme: "hmac-sha256".to_owned(),
        kernel_name: None,
    };
    Ok((info, listeners))
}

/// The key in it lets anyone run code as us.
fn write_private(path: &Path, info: &Value) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(info.to_string().as_bytes())
}

fn keep_tail(mut stderr: impl Read, log: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        let mut log = log.lock();
        log.extend_from_slice(&buffer[..read]);
        let extra = log.len().saturating_sub(LOG_LIMIT);
        log.drain(..extra);
    }
}
