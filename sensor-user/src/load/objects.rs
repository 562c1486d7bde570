//! Functions at which calls beyond the four families touch names, sockets and other processes, and
//! where accounts are: which programs go where on this kernel. By kprobe under both stronger plans:
//! all but one are rare, have more arguments than fentry took before 6.6, or change them between
//! kernels.

mod machine;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    btf::KernelTypes,
    plan::{Attach, kernel_has_kprobes},
    uring,
};
use crate::syscalls::{self, Abi};

/// Calls that SOCKETS is for.
const ADDRESSED: &[&str] = &[
    "socketcall",
    "bind",
    "connect",
    "accept",
    "accept4",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "getsockname",
    "getpeername",
    ENTER,
];

/// Inside which operations of io_uring end, and which takes names for all.
const ENTER: &str = "io_uring_enter";

/// Calls that TARGETS is for.
const DIRECTED: &[&str] = &[
    "ptrace",
    "kill",
    "tkill",
    "tgkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "pidfd_send_signal",
];

/// Calls that alert rules can be answered about without `filename_lookup`, which every stat passes.
const WITHOUT_LOOKUP: &[&str] = &[
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mknod",
    "mknodat",
    "unlink",
    "unlinkat",
    "rmdir",
    "connect",
    "accept",
    "accept4",
    "socketcall",
    "mmap",
    "mmap2",
    "mprotect",
    "pkey_mprotect",
    "memfd_create",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
];

/// Calls of those that take no names at all.
const NAMELESS: usize = 12;

/// What to attach by kprobe and kretprobe: the functions of each program, returns first.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    pub returns: BTreeMap<&'static str, Vec<&'static str>>,
    pub entries: BTreeMap<String, Vec<&'static str>>,
    /// By fexit: `filename_lookup`, which every stat passes.
    pub fexit_lookup: bool,
}

/// A function under each name that kernels have for it, and what is lost without.
struct Hook {
    functions: &'static [&'static str],
    entry: Entry,
    returns: Option<&'static str>,
    lost: &'static str,
}

