//! The attach plan: for each hook the strongest way that the running kernel offers.

use std::{cell::OnceCell, collections::HashSet, fmt, path::Path, str::FromStr};

use sensor_ebpf::{
    calls::{CALLS, Call},
    config::plan,
    wire::kind,
};

use super::{
    btf::KernelTypes,
    objects::{Needs, Objects},
};
use crate::syscalls::{self, Abi};

/// How hooks attach, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    /// fentry and fexit on kernel functions.
    Fentry,
    /// kprobes and kretprobes on the same functions.
    Kprobe,
    /// The raw tracepoints `sys_enter` and `sys_exit`, with a table of system calls.
    Tracepoint,
}

impl Attach {
    pub const ALL: [Self; 3] = [Self::Fentry, Self::Kprobe, Self::Tracepoint];

    /// The number that the programs know it by.
    #[must_use]
    pub fn setting(self) -> u32 {
        match self {
            Self::Fentry => plan::FENTRY,
            Self::Kprobe => plan::KPROBE,
            Self::Tracepoint => plan::TRACEPOINT,
        }
    }

    /// What this plan can't see or takes from a weaker source, in words for `auklet doctor`.
    #[must_use]
    pub fn blind_spots(self) -> &'static [&'static str] {
        match self {
            Self::Fentry => &[
                "names given to utimensat and its kin, and of calls that fail before the look-up, are read from user memory",
                "files of opens and execs that fail are looked up after the call",
                "opens by open_by_handle_at are not seen",
            ],
            Self::Kprobe => &[
                "names given to utimensat and its kin, and of calls that fail before the look-up, are read from user memory",
                "files of opens and execs that fail are looked up after the call",
                "opens by open_by_handle_at are not seen",
                "a return probe is skipped when too many calls of one kind block at once (counted as no_exit)",
            ],
            Self::Tracepoint => &[
                "names are read from user memory at entry",
                "what io_uring does, opens too; opens by open_by_handle_at are not seen",
                "the target of utimensat by path is looked up after the call; old times are not known",
                "the script and the ld.so of an exec are looked up after the call",
                "names of modules that the kernel refuses",
                "files of all other calls are looked up after the call: modes, owners and capabilities are those that it left",
                "the file that a removal removed; that a rename replaced a file",
                "where a mount was made or taken away, and what it is of; what open_by_handle_at opens",
                "links in /proc that lead into a process are not followed, but the caller's own",
                "socket addresses are read from user memory; of one that the caller had too little room for, a part",
                "targets of kill and ptrace are looked up after the call; not those of a signal to a group",
                "ANOM_LINK of a symbolic link that the kernel would not follow",
            ],
        }
    }
}

impl fmt::Display for Attach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fentry => "fentry",
            Self::Kprobe => "kprobe",
            Self::Tracepoint => "tracepoint",
        })
    }
}

impl FromStr for Attach {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|plan| plan.to_string() == s)
            .ok_or_else(|| format!("unknown attach plan {s:?}: fentry, kprobe, tracepoint or auto"))
    }
}

/// A system call and the kernel function that implements it.
#[derive(Clone, Debug)]
pub struct CallSite {
    pub call: Call,
    /// `__x64_sys_openat`
    pub function: String,
    /// How it attaches: a kernel may not let fentry at every function.
    pub attach: Attach,
}

/// What to attach where.
#[derive(Clone, Debug)]
pub struct Plan {
    pub attach: Attach,
    /// System calls that this kernel has; empty under [`Attach::Tracepoint`].
    pub calls: Vec<CallSite>,
    /// `do_filp_open`, `do_file_open` from 7.x on.
    pub open_function: Option<&'static str>,
    /// The kernel can load modules.
    pub modules: bool,
    /// Functions, attached by kprobe under both stronger plans, that tell of modules refused.
    pub module_functions: Vec<&'static str>,
    /// Where calls beyond the four families and accounts are seen.
    pub objects: Objects,
    /// What the kernel lacks, in words.
    pub missing: Vec<String>,
}

/// Prefix of the functions that implement native system calls.
#[cfg(target_arch = "x86_64")]
const NATIVE_PREFIX: &str = "__x64_sys_";
#[cfg(target_arch = "aarch64")]
const NATIVE_PREFIX: &str = "__arm64_sys_";

/// What stands before and after a call's name in the functions of the 32-bit table, where the kernel
/// is built with one, first what is used if it is there: COMPAT_SYSCALL_DEFINE (include/linux/compat.h),
/// calls with 32-bit times, calls that both tables share.
#[cfg(target_arch = "x86_64")]
const COMPAT_NAMES: &[(&str, &str)] = &[
    ("__ia32_compat_sys_", ""),
    ("__ia32_sys_", "_time32"),
    ("__ia32_sys_", "32"),
    ("__ia32_sys_", ""),
    ("__do_sys_", ""),
];
#[cfg(target_arch = "aarch64")]
const COMPAT_NAMES: &[(&str, &str)] = &[("__arm64_compat_sys_", "")];

