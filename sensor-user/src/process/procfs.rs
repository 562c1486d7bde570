//! What /proc says of a process: for those older than the sensor, and after a loss.

use std::{fs, os::unix::ffi::OsStrExt as _};

use bytes::Bytes;

use super::{ProcessEntry, until_nul};

/// Every process there is.
pub(super) fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// One process; `None` when it is gone.
pub(super) fn read(pid: u32) -> Option<ProcessEntry> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let (comm, ppid, ticks) = parse_stat(&stat)?;
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let cmdline = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let status = fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
    let loginuid = fs::read_to_string(format!("/proc/{pid}/loginuid")).unwrap_or_default();
    let argv = split_nul(&Bytes::from(cmdline));
    let exe = exe.map(|path| Bytes::copy_from_slice(path.as_os_str().as_bytes()));
    let cwd = fs::read_link(format!("/proc/{pid}/cwd")).ok();
    let cwd = cwd.map(|path| Bytes::copy_from_slice(path.as_os_str().as_bytes()));
    let script = crate::script::of(exe.as_deref(), &argv, cwd.as_deref());
    Some(ProcessEntry {
        pid,
        ppid,
        start_ns: ticks.saturating_mul(1_000_000_000 / ticks_per_second()),
        uid: uid(&status).unwrap_or(u32::MAX),
        auid: loginuid.trim().parse().unwrap_or(u32::MAX),
        comm,
        exe,
        argv,
        script,
        exec_id: None,
        exited: false,
    })
}

/// `comm`, parent and start of proc_pid_stat(5); `comm` may hold spaces and parentheses.
fn parse_stat(stat: &[u8]) -> Option<(Bytes, u32, u64)> {
    let open = stat.iter().position(|b| *b == b'(')?;
    let close = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 2..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let comm = until_nul(stat.get(open + 1..close)?);
    Some((
        comm,
        fields.get(1)?.parse().ok()?,
        fields.get(19)?.parse().ok()?,
    ))
}

/// Real uid from proc_pid_status(5).
fn uid(status: &[u8]) -> Option<u32> {
    let line = status
        .split(|b| *b == b'\n')
        .find(|line| line.starts_with(b"Uid:"))?;
    std::str::from_utf8(line)
        .ok()?
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn ticks_per_second() -> u64 {
    // USER_HZ: fixed by the ABI of /proc on every architecture of ours.
    100
}

/// NUL-terminated strings.
pub(super) fn split_nul(bytes: &Bytes) -> Vec<Bytes> {
    let body = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    body.split(|b| *b == 0)
        .map(|part| bytes.slice_ref(part))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_with_a_hostile_comm() {
        let stat = b"77 (a) b (c)) S 5 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 0";
        assert_eq!(
            parse_stat(stat),
            Some((Bytes::from_static(b"a) b (c)"), 5, 4242))
        );
    }

    #[test]
    fn this_process() {
        let me = read(std::process::id()).expect("own entry");
        assert_eq!(me.ppid, std::os::unix::process::parent_id());
        assert_eq!(
            me.exe.as_deref(),
            std::env::current_exe()
                .ok()
                .map(|p| p.into_os_string().into_encoded_bytes())
                .as_deref()
        );
    }
}
