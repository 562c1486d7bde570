//! `perm=`: what calls do to files.

use super::{
    events::{call, call_of, openat2},
    load,
};
use crate::{
    event::Event,
    policy::Classes,
    syscalls::{Abi, number},
};

#[test]
fn permissions() {
    let check = |perm: &str, event: Event, expect: bool| {
        let rule = format!("-a always,exit -S all -F perm={perm}");
        assert_eq!(
            load(&rule).decide(&event).record,
            expect,
            "{rule}: {event:#?}"
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
    check("rw", call("openat2"), true);
    check("x", call("openat2"), false);
    let never = "-a never,exit -S all -F perm=w\n-a always,exit -S all";
    assert!(load(never).decide(&call("openat2")).record);
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
