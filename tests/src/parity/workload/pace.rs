//! For what is looked up after the call: no act follows another before Auklet's log tells of it, or the look-up
//! would find what the next act made of the files. By tracepoint that is every act, else an open that fails.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    sync::OnceLock,
    time::{Duration, Instant},
};

use libc::c_long;

/// Auklet's log, in the environment.
pub(in crate::parity) const LOG: &str = "AUKLET_PARITY_LOG";
/// There, if every act is to be waited for.
pub(in crate::parity) const EVERY: &str = "AUKLET_PARITY_EVERY";

/// How long a call's record is waited for, on a machine that others use, too.
const PATIENCE: Duration = Duration::from_millis(300);
/// The same of a call that some families' rules don't record.
const LESS: Duration = Duration::from_millis(40);
const STEP: Duration = Duration::from_micros(500);

/// Bytes of the log, if there is one to wait for. By lseek, which no rule records; opened once, as a child
/// may have another root.
fn size() -> Option<u64> {
    static OPENED: OnceLock<Option<File>> = OnceLock::new();
    let log = OPENED.get_or_init(|| File::open(std::env::var_os(LOG)?).ok());
    let mut log = log.as_ref()?;
    log.seek(SeekFrom::End(0)).ok()
}

/// Whether every act is waited for.
fn every() -> bool {
    static EVERY_ACT: OnceLock<bool> = OnceLock::new();
    *EVERY_ACT.get_or_init(|| std::env::var_os(EVERY).is_some())
}

/// An act that is not by `call!`.
pub(crate) fn paced<T>(act: impl FnOnce() -> T) -> T {
    within(PATIENCE, |_| every(), act)
}

/// An act that may be none of those recorded.
pub(super) fn if_recorded<T>(act: impl FnOnce() -> T) -> T {
    within(LESS, |_| every(), act)
}

/// An open whose file no hook sees if it fails.
pub(super) fn looked_up(act: impl FnOnce() -> c_long) -> c_long {
    within(PATIENCE, |result| *result < 0 || every(), act)
}

fn within<T>(patience: Duration, waits: impl Fn(&T) -> bool, act: impl FnOnce() -> T) -> T {
    let before = size();
    let done = act();
    if let Some(before) = before.filter(|_| waits(&done)) {
        until_past(before, patience);
    }
    done
}

/// Until the log is longer and rests, or the call was none that is recorded.
fn until_past(before: u64, patience: Duration) {
    let end = Instant::now() + patience;
    while size() == Some(before) && Instant::now() < end {
        std::thread::sleep(STEP);
    }
    // What came may have been of an act before, in this process or another.
    let (mut last, mut rested) = (size(), 0);
    while rested < 8 && Instant::now() < end {
        std::thread::sleep(STEP);
        let now = size();
        rested = if now == last { rested + 1 } else { 0 };
        last = now;
    }
}