/// The entry program's name.
enum Entry {
    Fixed(&'static str),
    /// With the number of the last argument that is a `struct dentry *`.
    ByDentry(&'static str),
    /// With the number of the argument called `name`.
    ByName(&'static str),
}

const fn create(functions: &'static [&'static str]) -> Hook {
    Hook {
        functions,
        entry: Entry::ByDentry("kprobe_create"),
        returns: Some("kretprobe_create"),
        lost: "CREATE items",
    }
}

const fn entry(
    functions: &'static [&'static str],
    program: &'static str,
    lost: &'static str,
) -> Hook {
    Hook {
        functions,
        entry: Entry::Fixed(program),
        returns: None,
        lost,
    }
}

/// For the calls beyond the four families.
const NAMES: &[Hook] = &[
    Hook {
        functions: &["__filename_parentat", "filename_parentat"],
        entry: Entry::Fixed("kprobe_filename_parentat"),
        returns: Some("kretprobe_filename_parentat"),
        lost: "PARENT items",
    },
    Hook {
        functions: &["may_delete_dentry", "may_delete"],
        entry: Entry::ByDentry("kprobe_may_delete"),
        returns: None,
        lost: "DELETE items",
    },
    create(&["vfs_mkdir"]),
    create(&["vfs_mknod"]),
    create(&["vfs_create"]),
    create(&["vfs_symlink"]),
    create(&["vfs_link"]),
    Hook {
        functions: &["vfs_rename"],
        entry: Entry::Fixed("kprobe_vfs_rename"),
        returns: Some("kretprobe_vfs_rename"),
        lost: "CREATE items of renames",
    },
    Hook {
        functions: &["do_file_open_root"],
        entry: Entry::ByName("kprobe_do_file_open_root"),
        returns: Some("kretprobe_do_file_open_root"),
        lost: "items of open_by_handle_at",
    },
    entry(
        &["audit_log_path_denied"],
        "kprobe_audit_log_path_denied",
        "ANOM_LINK, ANOM_CREAT",
    ),
];

/// For cap_f* of PATH.
const FILE_CAPS: &[Hook] = &[
    Hook {
        functions: &["__vfs_setxattr_noperm"],
        entry: Entry::ByDentry("kprobe_setxattr"),
        returns: Some("kretprobe_setxattr"),
        lost: "capabilities of a file at the time of the call",
    },
    Hook {
        functions: &["__vfs_removexattr"],
        entry: Entry::ByDentry("kprobe_removexattr"),
        returns: Some("kretprobe_removexattr"),
        lost: "capabilities of a file at the time of the call",
    },
];

/// For calls that take or give a socket's address.
const SOCKETS: &[Hook] = &[
    Hook {
        functions: &["move_addr_to_kernel"],
        entry: Entry::Fixed("kprobe_move_addr_to_kernel"),
        returns: Some("kretprobe_move_addr_to_kernel"),
        lost: "SOCKADDR of connect, bind, sendto",
    },
    // Where the compiler made move_addr_to_kernel a part of its callers.
    entry(
        &["__sys_connect_file"],
        "kprobe_socket_address",
        "SOCKADDR of connect",
    ),
    entry(
        &["security_socket_bind"],
        "kprobe_socket_address",
        "SOCKADDR of bind",
    ),
    entry(
        &["security_socket_sendmsg"],
        "kprobe_socket_sendmsg",
        "SOCKADDR of sendto, sendmsg",
    ),
    entry(
        &["move_addr_to_user"],
        "kprobe_move_addr_to_user",
        "SOCKADDR of accept, recvfrom, getsockname",
    ),
];

/// For calls about other processes.
const TARGETS: &[Hook] = &[
    entry(
        &["audit_signal_info"],
        "kprobe_audit_signal_info",
        "OBJ_PID of kill",
    ),
    entry(
        &["ptrace_attach"],
        "kprobe_ptrace_attach",
        "OBJ_PID of ptrace",
    ),
];

const LOOKUP: Hook = Hook {
    functions: &["filename_lookup"],
    entry: Entry::Fixed("kprobe_filename_lookup"),
    returns: Some("kretprobe_filename_lookup"),
    lost: "NORMAL items",
};

/// Under every plan that the kernel has kprobes for: no system call tells of them.
const ACCOUNTS: &[Hook] = &[
    Hook {
        functions: &["audit_receive_msg"],
        entry: Entry::Fixed("kprobe_audit_receive_msg"),
        returns: Some("kretprobe_audit_receive_msg"),
        lost: "USER_LOGIN, ADD_USER and the other messages of programs",
    },
    Hook {
        functions: &["audit_set_loginuid"],
        entry: Entry::Fixed("kprobe_audit_set_loginuid"),
        returns: Some("kretprobe_audit_set_loginuid"),
        lost: "LOGIN",
    },
];

/// What a plan is made for.
#[derive(Clone, Debug, Default)]
pub struct Needs<'a> {
    /// Calls beyond the four families.
    pub calls: &'a [(Abi, u32)],
    /// Records are made of them: all that auditd's have is needed.
    pub recorded: bool,
    /// Opens are wanted, whoever makes them: io_uring, too.
    pub opens: bool,
    /// Calls of the four families of which nothing wants any: they need no hook.
    pub unwanted: Vec<&'static str>,
}

