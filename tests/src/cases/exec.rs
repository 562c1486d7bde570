//! execve and execveat.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::who::Who;
use crate::{
    harness::{Case, Ctx, case},
    json::{bytes, same_bool, same_bytes, same_number},
};

pub(crate) const CASES: &[Case] = &[
    case("exec/arguments", arguments),
    case("exec/200 KB of arguments", long_arguments),
    case("exec/script", script),
    case("exec/relative name", relative),
    case("exec/long name", long_name),
    case("exec/deleted executable", deleted),
    case("exec/as another user", other_user),
    case("exec/from a thread", from_thread),
    case("exec/memfd", memfd),
    case("exec/ENOENT", enoent),
    case("exec/EACCES", eacces),
    case("exec/ENOEXEC", enoexec),
    case("exec/E2BIG", e2big),
    case("exec/failed with a long argument", failed_long),
];

/// The event of a process whose arguments hold a marker.
fn exec_event(ctx: &mut Ctx, pid: u32, success: bool) -> Result<Value> {
    ctx.event("execve", pid, |v| v["syscall"]["success"] == success)
}

/// A program that runs and ends: the driver itself, copied under another name.
fn program(dir: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = dir.join(name);
    fs::copy("/proc/self/exe", &path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

fn check_argv(event: &Value, expect: &[&OsStr]) -> Result<()> {
    let argv = event
        .pointer("/exec/argv")
        .and_then(Value::as_array)
        .context("no argv")?;
    let argv: Option<Vec<Vec<u8>>> = argv.iter().map(bytes).collect();
    let expect: Vec<Vec<u8>> = expect.iter().map(|arg| arg.as_bytes().to_vec()).collect();
    if argv.as_ref() != Some(&expect) {
        let lengths = |v: &[Vec<u8>]| v.iter().map(Vec::len).collect::<Vec<_>>();
        bail!(
            "argv differs: lengths {:?}, expected {:?}",
            argv.map(|a| lengths(&a)),
            lengths(&expect)
        );
    }
    let total: usize = expect.iter().map(|arg| arg.len() + 1).sum();
    same_number(event, "/exec/argv_bytes", i64::try_from(total)?)
}

/// PATH item `n` is this file.
fn check_item(event: &Value, n: usize, name: &[u8], path: &Path) -> Result<()> {
    let file = fs::metadata(path)?;
    same_bytes(event, &format!("/paths/{n}/name"), name)?;
    same_bytes(event, &format!("/paths/{n}/nametype"), b"NORMAL")?;
    same_number(
        event,
        &format!("/paths/{n}/inode"),
        i64::try_from(file.ino())?,
    )?;
    same_bytes(
        event,
        &format!("/paths/{n}/mode"),
        format!("0{:o}", file.mode()).as_bytes(),
    )?;
    let dev = format!(
        "{:02x}:{:02x}",
        libc::major(file.dev()),
        libc::minor(file.dev())
    );
    same_bytes(event, &format!("/paths/{n}/dev"), dev.as_bytes())?;
    same_number(event, &format!("/paths/{n}/ouid"), file.uid().into())?;
    same_number(event, &format!("/paths/{n}/ogid"), file.gid().into())
}

fn arguments(ctx: &mut Ctx) -> Result<()> {
    let exe = program(&ctx.dir, "probe")?;
    let hostile: Vec<OsString> = [
        &b"act"[..],
        b"nothing",
        b"new\nline",
        b"q\"uote'",
        b"",
        b"\xff\xfe",
        "caf\u{e9}".as_bytes(),
    ]
    .into_iter()
    .map(|arg| OsStr::from_bytes(arg).to_owned())
    .collect();
    let mut child = Command::new(&exe)
        .args(&hostile)
        .current_dir(&ctx.dir)
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = exec_event(ctx, pid, true)?;
    Who::child(pid).check(&event)?;
    same_bytes(&event, "/syscall/name", b"execve")?;
    same_number(&event, "/syscall/exit", 0)?;
    same_number(&event, "/who/tid", pid.into())?;
    same_bytes(&event, "/who/comm", b"probe")?;
    same_bytes(&event, "/who/exe", exe.as_os_str().as_bytes())?;
    same_bytes(&event, "/cwd", ctx.dir.as_os_str().as_bytes())?;
    same_bool(&event, "/exec/truncated", false)?;
    let expect: Vec<&OsStr> = std::iter::once(exe.as_os_str())
        .chain(hostile.iter().map(OsString::as_os_str))
        .collect();
    check_argv(&event, &expect)?;
    same_bytes(&event, "/paths/0/resolved", exe.as_os_str().as_bytes())?;
    check_item(&event, 0, exe.as_os_str().as_bytes(), &exe)
}

fn long_arguments(ctx: &mut Ctx) -> Result<()> {
    let exe = program(&ctx.dir, "long")?;
    let parts: Vec<String> = (0..4u8)
        .map(|n| char::from(b'a' + n).to_string().repeat(50_000))
        .collect();
    let mut child = Command::new(&exe)
        .args(["act", "nothing"])
        .args(&parts)
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = exec_event(ctx, pid, true)?;
    let mut expect = vec![exe.as_os_str(), OsStr::new("act"), OsStr::new("nothing")];
    expect.extend(parts.iter().map(OsStr::new));
    same_bool(&event, "/exec/truncated", false)?;
    check_argv(&event, &expect)
}

fn script(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("s.sh");
    fs::write(&path, "#!/bin/sh -e\nexit 0\n")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    let mut child = Command::new("./s.sh")
        .arg("a1")
        .current_dir(&ctx.dir)
        .spawn()?;
    let pid = child.id();
    let shell = fs::canonicalize("/bin/sh")?;
    let event = exec_event(ctx, pid, true)?;
    child.wait()?;
    check_argv(&event, &["/bin/sh", "-e", "./s.sh", "a1"].map(OsStr::new))?;
    same_bytes(&event, "/exec/interpreter", b"/bin/sh")?;
    same_bytes(&event, "/exec/script", path.as_os_str().as_bytes())?;
    same_bytes(&event, "/who/exe", shell.as_os_str().as_bytes())?;
    same_bytes(&event, "/who/comm", b"s.sh")?;
    check_item(&event, 0, b"./s.sh", &path)?;
    // TOMOYO looks the script up once more; auditd has that as an item of its own.
    let interpreter = if has_tomoyo() {
        check_item(&event, 1, b"./s.sh", &path)?;
        2
    } else {
        1
    };
    check_item(&event, interpreter, b"/bin/sh", &shell)?;
    let loader = Path::new("/lib64/ld-linux-x86-64.so.2");
    let name = loader.as_os_str().as_bytes();
    check_item(&event, interpreter + 1, name, loader)?;
    same_bool(&event, "/caveats/looked_up", !ctx.sees_objects())?;
    if ctx.sees_objects() {
        same_bytes(&event, "/paths/0/resolved", path.as_os_str().as_bytes())?;
    }
    let resolved = format!("/paths/{interpreter}/resolved");
    same_bytes(&event, &resolved, shell.as_os_str().as_bytes())
}

fn has_tomoyo() -> bool {
    let lsms = fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    lsms.split(',').any(|lsm| lsm.trim() == "tomoyo")
}

fn relative(ctx: &mut Ctx) -> Result<()> {
    let sub = ctx.dir.join("sub");
    fs::create_dir(&sub)?;
    let exe = program(&ctx.dir, "up")?;
    let mut child = Command::new("../up")
        .args(["act", "nothing"])
        .current_dir(&sub)
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = exec_event(ctx, pid, true)?;
    same_bytes(&event, "/cwd", sub.as_os_str().as_bytes())?;
    same_bytes(&event, "/paths/0/resolved", exe.as_os_str().as_bytes())?;
    check_item(&event, 0, b"../up", &exe)
}

/// The longest name that the kernel takes must not crowd out what else there is to say.
fn long_name(ctx: &mut Ctx) -> Result<()> {
    let exe = program(&ctx.dir, "long")?;
    let plain = exe.as_os_str().as_bytes();
    let detour = b"/.".repeat((4094 - plain.len()) / 2);
    let name = OsString::from_vec([&detour[..], plain].concat());
    let mut child = Command::new(&name)
        .args(["act", "nothing"])
        .current_dir(&ctx.dir)
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = exec_event(ctx, pid, true)?;
    same_bytes(&event, "/who/exe", plain)?;
    same_bytes(&event, "/cwd", ctx.dir.as_os_str().as_bytes())?;
    same_bytes(&event, "/paths/0/name", name.as_bytes())?;
    same_bytes(&event, "/paths/0/resolved", plain)?;
    same_bool(&event, "/exec/truncated", false)?;
    check_argv(&event, &[&name, OsStr::new("act"), OsStr::new("nothing")])
}

/// A program that deletes its file is not what the name says any more.
fn deleted(ctx: &mut Ctx) -> Result<()> {
    let exe = program(&ctx.dir, "dropper")?;
    let opened = ctx.dir.join("opened");
    fs::write(&opened, "x")?;
    let mut child = Command::new(&exe)
        .args(["act", "delete-self-open"])
        .arg(&opened)
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    let name = opened.as_os_str().as_bytes().to_vec();
    let event = ctx.event("open", pid, |v| {
        bytes(&v["paths"][0]["name"]) == Some(name.clone())
    })?;
    let gone = [exe.as_os_str().as_bytes(), b" (deleted)"].concat();
    same_bytes(&event, "/who/exe", &gone)
}

fn other_user(ctx: &mut Ctx) -> Result<()> {
    // The scratch directory is root's alone; the program is not in it.
    let mut child = Command::new("/bin/true").uid(1234).gid(4321).spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = exec_event(ctx, pid, true)?;
    Who {
        uid: 1234,
        gid: 4321,
        ..Who::child(pid)
    }
    .check(&event)
}

fn from_thread(ctx: &mut Ctx) -> Result<()> {
    let exe = program(&ctx.dir, "after")?;
    let mut child = Command::new("/proc/self/exe")
        .args(["act", "thread-exec"])
        .arg(&exe)
        .args(["act", "nothing"])
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    let path = exe.as_os_str().as_bytes().to_vec();
    let event = ctx.event("execve", pid, |v| {
        bytes(&v["who"]["exe"]) == Some(path.clone())
    })?;
    // The thread that calls execve becomes the leader: its id is the process's.
    same_number(&event, "/who/tid", pid.into())?;
    check_argv(
        &event,
        &[exe.as_os_str(), OsStr::new("act"), OsStr::new("nothing")],
    )
}

fn memfd(ctx: &mut Ctx) -> Result<()> {
    let mut child = Command::new("/proc/self/exe")
        .args(["act", "memfd"])
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = ctx.event("execve", pid, |v| v["syscall"]["name"] == "execveat")?;
    same_number(&event, "/syscall/exit", 0)?;
    same_bytes(&event, "/who/exe", b"/memfd:evil (deleted)")?;
    check_argv(&event, &["memfd-marker", "act", "nothing"].map(OsStr::new))
}

/// A child that fails to execute: the driver's own fork reports the error.
fn failing(ctx: &mut Ctx, path: &Path, errno: i32) -> Result<Value> {
    let error = Command::new(path)
        .arg("marker-argument")
        .spawn()
        .err()
        .context("it ran")?;
    if error.raw_os_error() != Some(errno) {
        bail!("it failed otherwise: {error}");
    }
    let name = path.as_os_str().as_bytes().to_vec();
    let event = ctx.sensor.wait_for("the failed exec", |v| {
        v["hook"] == "execve"
            && v["syscall"]["exit"] == -errno
            && v["paths"][0]["name"].as_str().map(str::as_bytes) == Some(&name)
    })?;
    same_bool(&event, "/syscall/success", false)?;
    same_number(&event, "/who/ppid", std::process::id().into())?;
    check_argv(&event, &[path.as_os_str(), OsStr::new("marker-argument")])?;
    Ok(event)
}

fn enoent(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("no such");
    let event = failing(ctx, &path, libc::ENOENT)?;
    same_bytes(&event, "/paths/0/nametype", b"UNKNOWN")
}

fn eacces(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("plain");
    fs::write(&path, "not a program")?;
    let event = failing(ctx, &path, libc::EACCES)?;
    check_item(&event, 0, path.as_os_str().as_bytes(), &path)
}

fn enoexec(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("garbage");
    fs::write(&path, b"\x01\x02\x03\x04 not a program")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    let event = failing(ctx, &path, libc::ENOEXEC)?;
    check_item(&event, 0, path.as_os_str().as_bytes(), &path)
}

/// One argument beyond MAX_ARG_STRLEN: refused before or after the file is opened, by version.
fn e2big(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("never");
    fs::copy("/bin/true", &path)?;
    let error = Command::new(&path).arg("x".repeat(200_000)).spawn().err();
    let error = error.context("it ran")?;
    if error.raw_os_error() != Some(libc::E2BIG) {
        bail!("it failed otherwise: {error}");
    }
    let event = ctx.sensor.wait_for("the failed exec", |v| {
        v["hook"] == "execve" && v["syscall"]["exit"] == -libc::E2BIG
    })?;
    same_bytes(&event, "/paths/0/name", path.as_os_str().as_bytes())?;
    same_bytes(&event, "/exec/argv/0", path.as_os_str().as_bytes())?;
    same_bool(&event, "/exec/truncated", true)
}

/// What does not fit of a failed call's arguments is not passed over in silence.
fn failed_long(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("missing");
    let (fits, long) = ("f".repeat(511), "l".repeat(512));
    for (last, truncated) in [(&fits, false), (&long, true)] {
        ctx.sensor.forget();
        let started = Command::new(&path).arg(last).spawn();
        if started.is_ok() {
            bail!("it ran");
        }
        let event = ctx.sensor.wait_for("the failed exec", |v| {
            v["hook"] == "execve" && v["syscall"]["exit"] == -libc::ENOENT
        })?;
        same_bytes(&event, "/exec/argv/1", &last.as_bytes()[..511])?;
        same_bool(&event, "/exec/truncated", truncated)?;
        same_bool(&event, "/caveats/truncated", truncated)?;
    }
    Ok(())
}
