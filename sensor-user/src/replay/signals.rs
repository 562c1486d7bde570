//! Signals that auditd sends its plug-ins (audit-userspace, audisp/audispd.c): SIGHUP when its
//! configuration is read again, SIGTERM when it stops, and it closes the pipe.

use std::{io, thread, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

/// How long what is in the pipe may take after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// As a shell has it for a process that SIGTERM ended.
const TERMINATED: i32 = 128 + libc::SIGTERM;

/// From here on SIGHUP means nothing, and SIGTERM that the end of the pipe is near.
///
/// # Errors
/// The kernel gives no handler or thread.
pub(super) fn as_plugin() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut hangup, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::hangup())?,
            signal(SignalKind::terminate())?,
        )
    };
    let wait = async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                _ = terminate.recv() => break,
            }
        }
        tokio::time::sleep(GRACE).await;
        std::process::exit(TERMINATED);
    };
    let thread = thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || runtime.block_on(wait)).map(drop)
}
