//! ptrace, kill, tkill, tgkill, pidfd_open, pidfd_send_signal; capset, prctl, the calls that change ids;
//! unshare, setns; fork, vfork, clone, threads; sethostname and the like; kexec_load, swapoff, personality.

use std::{fs, os::unix::process::CommandExt as _, path::Path, process::Command};

use anyhow::Result;
use libc::{
    AT_FDCWD, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWUTS, O_RDONLY, PTRACE_ATTACH,
    PTRACE_CONT, PTRACE_DETACH, PTRACE_INTERRUPT, PTRACE_SEIZE, PTRACE_TRACEME, SIGCHLD, SIGKILL,
    SIGUSR1, c_long,
};

use super::{
    NOBODY, act, as_nobody, c,
    call::{BAD, NULL, call},
    compat, in_child, start,
};

/// Nobody's: above the highest that there can be.
const MISSING: i32 = 0x40_0001;

pub(super) fn processes(dir: &Path) -> Result<()> {
    signals();
    traces();
    identities();
    capabilities();
    namespaces();
    forks()?;
    threads()?;
    machine()?;
    super::clock::clock();
    compat::calls(dir, compat::PROCESSES)?;
    act(dir, 0)
}

/// A child that waits for a signal that ends it.
fn waiting() -> i32 {
    // Before it starts: a signal may come sooner than its first call.
    call!(SYS_prctl, libc::PR_SET_NAME, c"child of work");
    let child = call!(SYS_fork);
    if child == 0 {
        loop {
            call!(SYS_pause);
        }
    }
    call!(SYS_prctl, libc::PR_SET_NAME, c"auklet-guest");
    i32::try_from(child).unwrap_or(-1)
}

fn reap(pid: i32) {
    call!(SYS_kill, pid, SIGKILL);
    call!(SYS_wait4, pid, NULL, 0, NULL);
}

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

fn signals() {
    let (child, other) = (waiting(), waiting());
    // A group of the two.
    call!(SYS_setpgid, child, child);
    call!(SYS_setpgid, other, child);
    for pid in [child, own_pid(), MISSING, -child, -MISSING, 1] {
        call!(SYS_kill, pid, 0);
        call!(SYS_tkill, pid, 0);
        call!(SYS_tgkill, pid, pid, 0);
        let fd = call!(SYS_pidfd_open, pid, 0);
        call!(SYS_pidfd_send_signal, fd, 0, NULL, 0);
        super::closed(fd);
        as_nobody(|| call!(SYS_kill, pid, 0));
        as_nobody(|| call!(SYS_tgkill, pid, pid, 0));
    }
    call!(SYS_kill, child, 99);
    call!(SYS_tkill, child, -1);
    call!(SYS_tgkill, child, other, 0);
    call!(SYS_pidfd_open, child, 1);
    call!(SYS_pidfd_send_signal, 9999, 0, NULL, 0);
    call!(SYS_rt_sigqueueinfo, child, SIGUSR1, BAD);
    // Every signal is of one call, whose target is there still: it is reaped behind it.
    call!(SYS_kill, -child, SIGUSR1);
    call!(SYS_kill, -child, 0);
    for pid in [child, other] {
        call!(SYS_wait4, pid, NULL, 0, NULL);
    }
    // To itself: what is ignored, then what ends it.
    in_child(|| {
        call!(SYS_kill, call!(SYS_getpid), SIGCHLD);
        call!(SYS_tkill, call!(SYS_gettid), SIGCHLD);
        call!(SYS_tgkill, call!(SYS_getpid), call!(SYS_gettid), SIGUSR1);
    });
    for op in [
        |pid| call!(SYS_tkill, pid, SIGUSR1),
        |pid| call!(SYS_tgkill, pid, pid, SIGUSR1),
        by_pidfd as fn(i32) -> c_long,
    ] {
        let child = waiting();
        op(child);
        call!(SYS_wait4, child, NULL, 0, NULL);
    }
}

