//! Rules of every category: a site rule raises its alert from a real act, and what is recorded does not
//! change by it.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    harness::{Lone, LoneCtx, lone, skip},
    json::bytes,
    parity::driver,
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[
    lone("rules/every category raises its alert", categories),
    lone("rules/sign-ins and accounts", messages),
    lone("rules/what is wanted is not recorded", not_recorded),
    lone("rules/containers", containers),
];

/// A rule: title, log source, selection.
type Rule = (&'static str, &'static str, &'static str);

const RULES: &[Rule] = &[
    (
        "renamed",
        "category: file_rename",
        "TargetFilename|endswith: DIR/renamed\n        SourceFilename|endswith: DIR/old\n        Replaced: false",
    ),
    (
        "renamed as event",
        "category: file_event",
        "TargetFilename|endswith: DIR/renamed\n        Operation: rename",
    ),
    (
        "linked",
        "category: file_link",
        "TargetFilename|endswith: DIR/linked\n        SourceFilename: /etc/hostname\n        Operation: symlink",
    ),
    (
        "hard linked as event",
        "category: file_event",
        "TargetFilename|endswith: DIR/hard\n        Operation: link",
    ),
    (
        "deleted",
        "category: file_delete",
        "TargetFilename|endswith: DIR/linked\n        Operation: unlink",
    ),
    (
        "mode set",
        "category: file_attribute",
        "TargetFilename|endswith: DIR/renamed\n        NewMode: '4755'",
    ),
    (
        "connected",
        "category: network_connection",
        "DestinationIp|cidr: 127.0.0.0/8\n        DestinationPort: PORT\n        Initiated: true\n        Success: true",
    ),
    (
        "accepted",
        "category: network_connection",
        "SourceIp: 127.0.0.1\n        Initiated: false",
    ),
    (
        "memory",
        "category: memory",
        "Operation: mprotect\n        Protection: rwx\n        Length: 12288",
    ),
    ("memfd", "category: memory", "Operation: memfd_create"),
    (
        "traced",
        "category: memory",
        "PtraceRequest: PTRACE_SEIZE\n        TargetImage|endswith: /sleep",
    ),
    (
        "by record",
        "service: auditd",
        "type: EXECVE\n        a0: 'true'\n        a1: DIR",
    ),
    (
        "by call",
        "service: auditd",
        "type: SYSCALL\n        SYSCALL: personality\n        a0: ffffffff",
    ),
    (
        "by path",
        "service: auditd",
        "type: PATH\n        nametype: CREATE\n        name: DIR/renamed",
    ),
];

fn rule_file(dir: &Path, port: u16, rules: &[Rule]) -> Result<String> {
    let place = dir.display().to_string();
    let text: String = rules
        .iter()
        .enumerate()
        .map(|(n, (title, source, selection))| {
            let selection = selection
                .replace("DIR", &place)
                .replace("PORT", &port.to_string());
            format!(
                "---\ntitle: {title}\nid: 5b2c6a10-0000-4000-8000-{n:012}\nlogsource:\n    product: linux\n    \
                 {source}\ndetection:\n    s:\n        {selection}\n        \n    condition: s\nlevel: low\n"
            )
        })
        .collect();
    let file = dir.join("site.yml");
    fs::write(&file, text)?;
    Ok(file.display().to_string())
}

fn categories(ctx: &LoneCtx) -> Result<()> {
    let plans: &[&str] = if ctx.native {
        &["tracepoint"]
    } else {
        &["fentry", "kprobe", "tracepoint"]
    };
    for plan in plans {
        let dir = ctx.dir.join(plan);
        fs::create_dir_all(&dir)?;
        let dir = dir.canonicalize()?;
        under(plan, &dir).with_context(|| (*plan).to_owned())?;
    }
    Ok(())
}

fn under(plan: &str, dir: &Path) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let rules = rule_file(dir, port, RULES)?;
    let args = [
        "--attach",
        plan,
        "--json",
        "--no-shipped-rules",
        "--rules",
        &rules,
    ];
    let mut sensor = Sensor::start(&args)?;
    let mut elder = Command::new("sleep").arg("1000").spawn()?;
    let acted = act(dir, &listener, elder.id());
    let raised = acted.and_then(|()| all_raised(&mut sensor, RULES));
    let _ended = elder.kill().is_ok();
    let _reaped = elder.wait().is_ok();
    raised?;
    let status = sensor.stop()?;
    if status["lost_total"] != 0 {
        bail!("lost: {status}");
    }
    Ok(())
}

