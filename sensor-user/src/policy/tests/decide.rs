//! Rules against events: one line each.

use bytes::Bytes;

use super::{
    events::{call, call_of, message, nothing, openat2, uring},
    load,
};
use crate::{
    event::{Aux, Event, FileFacts, PathItem},
    policy::{Classes, Policy},
    syscalls::{Abi, number},
};

fn check(rules: &str, event: &Event, expect: bool) {
    let verdict = load(rules).decide(event);
    assert_eq!(verdict.record, expect, "{rules}: {event:#?}");
}

/// A rule for chmod with a further condition.
fn chmod(condition: &str, event: Event, expect: bool) {
    check(
        &format!("-a always,exit -F arch=b64 -S chmod {condition}"),
        &event,
        expect,
    );
}

#[test]
fn calls_and_architectures() {
    check("", &call("chmod"), false);
    check("-a always,exit -S all", &call("getpid"), true);
    check("-a always,exit -F arch=b64 -S chmod", &call("chmod"), true);
    check(
        "-a always,exit -F arch=b64 -S chmod",
        &call("fchmod"),
        false,
    );
    check(
        "-a always,exit -F arch=b64 -S chmod",
        &call_of(Abi::Compat, "chmod"),
        false,
    );
    check(
        "-a always,exit -F arch=b32 -S chmod",
        &call_of(Abi::Compat, "chmod"),
        true,
    );
    check(
        "-a always,exit -F arch!=b64 -S all",
        &call_of(Abi::Compat, "chmod"),
        true,
    );
    // Without arch= the number counts for every ABI: 90 is chmod, and mmap of i386.
    check(
        "-a always,exit -S chmod",
        &call_of(Abi::Compat, "mmap"),
        true,
    );
    // x32: no bit in the mask.
    let mut x32 = call("chmod");
    x32.call.as_mut().expect("call").nr |= 0x4000_0000;
    check("-a always,exit -S all", &x32, false);
    check("-a always,exit -S all", &nothing(), false);
}

#[test]
fn the_first_match_wins() {
    let rules = "-a never,exit -F arch=b64 -S chmod -F uid=0\n-a always,exit -F arch=b64 -S chmod -k a\n-a always,exit -S all -k b\n";
    let policy = load(rules);
    let verdict = policy.decide(&call("chmod"));
    assert_eq!(
        (verdict.record, verdict.key.as_deref()),
        (true, Some(&b"a"[..]))
    );
    assert_eq!(verdict.rule, Some(1));
    let verdict = policy.decide(&call("chmod").who(|w| w.uid = 0));
    assert_eq!(
        (verdict.record, verdict.key, verdict.rule),
        (false, None, Some(0))
    );
    assert_eq!(
        policy.decide(&call("getpid")).key.as_deref(),
        Some(&b"b"[..])
    );
    // A watch and a plain rule, in the order of the file.
    let event = call("chmod").normal("/etc/shadow", 11);
    let key = |rules: &str| load(rules).decide(&event).key;
    let (watch, plain) = (
        "-w /etc/shadow -p a -k w\n",
        "-a always,exit -F arch=b64 -S chmod -k p\n",
    );
    assert_eq!(key(&format!("{watch}{plain}")).as_deref(), Some(&b"w"[..]));
    assert_eq!(key(&format!("{plain}{watch}")).as_deref(), Some(&b"p"[..]));
    let two = load("-w /etc/shadow -k one -k two").decide(&event).key;
    assert_eq!(two.as_deref(), Some(&b"one\x01two"[..]));
}

