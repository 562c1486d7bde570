//! `flush = incremental_async` of auditd.conf(5): fdatasync in a thread of its own
//! (src/auditd-event.c: flush_thread_main).

use std::{
    fs::File,
    io,
    sync::{
        Arc, Mutex,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// The thread; started by the first request, so that it has the sensor's few capabilities only.
#[derive(Debug, Default)]
pub(super) struct Flusher {
    thread: Option<(SyncSender<Arc<File>>, JoinHandle<()>)>,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Flusher {
    /// Asks for a flush; gives the error of an earlier one.
    pub(super) fn request(&mut self, file: &Arc<File>) -> io::Result<()> {
        if self.thread.is_none() {
            self.thread = Some(start(Arc::clone(&self.failed))?);
        }
        if let Some((requests, _)) = &self.thread {
            match requests.try_send(Arc::clone(file)) {
                // One waits already: it begins after all that is written now.
                Ok(()) | Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => {
                    return Err(io::Error::other("the flush thread is gone"));
                }
            }
        }
        let failed = self.failed.lock();
        failed.ok().and_then(|mut e| e.take()).map_or(Ok(()), Err)
    }
}

fn start(
    failed: Arc<Mutex<Option<io::Error>>>,
) -> io::Result<(SyncSender<Arc<File>>, JoinHandle<()>)> {
    let (requests, inbox) = sync_channel::<Arc<File>>(1);
    let run = move || {
        for file in inbox {
            if let (Err(error), Ok(mut failed)) = (file.sync_data(), failed.lock()) {
                *failed = Some(error);
            }
        }
    };
    let thread = thread::Builder::new().name("log-flush".to_owned());
    Ok((requests, thread.spawn(run)?))
}

impl Drop for Flusher {
    /// Waits for what was asked for.
    fn drop(&mut self) {
        if let Some((requests, thread)) = self.thread.take() {
            drop(requests);
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_with_a_later_request() {
        let mut flusher = Flusher::default();
        // fdatasync of a pipe: EINVAL.
        let (reader, _writer) = io::pipe().expect("pipe");
        let pipe = Arc::new(File::from(std::os::fd::OwnedFd::from(reader)));
        let error = (0..1000).find_map(|_| {
            thread::sleep(std::time::Duration::from_millis(1));
            flusher.request(&pipe).err()
        });
        assert_eq!(error.and_then(|e| e.raw_os_error()), Some(libc::EINVAL));
    }
}
