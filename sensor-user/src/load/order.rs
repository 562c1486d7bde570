//! Which attach plan is tried first: fentry, or kprobe where the kernel preempts itself (docs/adr/0007).
//!
//! A program of fentry's that is interrupted on its CPU is skipped for whoever comes to it meanwhile. A kernel
//! that gives the CPU away only where it says so interrupts none; one that may be preempted anywhere does.

use std::{fmt, fs, io::Read as _, path::Path};

use super::{btf::KernelTypes, plan::Attach};
use crate::kernel;

/// How a kernel lets its own code be interrupted by another task (kernel/Kconfig.preempt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Only where the kernel waits.
    None,
    /// Where the kernel offers it.
    Voluntary,
    /// Anywhere, as late as the next tick.
    Lazy,
    /// Anywhere, at once.
    Full,
    /// Anywhere, also in what others may not be interrupted in.
    Realtime,
}

impl Model {
    /// As `preempt=` and the scheduler's debug file call it.
    fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "voluntary" => Some(Self::Voluntary),
            "lazy" => Some(Self::Lazy),
            "full" => Some(Self::Full),
            _ => None,
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Voluntary => "voluntary",
            Self::Lazy => "lazy",
            Self::Full => "full",
            Self::Realtime => "realtime",
        })
    }
}

/// A kernel's model, and what says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preemption {
    pub model: Model,
    pub source: &'static str,
}

/// Where the running model is shown: since 5.13, and in 5.12. Root, and debugfs where it always is.
const MODEL_FILES: [&str; 2] = [
    "/sys/kernel/debug/sched/preempt",
    "/sys/kernel/debug/sched_preempt",
];
/// Since 6.13, where the model is chosen at boot.
const LAZY_FUNCTION: &str = "preempt_model_lazy";

/// What the model is told from; what could not be read is empty.
#[derive(Clone, Debug, Default)]
struct Evidence {
    /// `none voluntary (full) lazy`
    shown: String,
    /// The kernel's command line.
    command_line: String,
    /// `uname -v`; init/Makefile puts PREEMPT, PREEMPT_DYNAMIC or PREEMPT_RT into it.
    version: String,
    /// The kernel's configuration.
    config: String,
    /// BTF knows the lazy model.
    knows_lazy: bool,
}

impl Preemption {
    /// The running kernel's.
    #[must_use]
    pub fn running(types: &KernelTypes) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let shown = MODEL_FILES.iter().map(|path| read(path));
        let evidence = Evidence {
            shown: shown
                .into_iter()
                .find(|t| !t.is_empty())
                .unwrap_or_default(),
            command_line: read("/proc/cmdline"),
            version: read("/proc/sys/kernel/version"),
            config: config(),
            knows_lazy: types.has_function(LAZY_FUNCTION),
        };
        evidence.tell()
    }

    /// Whether a program may be interrupted by a task that comes to the same program.
    #[must_use]
    pub fn skips_programs(&self) -> bool {
        matches!(self.model, Model::Lazy | Model::Full | Model::Realtime)
    }

    /// The plans in the order in which they are tried.
    #[must_use]
    pub fn order(&self) -> [Attach; 3] {
        match self.skips_programs() {
            true => [Attach::Kprobe, Attach::Fentry, Attach::Tracepoint],
            false => Attach::ALL,
        }
    }
}

impl fmt::Display for Preemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, source } = self;
        let what = match self.skips_programs() {
            true => "may be preempted anywhere, so fentry programs would be skipped",
            false => "gives the CPU away by itself, so fentry programs are not interrupted",
        };
        write!(f, "this kernel {what} (preemption {model}: {source})")
    }
}

impl Evidence {
    /// The surest first: what runs, what was asked for at boot, what was built.
    fn tell(&self) -> Preemption {
        let has = |flag: &str| self.version.split_whitespace().any(|word| word == flag);
        let by = |model, source| Preemption { model, source };
        if has("PREEMPT_RT") {
            return by(Model::Realtime, "PREEMPT_RT in its version");
        }
        if let Some(model) = self.shown_model() {
            return by(model, "the scheduler's debug file");
        }
        let dynamic = has("PREEMPT_DYNAMIC");
        if let Some(model) = self.asked_model().filter(|_| dynamic) {
            return by(model, "preempt= on its command line");
        }
        if let Some(model) = self.built_model() {
            return by(model, "its configuration");
        }
        match (dynamic, self.knows_lazy) {
            // Where there is a lazy model, it is what kernels are built with unless they are built with full.
            (true, true) => by(Model::Lazy, "chosen at boot, and BTF knows the lazy model"),
            (true, false) => by(Model::Voluntary, "chosen at boot; nothing says what"),
            (false, _) if has("PREEMPT") => by(Model::Full, "PREEMPT in its version"),
            (false, _) => by(Model::Voluntary, "no PREEMPT in its version"),
        }
    }