/// Calls whose function has another name than the table says: (call, function).
const RENAMED: &[(Abi, &str, &str)] = &[
    (Abi::Native, "stat", "newstat"),
    (Abi::Native, "lstat", "newlstat"),
    (Abi::Native, "fstat", "newfstat"),
    (Abi::Native, "uname", "newuname"),
    (Abi::Native, "umount2", "umount"),
    (Abi::Native, "sendfile", "sendfile64"),
    (Abi::Compat, "umount", "oldumount"),
    (Abi::Compat, "umount2", "umount"),
    (Abi::Compat, "stat64", "ia32_stat64"),
    (Abi::Compat, "lstat64", "ia32_lstat64"),
    (Abi::Compat, "fstat64", "ia32_fstat64"),
    (Abi::Compat, "fstatat64", "ia32_fstatat64"),
    (Abi::Compat, "truncate64", "ia32_truncate64"),
    (Abi::Compat, "ftruncate64", "ia32_ftruncate64"),
    (Abi::Compat, "fallocate", "ia32_fallocate"),
    (Abi::Compat, "chown", "chown16"),
    (Abi::Compat, "lchown", "lchown16"),
    (Abi::Compat, "fchown", "fchown16"),
    (Abi::Compat, "setuid", "setuid16"),
    (Abi::Compat, "setgid", "setgid16"),
    (Abi::Compat, "setreuid", "setreuid16"),
    (Abi::Compat, "setregid", "setregid16"),
    (Abi::Compat, "setresuid", "setresuid16"),
    (Abi::Compat, "setresgid", "setresgid16"),
    (Abi::Compat, "setgroups", "setgroups16"),
    (Abi::Compat, "chown32", "chown"),
    (Abi::Compat, "lchown32", "lchown"),
    (Abi::Compat, "fchown32", "fchown"),
    (Abi::Compat, "setuid32", "setuid"),
    (Abi::Compat, "setgid32", "setgid"),
    (Abi::Compat, "setreuid32", "setreuid"),
    (Abi::Compat, "setregid32", "setregid"),
    (Abi::Compat, "setresuid32", "setresuid"),
    (Abi::Compat, "setresgid32", "setresgid"),
    (Abi::Compat, "setgroups32", "setgroups"),
    (Abi::Compat, "mmap", "ia32_mmap"),
    (Abi::Compat, "mmap2", "mmap_pgoff"),
    (Abi::Compat, "clone", "ia32_clone"),
];

/// The functions that may implement a call, the likeliest first.
fn functions_of(abi: Abi, name: &str) -> impl Iterator<Item = String> {
    let renamed = RENAMED
        .iter()
        .find(|(of, call, _)| *of == abi && *call == name);
    let name = renamed.map_or(name, |(.., function)| function).to_owned();
    let affixes: &[(&str, &str)] = match abi {
        // The second: of calls without arguments, for both tables.
        Abi::Native => &[(NATIVE_PREFIX, ""), ("__do_sys_", "")],
        Abi::Compat => COMPAT_NAMES,
    };
    affixes
        .iter()
        .map(move |(before, after)| format!("{before}{name}{after}"))
}

/// The names under which kernels open a file by `struct filename`.
const OPEN_FUNCTIONS: [&str; 2] = ["do_filp_open", "do_file_open"];

/// Where a module's image is looked at, and where its name is first looked for.
const MODULE_FUNCTIONS: [&str; 2] = ["load_module", "find_module_all"];

impl Plan {
    /// The plan for one way of attaching.
    #[must_use]
    pub fn new(attach: Attach, types: &KernelTypes, needs: &Needs<'_>) -> Self {
        let mut missing = Vec::new();
        let objects = Objects::new(attach, types, needs, &mut missing);
        let mut plan = Self {
            attach,
            calls: Vec::new(),
            open_function: None,
            modules: types.has_tracepoint("module_load"),
            module_functions: Vec::new(),
            objects,
            missing,
        };
        if !plan.modules {
            plan.missing
                .push("tracepoint module_load: this kernel has no modules".to_owned());
        }
        if attach == Attach::Tracepoint {
            return plan;
        }
        plan.add_native(types, &needs.unwanted);
        plan.add_compat(types, &needs.unwanted);
        plan.add_others(types, needs.calls);
        plan.add_module_functions(types);
        plan.open_function = OPEN_FUNCTIONS
            .into_iter()
            .find(|name| types.has_function(name));
        if plan.open_function.is_none() {
            plan.missing.push(format!(
                "none of {}: paths of opens",
                OPEN_FUNCTIONS.join(", ")
            ));
        }
        if !types.has_function("vfs_utimes") {
            plan.missing
                .push("vfs_utimes: targets of utimensat".to_owned());
        }
        plan
    }

