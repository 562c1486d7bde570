//! The analysers of a running sensor: what they are fed, when they look again, and what they knew when the
//! sensor ended.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write as _},
    iter,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use auklet_rules::{
    FieldId, Interest, Observation, Scene,
    analysis::{self, Change, Counts, Limits, Snapshot, Watch},
};

use crate::{
    alerting::Told,
    audit_log::now_ns,
    enrich::{Enricher, HostFiles, acts},
    event::Event,
    process::ProcessTable,
};

/// Files compared in one step of a sweep, and how often there is one: 1,500 files take four minutes.
const SWEEP_FILES: usize = 64;
pub(super) const SWEEP: Duration = Duration::from_secs(10);
/// How often what is known is written, while it changes.
const SAVE: Duration = Duration::from_secs(60);
/// Added facts that tell one change of a file from another.
const ADDED: usize = 32;

/// Who was seen to act: what rules see of him, and what an alert shows.
#[derive(Debug)]
struct Witness {
    common: Observation,
    scene: Scene,
}

/// Analysers of files.
pub(super) struct Analysis {
    watch: Watch<Arc<Witness>>,
    files: HostFiles,
    /// Where what is known is kept between runs.
    state: Option<PathBuf>,
    saved: (Instant, u64),
}

impl Analysis {
    /// None where no rule asks for any of their categories.
    pub(super) fn new(interest: &Interest, state: Option<&Path>) -> Option<Self> {
        let asked = |category| interest.categories.contains(category);
        analysis::CATEGORIES.iter().any(asked).then(|| Self {
            watch: Watch::new(Limits::default()),
            files: HostFiles,
            state: state.map(|directory| directory.join("watched-files")),
            saved: (Instant::now(), 0),
        })
    }

    /// Reads every watched file; tells what changed since the last run.
    pub(super) fn start(&mut self, enricher: &mut Enricher) -> Vec<Told> {
        let snapshot = self.state.as_deref().and_then(|path| {
            load(path).unwrap_or_else(|error| {
                log::error!("what was known of watched files is not used: {error:#}");
                None
            })
        });
        let changes = self.watch.start(now_ns(), &mut self.files, snapshot);
        let counts = self.watch.counts();
        log::info!("watched files={} bytes={}", counts.files, counts.bytes);
        self.saved.1 = u64::MAX;
        changes
            .into_iter()
            .map(|change| told(change, enricher))
            .collect()
    }

    /// Takes an event.
    pub(super) fn take(
        &mut self,
        event: &Event,
        enricher: &mut Enricher,
        processes: &ProcessTable,
    ) -> Vec<Told> {
        let mut seen: Option<Arc<Witness>> = None;
        let mut witness = || {
            let witness = seen.get_or_insert_with(|| {
                let records = crate::records::lines(event);
                Arc::new(Witness {
                    common: enricher.actor(event, processes),
                    scene: enricher.scene(event, processes, records),
                })
            });
            Arc::clone(witness)
        };
        let mut changes = Vec::new();
        for act in acts::acts(event) {
            changes.extend(self.watch.take(&act, &mut self.files, &mut witness));
        }
        changes
            .into_iter()
            .map(|change| told(change, enricher))
            .collect()
    }

    /// How long until an open file is to be compared again.
    pub(super) fn pause(&self) -> Option<Duration> {
        let due = self.watch.due_ns()?;
        Some(Duration::from_nanos(due.saturating_sub(now_ns())))
    }

    /// Compares files whose time has come or whose writers have ended.
    pub(super) fn tick(&mut self, enricher: &mut Enricher, processes: &ProcessTable) -> Vec<Told> {
        if self.watch.due_ns().is_none() {
            return Vec::new();
        }
        let ended = |(pid, start_ns): (u32, u64)| {
            let entry = processes.get(pid);
            entry.is_none_or(|entry| entry.exited || !entry.is(start_ns))
        };
        let changes = self.watch.tick(now_ns(), &mut self.files, &ended);
        changes
            .into_iter()
            .map(|change| told(change, enricher))
            .collect()
    }

    /// A step of comparing all files; writes what is known when it changed.
    pub(super) fn sweep(&mut self, enricher: &mut Enricher) -> Vec<Told> {
        let mut changes = Vec::new();
        self.watch
            .sweep(now_ns(), &mut self.files, SWEEP_FILES, &mut changes);
        let (when, told_then) = self.saved;
        if when.elapsed() >= SAVE && told_then != self.watch.counts().told {
            self.save();
        }
        changes
            .into_iter()
            .map(|change| told(change, enricher))
            .collect()
    }

    /// Writes what is known; a failure is told, and the run goes on.
    pub(super) fn save(&mut self) {
        self.saved = (Instant::now(), self.watch.counts().told);
        let Some(path) = &self.state else { return };
        if let Err(error) = write(path, &self.watch) {
            log::error!("what is known of watched files is not kept: {error:#}");
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.watch.counts()
    }
}

fn told(change: Change<Arc<Witness>>, enricher: &Enricher) -> Told {
    let category = analysis::category(&change.place);
    let (mut observation, mut scene) = match &change.writer {
        Some(witness) => (witness.common.clone(), witness.scene.clone()),
        None => (Observation::new(category), enricher.nobody(change.time_ns)),
    };
    observation.category = category;
    for (name, value) in change.fields() {
        if let Some(field) = FieldId::find(name) {
            observation.set(field, value);
        }
    }
    scene.object = Some((&change.path[..]).into());
    // Another key in the same file is another alert, not the same once more.
    let added = change.added().into_iter().map(|(key, _)| key);
    let parts: Vec<&[u8]> = iter::once(&change.path[..])
        .chain(added.take(ADDED))
        .collect();
    Told {
        object: parts.join(&b'\n'),
        time_ms: scene.time_ms,
        observation,
        scene,
    }
}

/// What an earlier run wrote; `None`: nothing yet. Only root may have written it.
fn load(path: &Path) -> Result<Option<Snapshot>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("open {path:?}")),
    };
    let metadata = file.metadata()?;
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own || metadata.mode() & 0o077 != 0 || !metadata.is_file() {
        bail!("{path:?}: not a file of mode 0600 that user {own} owns");
    }
    let snapshot = analysis::read_snapshot(&mut BufReader::new(file));
    snapshot.map(Some).with_context(|| format!("{path:?}"))
}

/// Beside the old one, then in its place: one of the two is always whole.
fn write(path: &Path, watch: &Watch<Arc<Witness>>) -> Result<()> {
    let new = path.with_extension("new");
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("make {directory:?}"))?;
    }
    match fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("remove {new:?}"));
        }
        _ => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .with_context(|| format!("make {new:?}"))?;
    let mut out = BufWriter::new(file);
    analysis::write_snapshot(watch.known(), &mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(&new, path).with_context(|| format!("rename to {path:?}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_known_is_kept_for_root_only() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("state/watched-files");
        assert!(load(&path).expect("nothing yet").is_none());
        let watch = Watch::new(Limits::default());
        write(&path, &watch).expect("write");
        write(&path, &watch).expect("write again");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(load(&path).expect("read").expect("there").is_empty());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
        let error = load(&path).expect_err("anybody may read it").to_string();
        assert!(error.contains("mode 0600"), "{error}");
    }
}