    fn shown_model(&self) -> Option<Model> {
        let (_, rest) = self.shown.split_once('(')?;
        Model::named(rest.split_once(')')?.0)
    }

    /// The last one counts, as for the kernel.
    fn asked_model(&self) -> Option<Model> {
        let words = self.command_line.split_whitespace();
        let mut asked = words.filter_map(|word| Model::named(word.strip_prefix("preempt=")?));
        asked.next_back()
    }

    fn built_model(&self) -> Option<Model> {
        let models = [
            ("CONFIG_PREEMPT_RT=y", Model::Realtime),
            ("CONFIG_PREEMPT_LAZY=y", Model::Lazy),
            ("CONFIG_PREEMPT=y", Model::Full),
            ("CONFIG_PREEMPT_VOLUNTARY=y", Model::Voluntary),
            ("CONFIG_PREEMPT_NONE=y", Model::None),
        ];
        let set = |line: &str| self.config.lines().any(|l| l == line);
        let found = models.into_iter().find(|(line, _)| set(line));
        found.map(|(_, model)| model)
    }
}

/// The running kernel's configuration, from where distributions leave it; empty where they don't.
fn config() -> String {
    /// Longest that is taken; kernels have a third of a megabyte.
    const LONGEST: u64 = 8 << 20;
    let release = kernel::release();
    let mut text = String::new();
    if let Ok(file) = fs::File::open("/proc/config.gz") {
        let mut packed = flate2::read::GzDecoder::new(file).take(LONGEST);
        if packed.read_to_string(&mut text).is_ok() {
            return text;
        }
    }
    let places = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
    ];
    let mut texts = places.iter().filter_map(|place| {
        let file = fs::File::open(Path::new(place)).ok()?;
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        Some(text)
    });
    texts.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(version: &str) -> Evidence {
        Evidence {
            version: version.to_owned(),
            ..Evidence::default()
        }
    }

    fn check(evidence: &Evidence, model: Model, first: Attach) {
        let told = evidence.tell();
        assert_eq!(
            (told.model, told.order()[0]),
            (model, first),
            "{evidence:?}"
        );
        assert_eq!(told.order()[2], Attach::Tracepoint);
        assert_ne!(told.order()[1], first);
    }

    #[test]
    fn debians_kernels() {
        // 5.10; 6.1 and 6.12, where preempt= could have chosen another; 7.3.
        let old = evidence("#1 SMP Debian 5.10.257-1 (2026-06-02)");
        check(&old, Model::Voluntary, Attach::Fentry);
        let mut dynamic = evidence("#1 SMP PREEMPT_DYNAMIC Debian 6.12.1-1 (2026-10-02)");
        check(&dynamic, Model::Voluntary, Attach::Fentry);
        dynamic.knows_lazy = true;
        check(&dynamic, Model::Lazy, Attach::Kprobe);
    }

    #[test]
    fn what_runs_decides_before_what_was_asked_for_or_built() {
        let mut kernel = evidence("#1 SMP PREEMPT_DYNAMIC x");
        kernel.config = "# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT_VOLUNTARY=y\n".to_owned();
        check(&kernel, Model::Voluntary, Attach::Fentry);
        kernel.command_line = "quiet preempt=none preempt=full preempt=odd\n".to_owned();
        check(&kernel, Model::Full, Attach::Kprobe);
        kernel.shown = "(none) voluntary full lazy\n".to_owned();
        check(&kernel, Model::None, Attach::Fentry);
        kernel.shown = "full (lazy) \n".to_owned();
        check(&kernel, Model::Lazy, Attach::Kprobe);
        kernel.version = "#1 SMP PREEMPT_RT x".to_owned();
        check(&kernel, Model::Realtime, Attach::Kprobe);
    }

    #[test]
    fn a_model_that_is_not_chosen_at_boot_is_the_builds() {
        let mut kernel = evidence("#1 SMP PREEMPT x");
        // Such a kernel does not look at it.
        kernel.command_line = "preempt=none".to_owned();
        check(&kernel, Model::Full, Attach::Kprobe);
        kernel.config = "CONFIG_PREEMPT_LAZY=y\n".to_owned();
        check(&kernel, Model::Lazy, Attach::Kprobe);
        check(&evidence(""), Model::Voluntary, Attach::Fentry);
    }
}