#[test]
fn numbers() {
    let base = || call("chmod");
    chmod("-F uid=1000", base(), true);
    chmod("-F uid!=1000", base(), false);
    chmod("-F euid<1000", base(), false);
    chmod("-F fsuid<=1000", base(), true);
    chmod("-F suid>999", base(), true);
    chmod(
        "-F gid=100 -F egid=100 -F sgid=100 -F fsgid=100",
        base(),
        true,
    );
    chmod("-F pid=100 -F ppid=50 -F sessionid=3", base(), true);
    chmod("-F ppid=51", base(), false);
    chmod("-F auid>=1000 -F auid!=unset", base(), true);
    let unset = || base().who(|w| w.auid = u32::MAX);
    chmod("-F auid>=1000", unset(), true);
    chmod("-F auid>=1000 -F auid!=unset", unset(), false);
    chmod("-F auid=-1", unset(), true);
    chmod("-F sessionid=unset", base().who(|w| w.ses = u32::MAX), true);
    chmod("-F a1&0100", base().args([0, 0o102, 0, 0]), true);
    chmod("-F a1&0100", base().args([0, 0o2, 0, 0]), false);
    chmod("-F a1&=3", base().args([0, 2, 0, 0]), false);
    chmod("-F a1&=3", base().args([0, 7, 0, 0]), true);
    // Low halves, unsigned.
    chmod("-F a0=-100", base().args([0xffff_ff9c, 0, 0, 0]), true);
    chmod(
        "-F a0=-100",
        base().args([0xffff_ffff_ffff_ff9c, 0, 0, 0]),
        true,
    );
    chmod("-F exit<0", base().exit(-13), false);
    chmod("-F exit=-EACCES", base().exit(-13), true);
    chmod("-F exit=-13", base().exit(-1), false);
    chmod("-F success=1", base().exit(-13), false);
    chmod("-F success=no", base().exit(-13), true);
    chmod("-F success!=0", base(), true);
    let mut personality = base();
    personality.call.as_mut().expect("call").personality = 0x40008;
    chmod("-F pers&8", personality, true);
    let exit = |condition: &str, expect| {
        check(
            &format!("-a always,exit -F arch=b64 -S exit_group {condition}"),
            &call("exit_group"),
            expect,
        );
    };
    exit("", true);
    exit("-F success=1", false);
    exit("-F success!=1", true);
    exit("-F exit=0", false);
}

#[test]
fn comparisons_of_fields() {
    let base = || call("chmod").normal("/x", 77);
    chmod("-C uid!=euid", base(), false);
    chmod("-C uid!=euid", base().who(|w| w.euid = 0), true);
    chmod("-C auid=uid", base(), true);
    chmod("-C gid=fsgid", base(), true);
    chmod("-C auid!=obj_uid", base(), true);
    chmod("-C auid=obj_uid", base().who(|w| w.auid = 7), true);
    chmod("-C obj_gid=egid", base().who(|w| w.egid = 8), true);
    chmod("-C auid!=obj_uid", call("chmod"), false);
}

#[test]
fn files() {
    let base = || call("chmod").normal("/x", 77);
    chmod("-F inode=77", base(), true);
    chmod("-F inode=78", base(), false);
    chmod("-F inode!=78", base(), true);
    chmod("-F devmajor=8 -F devminor=1", base(), true);
    chmod("-F devmajor=9", base(), false);
    chmod("-F obj_uid=7 -F obj_gid=8", base(), true);
    chmod("-F obj_uid=0", base(), false);
    // An item without an inode has the owner 0, as in the kernel.
    chmod("-F obj_uid=0", call("chmod").normal("/x", 0), true);
    chmod("-F obj_uid=0", call("chmod"), false);
    chmod("-F filetype=file", base(), true);
    chmod("-F filetype=dir", base(), false);
    chmod("-F filetype!=dir", base(), true);
    chmod("-F filetype!=dir", call("chmod"), true);
    // All fields of a rule that names an inode are about the same item.
    let mut two = base().normal("/y", 78);
    two.paths[1].file.as_mut().expect("file").uid = 1;
    chmod("-F inode=77 -F obj_uid=1", two.clone(), false);
    chmod("-F inode=78 -F obj_uid=1", two.clone(), true);
    chmod("-F obj_uid=1 -F obj_gid=8", two, true);
}