    /// Each call's own function; by kprobe where fentry can't.
    fn add_native(&mut self, types: &KernelTypes, unwanted: &[&str]) {
        for call in CALLS.iter().filter(|call| !unwanted.contains(&call.name)) {
            let function = format!("{NATIVE_PREFIX}{}", call.name);
            if types.has_function(&function) {
                let fentry = self.attach == Attach::Fentry && types.is_traceable(&function);
                let attach = if fentry {
                    Attach::Fentry
                } else {
                    Attach::Kprobe
                };
                self.calls.push(CallSite {
                    call: *call,
                    function,
                    attach,
                });
            } else {
                self.missing.push(format!("{function}: not in this kernel"));
            }
        }
    }

    /// 32-bit calls have functions of their own; by kprobe, as few processes make any.
    fn add_compat(&mut self, types: &KernelTypes, unwanted: &[&str]) {
        if !kernel_has_kprobes() {
            self.missing.push("kprobes: 32-bit system calls".to_owned());
            return;
        }
        for call in CALLS.iter().filter(|call| !unwanted.contains(&call.name)) {
            let offered = |(before, after): &(&str, &str)| {
                let function = format!("{before}{}{after}", call.name);
                types.has_function(&function).then_some(function)
            };
            // The first is what the 32-bit table has; utimensat is there twice, with times of both
            // sizes.
            let both = if call.name == "utimensat" { 2 } else { 1 };
            for function in COMPAT_NAMES.iter().filter_map(offered).take(both) {
                self.calls.push(CallSite {
                    call: *call,
                    function,
                    attach: Attach::Kprobe,
                });
            }
        }
    }

    /// Any other call that is wanted; by kprobe, whose one program takes them all.
    fn add_others(&mut self, types: &KernelTypes, others: &[(Abi, u32)]) {
        let symbols = OnceCell::new();
        for (abi, nr) in others {
            let Some(name) = syscalls::name(abi.arch(), *nr) else {
                continue;
            };
            let layout = syscalls::layout(abi.arch(), *nr);
            if CALLS.iter().any(|call| Some(call.name) == layout) {
                continue;
            }
            let described = functions_of(*abi, name).find(|f| types.has_function(f));
            // A call that this kernel is built without has a function all the same: COND_SYSCALL.
            let function = described.or_else(|| {
                let symbols = symbols.get_or_init(system_call_symbols);
                functions_of(*abi, name).find(|f| symbols.contains(f))
            });
            let function = function.filter(|_| kernel_has_kprobes());
            let Some(function) = function else {
                self.missing
                    .push(format!("{name} ({abi:?}): not in this kernel"));
                continue;
            };
            // Both tables have the same function for calls without arguments.
            if self.calls.iter().any(|site| site.function == function) {
                continue;
            }
            let call = Call {
                name,
                kind: kind::OTHER,
                shape: 0,
            };
            self.calls.push(CallSite {
                call,
                function,
                attach: Attach::Kprobe,
            });
        }
    }

    /// By kprobe always: 5.10's fentry can't read a `const char *`.
    fn add_module_functions(&mut self, types: &KernelTypes) {
        let offered = |name: &&str| kernel_has_kprobes() && types.has_function(name);
        if self.modules && MODULE_FUNCTIONS.iter().all(offered) {
            self.module_functions = MODULE_FUNCTIONS.to_vec();
        } else if self.modules {
            let names = MODULE_FUNCTIONS.join(", ");
            self.missing
                .push(format!("{names}: names of modules that the kernel refuses"));
        }
    }

    /// Whether there is a call that sets times.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.calls.iter().any(|site| site.call.kind == kind::UTIME)
    }

    /// Functions of the system calls that attach in one way.
    #[must_use]
    pub fn functions(&self, attach: Attach) -> Vec<&str> {
        let sites = self.calls.iter().filter(|site| site.attach == attach);
        sites.map(|site| site.function.as_str()).collect()
    }

    /// Whether nothing essential is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.attach == Attach::Tracepoint
            || (self.open_function.is_some() && !self.calls.is_empty())
    }
}

/// Names of the functions of system calls, from /proc/kallsyms.
fn system_call_symbols() -> HashSet<String> {
    let text = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let name = |line: &str| line.split(' ').nth(2).map(str::to_owned);
    let names = text.lines().filter(|line| line.contains("_sys_"));
    names.filter_map(name).collect()
}

/// Whether the kernel lets kprobes be made through perf events.
#[must_use]
pub fn kernel_has_kprobes() -> bool {
    Path::new("/sys/bus/event_source/devices/kprobe").exists()
}