fn all_raised(sensor: &mut Sensor, rules: &[Rule]) -> Result<()> {
    for (title, ..) in rules {
        sensor.wait_for(title, |v| v["type"] == "alert" && v["title"] == *title)?;
    }
    Ok(())
}

/// One act for each rule.
fn act(dir: &Path, listener: &TcpListener, elder: u32) -> Result<()> {
    let (old, new, link) = (dir.join("old"), dir.join("renamed"), dir.join("linked"));
    fs::write(&old, "x")?;
    fs::rename(&old, &new)?;
    symlink("/etc/hostname", &link)?;
    fs::remove_file(&link)?;
    fs::hard_link(&new, dir.join("hard"))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o4755))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (_server, _) = listener.accept()?;
    drop(client);
    memory(elder)?;
    Command::new("true").arg(dir).status()?;
    // SAFETY: a question; nothing is changed.
    let persona = unsafe { libc::personality(0xffff_ffff) };
    if persona < 0 {
        bail!("personality: {persona}");
    }
    Ok(())
}

fn memory(elder: u32) -> Result<()> {
    const SIZE: usize = 12288;
    let rw = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping that nothing else uses; it is given back below.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), SIZE, rw, flags, -1, 0) };
    if place == libc::MAP_FAILED {
        bail!("mmap: {}", std::io::Error::last_os_error());
    }
    // SAFETY: the same mapping, whole.
    let done = unsafe { libc::mprotect(place, SIZE, rw | libc::PROT_EXEC) };
    // SAFETY: the same mapping, of which nothing is used any more.
    unsafe { libc::munmap(place, SIZE) };
    // SAFETY: a C string that lives; the descriptor is closed at once.
    let fd = unsafe { libc::memfd_create(c"x".as_ptr(), 0) };
    // SAFETY: the descriptor is ours.
    unsafe { libc::close(fd) };
    let pid = elder.cast_signed();
    // SAFETY: seizes our own child, and lets it go; no memory is touched.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
    if done != 0 || fd < 0 || seized != 0 {
        bail!("mprotect {done}, memfd_create {fd}, ptrace {seized}");
    }
    Ok(())
}

const MESSAGES: &[Rule] = &[
    (
        "signed in",
        "category: authentication",
        "MessageType: USER_LOGIN\n        Account: eve\n        SourceIp: 192.0.2.7\n        Success: false",
    ),
    (
        "account added",
        "category: account_change",
        "MessageType: ADD_USER\n        Operation: adding user\n        Account: mallory",
    ),
    (
        "message record",
        "service: auditd",
        "type: ADD_USER\n        acct: mallory\n        res: success",
    ),
];

fn messages(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("this machine's audit is told nothing"));
    }
    let rules = rule_file(&ctx.dir, 0, MESSAGES)?;
    let args = [
        "--attach",
        &ctx.plan,
        "--json",
        "--no-shipped-rules",
        "--rules",
        &rules,
    ];
    let mut sensor = Sensor::start(&args)?;
    for (kind, text) in [
        (
            "1112",
            "op=login acct=\"eve\" exe=\"/x\" hostname=h addr=192.0.2.7 terminal=ssh res=failed",
        ),
        (
            "1114",
            "op=adding user acct=\"mallory\" exe=\"/x\" hostname=? addr=? terminal=? res=success",
        ),
    ] {
        let status = Command::new(driver())
            .args(["act", "tell", kind, text])
            .status()?;
        if !status.success() {
            bail!("act tell: {status}");
        }
    }
    all_raised(&mut sensor, MESSAGES)?;
    sensor.stop().map(|_| ())
}