#[test]
fn executables_and_labels() {
    let su = || call("chmod").who(|w| w.exe = Some(Bytes::from_static(b"/usr/bin/su")));
    chmod("-F exe=/usr/bin/su", su(), true);
    // /bin is a link.
    chmod("-F exe=/bin/su", su(), true);
    chmod("-F exe!=/usr/bin/su", su(), false);
    chmod("-F exe=/usr/bin/su", call("chmod"), false);
    // Another root: the same path need not be the same file. Always rules take it, never rules not.
    chmod("-F exe=/usr/bin/su", su().other_root(), true);
    chmod("-F exe!=/usr/bin/su", su().other_root(), true);
    let never = "-a never,exit -F exe=/usr/bin/su -S all\n-a always,exit -S all";
    check(never, &su(), false);
    check(never, &su().other_root(), true);
    let labelled = |label: &'static str| {
        call("chmod").who(move |w| w.subj = Some(Bytes::from_static(label.as_bytes())))
    };
    let chronyd = || labelled("system_u:system_r:chronyd_t:s0-s0:c0.c1023");
    chmod(
        "-F subj_type=chronyd_t -F subj_user=system_u -F subj_role=system_r",
        chronyd(),
        true,
    );
    chmod("-F subj_sen=s0 -F subj_clr=s0:c0.c1023", chronyd(), true);
    chmod("-F subj_type=sshd_t", chronyd(), false);
    chmod("-F subj_type!=sshd_t", chronyd(), true);
    for subj in ["unconfined", ""] {
        chmod("-F subj_type!=sshd_t", labelled(subj), false);
    }
    chmod("-F subj_type!=sshd_t", call("chmod"), false);
}

#[test]
fn sockets() {
    let connect = |bytes: &'static [u8]| Event {
        aux: vec![Aux::Sockaddr(Bytes::from_static(bytes))],
        ..call("connect")
    };
    let rule = "-a always,exit -F arch=b64 -S connect -F saddr_fam=2";
    check(rule, &connect(&[2, 0, 0, 80]), true);
    check(rule, &connect(&[10, 0, 0, 80]), false);
    check(rule, &connect(&[2]), false);
    check(rule, &call("connect"), false);
}

#[test]
fn permissions() {
    let check = |perm: &str, event: Event, expect: bool| {
        check(
            &format!("-a always,exit -S all -F perm={perm}"),
            &event,
            expect,
        );
    };
    check("r", call("open").args([0, 0, 0, 0]), true);
    check("w", call("open").args([0, 0, 0, 0]), false);
    // O_CREAT|O_TRUNC alone is no write.
    check("w", call("open").args([0, 0o1100, 0, 0]), false);
    check("w", call("openat").args([0, 0, 0o1, 0]), true);
    check("r", call("openat").args([0, 0, 0o1, 0]), false);
    check("r", call("openat").args([0, 0, 0o2, 0]), true);
    check("w", openat2(0o2), true);
    check("w", openat2(0), false);
    // Its flags are in memory; unknown without them, so recorded.
    check("w", call("openat2"), true);
    check("w", call("creat"), true);
    check("r", call("creat"), false);
    check("w", call("unlinkat"), true);
    check("a", call("chmod"), true);
    check("a", call("linkat"), true);
    check("w", call("linkat"), true);
    check("x", call("execve"), true);
    check("x", call("execveat"), true);
    check("rwa", call("execve"), false);
    check("rwxa", call("utimensat"), false);
    check("rwxa", call("mount"), false);
    check("a", call_of(Abi::Compat, "chown32"), true);
    check(
        "w",
        call_of(Abi::Compat, "socketcall").args([2, 0, 0, 0]),
        true,
    );
    check(
        "w",
        call_of(Abi::Compat, "socketcall").args([3, 0, 0, 0]),
        false,
    );
    check("r", call("statx"), false);
}

#[test]
fn newer_kernels_have_wider_classes() {
    let args = [0; 4];
    let matches = |version, perm, name: &str| {
        let nr = number(Abi::Native, name).expect(name);
        Classes::of(version).matches(perm, Abi::Native.arch(), nr, args, None)
    };
    for (perm, name) in [
        (4, "statx"),
        (8, "setxattrat"),
        (2, "quotactl_fd"),
        (8, "file_setattr"),
    ] {
        assert_eq!(matches((6, 12), perm, name), Some(false), "{name}");
        assert_eq!(matches((7, 3), perm, name), Some(true), "{name}");
    }
}

#[test]
fn messages() {
    check("", &message(1100), true);
    check("-a never,user -F msgtype=USER_AUTH", &message(1100), false);
    check("-a never,user -F msgtype=USER_AUTH", &message(1101), true);
    check(
        "-a never,user -F msgtype=USER_AUTH -F uid=0",
        &message(1100),
        true,
    );
    check(
        "-a always,user -F uid=1000\n-a never,user -F msgtype>0",
        &message(1100),
        true,
    );
    check(
        "-a always,exclude -F msgtype=USER_AUTH",
        &message(1100),
        false,
    );
    check(
        "-a always,exclude -F msgtype=USER_AUTH -F auid=unset",
        &message(1100),
        true,
    );
    check("-e 0", &message(1100), false);
    check("-e 0", &message(1107), true);
    check("-a never,exit -S all\n-a never,task", &message(1100), true);
}

