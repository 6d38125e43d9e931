//! What ends or interrupts the process from outside: signals, and the death of whoever started us.

use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::language::Language;

const PARENT_POLL: Duration = Duration::from_millis(500);

/// Returns when the kernel should end; meanwhile SIGINT interrupts the running cell.
pub(crate) async fn watch<L: Language>(language: Arc<L>) {
    tokio::select! {
        () = terminated() => tracing::info!("ends because of SIGTERM"),
        () = parent_died() => tracing::info!("ends because the process that started it is gone"),
        () = interrupts(language) => {}
    }
}

async fn interrupts<L: Language>(language: Arc<L>) {
    match signal(SignalKind::interrupt()) {
        Ok(mut interrupts) => {
            while interrupts.recv().await.is_some() {
                language.interrupt();
            }
        }
        Err(error) => tracing::warn!(%error, "SIGINT will not interrupt cells"),
    }
    std::future::pending().await
}

async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminations) => {
            terminations.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM will not end the kernel cleanly");
            std::future::pending().await
        }
    }
}

/// Jupyter names itself in `JPY_PARENT_PID`. Without it, someone started the kernel by hand and may want
/// it to outlive the shell.
async fn parent_died() {
    let named: Option<u32> = std::env::var("JPY_PARENT_PID").ok().and_then(|pid| pid.parse().ok());
    let Some(parent) = named else {
        return std::future::pending().await;
    };
    let is_direct = parent_id() == parent;
    loop {
        tokio::time::sleep(PARENT_POLL).await;
        let alive = if is_direct { parent_id() == parent } else { exists(parent) };
        if !alive {
            return;
        }
    }
}

fn exists(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return false;
    };
    // SAFETY: signal 0 only asks whether the process exists.
    let asked = unsafe { libc::kill(pid, 0) };
    asked == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}