fn by_pidfd(pid: i32) -> c_long {
    let fd = call!(SYS_pidfd_open, pid, 0);
    let sent = call!(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0);
    super::closed(fd);
    sent
}

fn traces() {
    in_child(|| {
        call!(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
        call!(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
    });
    let child = waiting();
    call!(SYS_ptrace, PTRACE_ATTACH, child, NULL, NULL);
    call!(SYS_wait4, child, NULL, libc::__WALL, NULL);
    call!(SYS_ptrace, PTRACE_ATTACH, child, NULL, NULL);
    let mut word = [0_u64];
    call!(SYS_ptrace, libc::PTRACE_PEEKUSER, child, 0, &mut word[..]);
    call!(SYS_ptrace, libc::PTRACE_PEEKDATA, child, BAD, &mut word[..]);
    call!(SYS_ptrace, PTRACE_DETACH, child, NULL, NULL);
    call!(SYS_ptrace, PTRACE_DETACH, child, NULL, NULL);
    call!(SYS_ptrace, PTRACE_SEIZE, child, NULL, 0);
    call!(SYS_ptrace, PTRACE_INTERRUPT, child, NULL, NULL);
    call!(SYS_wait4, child, NULL, libc::__WALL, NULL);
    call!(SYS_ptrace, PTRACE_CONT, child, NULL, NULL);
    call!(SYS_ptrace, 0x7777, child, NULL, NULL);
    reap(child);
    let child = waiting();
    call!(SYS_ptrace, PTRACE_SEIZE, child, BAD, 0);
    for pid in [MISSING, own_pid(), 1, 2] {
        as_nobody(|| call!(SYS_ptrace, PTRACE_ATTACH, pid, NULL, NULL));
        as_nobody(|| call!(SYS_ptrace, PTRACE_SEIZE, pid, NULL, 0));
    }
    for request in [PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_CONT, PTRACE_DETACH] {
        call!(SYS_ptrace, request, MISSING, NULL, NULL);
        call!(SYS_ptrace, request, own_pid(), NULL, NULL);
    }
    as_nobody(|| call!(SYS_ptrace, PTRACE_ATTACH, child, NULL, NULL));
    reap(child);
}

/// Each change in a child of its own, then what can't be undone.
fn identities() {
    let groups = [NOBODY, NOBODY + 1];
    let ops: [&dyn Fn() -> c_long; 14] = [
        &|| call!(SYS_setuid, NOBODY),
        &|| call!(SYS_setgid, NOBODY),
        &|| call!(SYS_setreuid, -1, NOBODY),
        &|| call!(SYS_setregid, NOBODY, -1),
        &|| call!(SYS_setresuid, -1, NOBODY, 0),
        &|| call!(SYS_setresgid, NOBODY, NOBODY, -1),
        &|| call!(SYS_setfsuid, NOBODY),
        &|| call!(SYS_setfsgid, NOBODY),
        &|| call!(SYS_setgroups, groups.len(), &groups[..]),
        &|| call!(SYS_setgroups, 0, NULL),
        &|| call!(SYS_setgroups, 1, BAD),
        &|| call!(SYS_setuid, -1),
        &|| call!(SYS_setresuid, -1, -1, -1),
        &|| call!(SYS_setgroups, -1, NULL),
    ];
    for op in ops {
        in_child(|| {
            op();
            call!(SYS_setuid, 0);
        });
        as_nobody(|| {
            op();
            call!(SYS_setuid, 0)
        });
    }
    in_child(|| {
        call!(SYS_setsid);
        call!(SYS_setsid);
    });
    call!(SYS_setpgid, MISSING, 0);
}

/// capset as linux/capability.h has it, version 3; prctl.
fn capabilities() {
    let own = [0x2008_0522_u32, 0];
    let mut held = [0_u32; 6];
    call!(SYS_capget, &own[..], &mut held[..]);
    let mut fewer = held;
    fewer[0] &= !1;
    fewer[1] &= !1;
    let mut more = held;
    more[2] |= 1 << 13;
    in_child(|| {
        call!(SYS_capset, &own[..], &held[..]);
        call!(SYS_capset, &own[..], &fewer[..]);
        call!(SYS_capset, &own[..], &held[..]);
        call!(SYS_capset, &own[..], &more[..]);
        call!(SYS_capset, &[7_u32, 0][..], &held[..]);
        call!(SYS_capset, &[0x2008_0522_u32, 1][..], &held[..]);
        call!(SYS_capset, BAD, BAD);
        call!(SYS_capset, &own[..], BAD);
    });
    as_nobody(|| call!(SYS_capset, &own[..], &held[..]));
    in_child(|| {
        call!(SYS_prctl, libc::PR_SET_NAME, c"renamed by work");
        call!(SYS_prctl, libc::PR_SET_NAME, BAD);
        call!(SYS_prctl, libc::PR_SET_DUMPABLE, 0);
        call!(SYS_prctl, libc::PR_SET_KEEPCAPS, 1);
        call!(SYS_prctl, libc::PR_CAPBSET_DROP, 13);
        call!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        call!(SYS_prctl, 99_999);
    });
}

fn namespaces() {
    for flags in [CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET, CLONE_NEWUSER, 0x1] {
        in_child(|| {
            call!(SYS_unshare, flags);
        });
        as_nobody(|| call!(SYS_unshare, flags));
    }
    let own = call!(SYS_openat, AT_FDCWD, c"/proc/self/ns/uts", O_RDONLY);
    let file = call!(SYS_openat, AT_FDCWD, c"file", O_RDONLY);
    for fd in [own, file, 9999, -1] {
        for kind in [0, CLONE_NEWUTS, CLONE_NEWNS] {
            in_child(|| {
                call!(SYS_setns, fd, kind);
            });
        }
    }
    super::closed(own);
    super::closed(file);
}

/// Ends a child at once.
fn child_ends(pid: c_long) {
    if pid == 0 {
        call!(SYS_exit_group, 0);
    }
    if pid > 0 {
        call!(SYS_wait4, pid, NULL, 0, NULL);
    }
}

fn forks() -> Result<()> {
    child_ends(call!(SYS_fork));
    child_ends(call!(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
    child_ends(call!(
        SYS_clone,
        libc::CLONE_VFORK | SIGCHLD,
        NULL,
        NULL,
        NULL,
        NULL
    ));
    child_ends(call!(
        SYS_clone,
        CLONE_NEWNS | CLONE_NEWUTS | SIGCHLD,
        NULL,
        NULL,
        NULL,
        NULL
    ));
    // A thread without memory of its own; with a signal mask alone.
    call!(
        SYS_clone,
        libc::CLONE_THREAD | SIGCHLD,
        NULL,
        NULL,
        NULL,
        NULL
    );
    as_nobody(|| call!(SYS_clone, CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL));
    // clone_args of the first version: flags, descriptor, two tids, signal, stack, its size, tls.
    let mut arguments = [0_u64; 8];
    arguments[4] = SIGCHLD as u64;
    child_ends(call!(SYS_clone3, &arguments[..], size_of_val(&arguments)));
    call!(SYS_clone3, &arguments[..], 8);
    call!(SYS_clone3, BAD, size_of_val(&arguments));
    vfork();
    let tiny = crate::tiny::program(&std::env::current_dir()?)?;
    start(&mut Command::new(&tiny));
    start(Command::new(&tiny).uid(NOBODY));
    start(&mut Command::new("./missing"));
    Ok(())
}

/// Nothing but the call itself and an end: the child runs on this very stack.
#[cfg(target_arch = "x86_64")]
fn vfork() {
    let child: c_long;
    // SAFETY: between vfork and exit the child, which has the parent's memory, uses registers only; the
    // parent goes on once it ended, with what syscall clobbers declared. The child's own are a copy.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, 60", // exit
            "xor edi, edi",
            "syscall",
            "2:",
            inlateout("rax") libc::SYS_vfork => child,
            out("rcx") _,
            out("r11") _,
            out("rdi") _,
            options(nostack),
        );
    }
    if child > 0 {
        call!(SYS_wait4, child, NULL, 0, NULL);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vfork() {}

fn forked(signals: bool) -> c_long {
    let child = call!(SYS_fork);
    if child == 0 {
        for n in 0..20 {
            if signals {
                call!(SYS_kill, MISSING, n);
            } else {
                call!(SYS_setpgid, MISSING, n);
                super::closed(call!(SYS_openat, AT_FDCWD, c"file", O_RDONLY));
            }
        }
        call!(SYS_exit_group, 0);
    }
    child
}

/// Each thread's calls are over before the next thread's: the order of a process's events is theirs.
fn threads() -> Result<()> {
    for name in ["first thread", "a thread of a longer name"] {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(|| {
                super::closed(call!(SYS_openat, AT_FDCWD, c"file", O_RDONLY));
                call!(SYS_openat, AT_FDCWD, c"missing", O_RDONLY);
                call!(SYS_kill, MISSING, 0);
                call!(SYS_setuid, 0);
                call!(SYS_mkdirat, AT_FDCWD, c"of a thread", 0o700);
                call!(SYS_unlinkat, AT_FDCWD, c"of a thread", libc::AT_REMOVEDIR);
            })?;
        let _ended = thread.join().is_ok();
    }
    // At one time, each a process of its own: events are paired by process and order.
    let children: Vec<c_long> = [false, true, false].map(forked).into();
    for child in children {
        call!(SYS_wait4, child, NULL, 0, NULL);
    }
    Ok(())
}

/// What is of the whole machine: to what it is already, or refused.
fn machine() -> Result<()> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")?;
    let domain = fs::read_to_string("/proc/sys/kernel/domainname")?;
    let (name, domain) = (name.trim().as_bytes(), domain.trim().as_bytes());
    call!(SYS_sethostname, name, name.len());
    call!(SYS_setdomainname, domain, domain.len());
    as_nobody(|| call!(SYS_sethostname, name, name.len()));
    as_nobody(|| call!(SYS_setdomainname, domain, domain.len()));
    call!(SYS_sethostname, BAD, 5);
    call!(SYS_sethostname, name, 65);
    let mut timex = [0_u64; 26];
    call!(SYS_adjtimex, &mut timex[..]);
    call!(SYS_clock_adjtime, 0, &mut timex[..]);
    let now = [0_u64; 2];
    as_nobody(|| call!(SYS_settimeofday, &now[..], NULL));
    as_nobody(|| call!(SYS_clock_settime, 0, &now[..]));
    call!(SYS_settimeofday, BAD, NULL);
    call!(SYS_clock_settime, 99, &now[..]);
    call!(SYS_delete_module, c"no_such_module", 0);
    call!(SYS_delete_module, BAD, 0);
    let long = c("m".repeat(100));
    call!(SYS_delete_module, &long, 0);
    as_nobody(|| call!(SYS_delete_module, c"dummy", 0));
    call!(SYS_kexec_load, 0, 0, NULL, 0x8000);
    as_nobody(|| call!(SYS_kexec_load, 0, 0, NULL, 0));
    call!(SYS_swapoff, c"file");
    call!(SYS_swapoff, c"missing");
    as_nobody(|| call!(SYS_swapoff, c"file"));
    call!(SYS_personality, -1);
    in_child(|| {
        call!(SYS_personality, libc::ADDR_NO_RANDOMIZE);
        call!(SYS_personality, -1);
        call!(SYS_kill, MISSING, 0);
    });
    Ok(())
}