#[test]
fn excluded_records() {
    let policy = load(
        "-a always,exit -S all\n-a never,exclude -F msgtype=CWD\n-a always,exclude -F msgtype>=1326 -F msgtype<=1327 -F uid=1000\n-a always,exclude -F msgtype=PATH -F exe=/usr/bin/su\n",
    );
    let verdict = policy.decide(&call("chmod"));
    let dropped: Vec<u16> = (1300..1340)
        .filter(|kind| verdict.excluded.contains(*kind))
        .collect();
    assert!(verdict.record && !verdict.excluded.is_empty());
    assert_eq!(dropped, [1307, 1326, 1327]);
    let su = call("chmod").who(|w| w.exe = Some(Bytes::from_static(b"/usr/bin/su")));
    assert!(policy.decide(&su).excluded.contains(1302));
    // Not sure that it is su: nothing is left out.
    assert!(!policy.decide(&su.other_root()).excluded.contains(1302));
    assert!(
        load("-a always,exit -S all")
            .decide(&call("chmod"))
            .excluded
            .is_empty()
    );
    // Without msgtype every record goes.
    let all = load("-a always,exclude -F uid=1000").decide(&call("chmod"));
    assert!(all.excluded.contains(1300) && all.excluded.contains(1302));
}

#[test]
fn tasks_and_switching_off() {
    check(
        "-a never,task -F uid=1000\n-a always,exit -S all",
        &call("chmod"),
        false,
    );
    check(
        "-a never,task -F uid=0\n-a always,exit -S all",
        &call("chmod"),
        true,
    );
    check(
        "-a always,task -F uid=1000\n-a never,exit -S all",
        &call("chmod"),
        true,
    );
    check("-a always,exit -S all\n-e 0", &call("chmod"), false);
    check("-a always,exit -S all\n-e 1", &call("chmod"), true);
}

#[test]
fn io_uring() {
    let rule = "-a always,io_uring -S openat -F uid=1000 -k u";
    check(rule, &uring(18), true);
    check(rule, &uring(19), false);
    check(rule, &uring(18).who(|w| w.uid = 1), false);
    check("-a always,exit -S all", &uring(18), false);
    check(
        "-a always,io_uring -F path=/etc/shadow",
        &uring(18).normal("/etc/shadow", 11),
        true,
    );
    check(
        "-a never,io_uring -S all\n-a always,io_uring -S openat",
        &uring(18),
        false,
    );
    check(
        "-a always,io_uring -S openat -F success=0",
        &uring(18),
        false,
    );
}

#[test]
fn what_the_kernel_logs_itself_comes_with_its_call() {
    let bpf = Event {
        aux: vec![Aux::Bpf {
            prog_id: 1,
            unload: false,
        }],
        ..call("bpf")
    };
    check("", &bpf, true);
    check("-a never,exit -F arch=b64 -S bpf", &bpf, false);
    check("-e 0", &bpf, false);
}

#[test]
fn file_systems_left_out() {
    let policy = load("-a never,filesystem -F fstype=debugfs\n-a always,exit -S all -F inode=5");
    let on = |dev| Event {
        paths: vec![PathItem {
            file: Some(FileFacts {
                ino: 5,
                dev,
                ..FileFacts::default()
            }),
            ..PathItem::default()
        }],
        ..call("open")
    };
    assert!(!policy.decide(&on(7)).record);
    assert!(policy.decide(&on(8)).record);
    let files = |policy: &Policy, dev| {
        policy.ignores(&FileFacts {
            dev,
            ..FileFacts::default()
        })
    };
    assert!(files(&policy, 7) && !files(&policy, 8));
    let others = load("-a never,filesystem -F fstype!=debugfs");
    assert!(!files(&others, 7) && files(&others, 8));
    assert!(!files(&load("-a always,filesystem -F fstype=debugfs"), 7));
}
