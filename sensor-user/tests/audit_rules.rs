//! `auklet rules check` on files of audit rules.

use std::{fs, path::Path, process::Command};

/// Exit code, standard output, standard error.
fn check(paths: &[&Path]) -> (Option<i32>, String, String) {
    let mut auklet = Command::new(env!("CARGO_BIN_EXE_auklet"));
    let output = auklet
        .args(["rules", "check"])
        .args(paths)
        .output()
        .expect("auklet");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_directory_is_explained() {
    let dir = tempfile::tempdir().expect("directory");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("file");
    write("9-base.rules", "-D\n-b 8192\n");
    write(
        "10-x.rules",
        "# users\n-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -F auid!=unset -k perm_mod\n",
    );
    write("99-end.rules", "-e 2\n");
    let (code, out, err) = check(&[dir.path()]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let expect = "10-x.rules:2: records chmod, fchmod of b64 processes by users with auid >= 1000 that are logged in, key \"perm_mod\"\n\
        -e 2: recording is on, and the rules are locked\n\
        -b 8192: the kernel's queue of 8192 records; Auklet's ring is sized by --ring-bytes\n\
        1 audit rules, no errors\n";
    let directory = format!("{}/", dir.path().display());
    assert_eq!(out.replace(&directory, ""), expect);
}

#[test]
fn errors_name_file_and_line_and_are_escaped() {
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("bad.rules");
    fs::write(&file, b"-w /etc -p wz\n-a always,exit -S \x1b[2J\n").expect("file");
    let (code, out, err) = check(&[&file]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let name = file.display();
    let expect = format!(
        "auklet: {name}:1: Permission can only contain 'rwxa'\n{name}:2: Syscall name unknown: \\x1b[2J (of b64)\n"
    );
    assert_eq!(err, expect);
}