/// A control group named as a runtime names one: what a process executes once it is in there.
fn containers(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("makes a control group"));
    }
    let id = "5ca1ab1e".repeat(8);
    let selection: &'static str = format!("ContainerId: {id}\n        Arg0: 'true'").leak();
    let rule = ("contained", "category: process_creation", selection);
    let rules = rule_file(&ctx.dir, 0, &[rule])?;
    let groups = ctx.dir.join("groups");
    fs::create_dir(&groups)?;
    let mount = Command::new("mount")
        .args(["-t", "cgroup2", "none"])
        .arg(&groups)
        .status()?;
    if !mount.success() {
        return Err(skip("cgroup2 can't be mounted"));
    }
    let group = groups.join(format!("docker-{id}.scope"));
    fs::create_dir(&group)?;
    let args = [
        "--attach",
        &ctx.plan,
        "--json",
        "--no-shipped-rules",
        "--rules",
        &rules,
    ];
    let mut sensor = Sensor::start(&args)?;
    let script = format!(
        "echo $$ > {}/cgroup.procs && sleep 1 && exec true",
        group.display()
    );
    let status = Command::new("sh").args(["-c", &script]).status()?;
    let raised = sensor.wait_for("contained", |v| {
        v["type"] == "alert" && v["title"] == "contained"
    });
    sensor.stop()?;
    fs::remove_dir(&group)?;
    let umount = Command::new("umount").arg(&groups).status()?;
    raised?;
    if !(status.success() && umount.success()) {
        bail!("the script {status}, umount {umount}");
    }
    Ok(())
}

/// Without a policy the four families are recorded, with one what it says; no rule changes that.
fn not_recorded(ctx: &LoneCtx) -> Result<()> {
    let policy = ctx.dir.join("audit.rules");
    fs::write(
        &policy,
        "-a always,exit -F arch=b64 -S chmod,fchmodat -k modes\n",
    )?;
    let policy = policy.display().to_string();
    let rules = rule_file(&ctx.dir, 0, &RULES[..2])?;
    for audit_rules in [None, Some(policy)] {
        let name = if audit_rules.is_some() {
            "with"
        } else {
            "without"
        };
        let log = ctx.dir.join(name).display().to_string();
        let mut args = vec!["--attach", &ctx.plan, "--json", "--no-shipped-rules"];
        args.extend(["--rules", &rules, "--audit-log", &log]);
        if let Some(policy) = &audit_rules {
            args.extend(["--audit-rules", policy]);
        }
        let mut sensor = Sensor::start(&args)?;
        let (old, new) = (ctx.dir.join("old"), ctx.dir.join("renamed"));
        fs::write(&old, "x")?;
        fs::rename(&old, &new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        let alert = sensor.wait_for("the alert", |v| v["type"] == "alert")?;
        with_proof(&alert)?;
        sensor.stop()?;
        let text = fs::read_to_string(&log)?;
        let calls = |nr: u32| text.contains(&format!(" syscall={nr} "));
        let renames = [82, 264, 316].into_iter().any(calls);
        let modes = [90, 268].into_iter().any(calls);
        if renames || modes != audit_rules.is_some() {
            bail!("{name} a policy: renames {renames}, modes {modes}: {text}");
        }
        fs::remove_file(&new)?;
    }
    Ok(())
}

/// The alert has the records that are not in the log.
fn with_proof(alert: &Value) -> Result<()> {
    let records = alert["records"].as_array().into_iter().flatten();
    let text: Vec<Vec<u8>> = records.filter_map(bytes).collect();
    let has = |word: &[u8]| {
        text.iter()
            .any(|line| line.windows(word.len()).any(|w| w == word))
    };
    if !has(b"type=SYSCALL") || !has(b"nametype=CREATE") {
        bail!("no records that prove it: {alert}");
    }
    Ok(())
}
