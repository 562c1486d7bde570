//! For the attach plan that looks files up after the call: no act follows another before Auklet's log tells
//! of it, or the look-up would find what the next act made of them.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Auklet's log, in the environment.
pub(in crate::parity) const LOG: &str = "AUKLET_PARITY_LOG";

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

/// An act that is not by `call!`.
pub(crate) fn paced<T>(act: impl FnOnce() -> T) -> T {
    within(PATIENCE, act)
}

/// An act that may be none of those recorded.
pub(super) fn if_recorded<T>(act: impl FnOnce() -> T) -> T {
    within(LESS, act)
}

fn within<T>(patience: Duration, act: impl FnOnce() -> T) -> T {
    let before = size();
    let done = act();
    if let Some(before) = before {
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