impl Objects {
    /// For one way of attaching. What is missing goes to `missing`.
    #[must_use]
    pub fn new(
        attach: Attach,
        types: &KernelTypes,
        needs: &Needs<'_>,
        missing: &mut Vec<String>,
    ) -> Self {
        let mut objects = Self::default();
        let Needs {
            calls,
            recorded,
            opens,
            unwanted: _,
        } = *needs;
        let kprobes = kernel_has_kprobes();
        let mut add = |hook: &Hook| {
            if !(kprobes && objects.add(hook, types)) {
                let names = hook.functions.join(", ");
                missing.push(format!("{names}: {}", hook.lost));
            }
        };
        ACCOUNTS.iter().for_each(&mut add);
        FILE_CAPS.iter().for_each(&mut add);
        let names: BTreeSet<&str> = calls
            .iter()
            .filter_map(|(abi, nr)| syscalls::name(abi.arch(), *nr))
            .collect();
        let any = |of: &[&str]| of.iter().any(|name| names.contains(name));
        let machine = machine::HOOKS.iter().filter(|_| !calls.is_empty());
        machine.for_each(&mut add);
        if !calls.is_empty() && attach != Attach::Tracepoint {
            let named = |call: &&str| !WITHOUT_LOOKUP[NAMELESS..].contains(call);
            if recorded || names.iter().any(named) {
                NAMES.iter().for_each(&mut add);
            }
            if any(ADDRESSED) {
                SOCKETS.iter().for_each(&mut add);
            }
            if any(DIRECTED) {
                TARGETS.iter().for_each(&mut add);
            }
            let looked_up = |call: &&str| !WITHOUT_LOOKUP.contains(call);
            let wanted = recorded || names.iter().any(looked_up);
            if wanted && attach == Attach::Fentry && types.has_function("filename_lookup") {
                objects.fexit_lookup = true;
            } else if wanted {
                add(&LOOKUP);
            }
        }
        if attach != Attach::Tracepoint && kprobes {
            objects.add_uring(types, names.contains(ENTER), opens, missing);
        }
        objects
    }

    /// Operations of io_uring: those that audit is told of if `enter` is wanted, opens if those are.
    fn add_uring(
        &mut self,
        types: &KernelTypes,
        enter: bool,
        opens: bool,
        missing: &mut Vec<String>,
    ) {
        let offered = |name: &&'static str| types.has_function(name);
        let audited = enter && types.has_function(uring::AUDITED);
        if audited || opens {
            let functions: Vec<_> = uring::OPENS.iter().copied().filter(offered).collect();
            if functions.is_empty() {
                missing.push(format!("{}: opens by io_uring", uring::OPENS.join(", ")));
            }
            self.by_program(uring::OPERATION, &functions);
        }
        if audited {
            let all = uring::OTHERS.iter().copied();
            let functions: Vec<_> = all.filter(offered).collect();
            self.by_program(uring::OPERATION, &functions);
            let by_file = uring::BY_FILE.iter().copied().filter(offered);
            let mut entries = |program: &str, functions: Vec<&'static str>| {
                if !functions.is_empty() {
                    self.entries.insert(program.to_owned(), functions);
                }
            };
            entries(uring::FILE, by_file.collect());
            entries(uring::BEGINS, vec![uring::AUDITED]);
        }
        if enter {
            let taken = uring::TAKES
                .iter()
                .find(|all| all.iter().any(|n| types.has_function(n)));
            let functions = taken.into_iter().flat_map(|all| all.iter().copied());
            let functions: Vec<_> = functions.filter(offered).collect();
            if functions.is_empty() {
                missing.push("getname_flags: names that io_uring_enter takes".to_owned());
            }
            self.by_program((None, uring::TAKEN), &functions);
        }
    }

    fn by_program(
        &mut self,
        (entry, returns): (Option<&str>, &'static str),
        functions: &[&'static str],
    ) {
        if functions.is_empty() {
            return;
        }
        if let Some(entry) = entry {
            let entries = self.entries.entry(entry.to_owned()).or_default();
            entries.extend(functions);
        }
        self.returns.entry(returns).or_default().extend(functions);
    }

    fn add(&mut self, hook: &Hook, types: &KernelTypes) -> bool {
        let offered = |name: &&&'static str| types.has_function(name);
        let Some(function) = hook.functions.iter().find(offered) else {
            return false;
        };
        let entry = match hook.entry {
            Entry::Fixed(name) => name.to_owned(),
            Entry::ByDentry(name) => match types.last_argument(function, "dentry") {
                Some(n @ 0..=3) => format!("{name}_{n}"),
                _ => return false,
            },
            Entry::ByName(name) => match types.argument_named(function, "name") {
                Some(n @ 1..=2) => format!("{name}_{n}"),
                _ => return false,
            },
        };
        self.entries.entry(entry).or_default().push(function);
        if let Some(name) = hook.returns {
            self.returns.entry(name).or_default().push(function);
        }
        true
    }
}
