//! Random audit rules over the calls and files of the operations.

use std::path::Path;

use fastrand::Rng;

use super::{END, acts::CALLS};

/// Fields with the operators and values that tell something here.
const FIELDS: &[(&str, &[&str], &[&str])] = &[
    ("auid", &["=", "!="], &["unset", "7777", "1000", "0"]),
    ("auid", &[">=", "<"], &["7777", "1000", "0"]),
    ("uid", &["=", "!=", ">"], &["0", "1234"]),
    ("euid", &["=", "!="], &["0", "1234"]),
    ("suid", &["=", "!="], &["0", "1234"]),
    ("fsgid", &["=", "<="], &["0", "1234"]),
    ("gid", &["=", "!="], &["0", "1234"]),
    ("success", &["="], &["yes", "no"]),
    (
        "exit",
        &["=", "!="],
        &["-ENOENT", "-EACCES", "-EEXIST", "0", "3"],
    ),
    ("exit", &[">", ">="], &["2", "0"]),
    ("a0", &["=", "!="], &["0xffffff9c", "0"]),
    ("a1", &["&", "&=", "="], &["0100", "1", "0x241"]),
    ("a2", &["&", "&=", "=", ">"], &["0100", "03", "0", "0x40"]),
    ("a3", &["=", "<"], &["0", "0700"]),
    ("pid", &["!=", ">"], &["1", "100"]),
    ("ppid", &[">=", "!="], &["1", "2"]),
    ("sessionid", &["=", "!="], &["unset", "1"]),
    ("pers", &["=", "&"], &["0", "8"]),
    ("obj_uid", &["=", "!="], &["0", "1234"]),
    ("filetype", &["="], &["file", "dir"]),
];

fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(..of.len())]
}

/// A few rules, and one for the last act, which comes first: no other may keep it out.
pub(super) fn random(rng: &mut Rng, work: &Path) -> String {
    let mut rules = format!("-a always,exit -F arch=b64 -S openat -F path={END} -k end\n");
    for n in 0..rng.usize(3..9) {
        let rule = if rng.u8(..4) == 0 {
            watch(rng, work)
        } else {
            rule(rng, work)
        };
        rules.push_str(&format!("{rule} -k k{n}\n"));
    }
    rules
}

fn watch(rng: &mut Rng, work: &Path) -> String {
    let name = pick(rng, &["file", "sub", "sub/file", "made", "."]);
    let perm = pick(rng, &["r", "w", "a", "wa", "rwxa"]);
    format!("-w {} -p {perm}", work.join(name).display())
}

fn rule(rng: &mut Rng, work: &Path) -> String {
    // Most rules want; the others keep out of what comes after them.
    let action = if rng.u8(..4) == 0 { "never" } else { "always" };
    let mut rule = format!("-a {action},exit -F arch=b64");
    for _ in 0..rng.usize(1..4) {
        rule.push_str(&format!(" -S {}", pick(rng, CALLS)));
    }
    for _ in 0..rng.usize(..4) {
        let (field, operators, values) = pick(rng, FIELDS);
        let (operator, value) = (pick(rng, operators), pick(rng, values));
        rule.push_str(&format!(" -F {field}{operator}{value}"));
    }
    match rng.u8(..8) {
        0 => rule.push_str(&format!(" -F path={}", work.join("file").display())),
        1 => rule.push_str(&format!(" -F dir={}", work.join("sub").display())),
        _ => {}
    }
    rule
}
