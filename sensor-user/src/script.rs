//! Which script an interpreter runs, told from its arguments.

use bytes::Bytes;

/// Executables whose first plain argument is a script (prefixes: versions follow).
const INTERPRETERS: [&str; 13] = [
    "sh", "bash", "dash", "ash", "ksh", "zsh", "busybox", "python", "perl", "ruby", "php", "node",
    "lua",
];

/// The absolute path of the script, if `exe` is an interpreter that was given one.
#[must_use]
pub fn of(exe: Option<&[u8]>, argv: &[Bytes], cwd: Option<&[u8]>) -> Option<Bytes> {
    let name = exe?.rsplit(|b| *b == b'/').next()?;
    if !is_interpreter(name) {
        return None;
    }
    let mut args = argv.iter().skip(1);
    if name.starts_with(b"busybox") && !argv.first()?.ends_with(b"sh") {
        let _applet = args.next();
    }
    for arg in args {
        match arg.as_ref() {
            [b'-', b'-', ..] => {}
            // -c and -e take program text: there is no script.
            [b'-', rest @ ..]
                if rest.contains(&b'c') || rest.contains(&b'e') && !is_shell(name) =>
            {
                return None;
            }
            [b'-' | b'+', ..] => {}
            plain => return Some(absolute(plain, cwd)),
        }
    }
    None
}

fn is_interpreter(name: &[u8]) -> bool {
    INTERPRETERS.iter().any(|known| {
        name.strip_prefix(known.as_bytes()).is_some_and(|rest| {
            rest.iter()
                .all(|b| b.is_ascii_digit() || *b == b'.' || *b == b'-')
        })
    })
}

fn is_shell(name: &[u8]) -> bool {
    name.ends_with(b"sh")
}

/// `path` from `cwd`, as text: no component is resolved.
#[must_use]
pub fn absolute(path: &[u8], cwd: Option<&[u8]>) -> Bytes {
    if path.first() == Some(&b'/') {
        return Bytes::copy_from_slice(path);
    }
    let mut whole = cwd.unwrap_or_default().to_vec();
    if whole.last() != Some(&b'/') {
        whole.push(b'/');
    }
    whole.extend_from_slice(path.strip_prefix(b"./").unwrap_or(path));
    whole.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(exe: &str, argv: &[&'static str], expect: Option<&str>) {
        let argv: Vec<Bytes> = argv
            .iter()
            .map(|a| Bytes::from_static(a.as_bytes()))
            .collect();
        let found = of(Some(exe.as_bytes()), &argv, Some(b"/srv"));
        assert_eq!(found.as_deref(), expect.map(str::as_bytes));
    }

    #[test]
    fn scripts_are_found() {
        check(
            "/usr/bin/dash",
            &["/bin/sh", "-e", "./s.sh", "a"],
            Some("/srv/s.sh"),
        );
        check(
            "/usr/bin/python3.11",
            &["python3", "/opt/x.py"],
            Some("/opt/x.py"),
        );
        check(
            "/bin/busybox",
            &["busybox", "sh", "x.sh"],
            Some("/srv/x.sh"),
        );
        check(
            "/usr/bin/bash",
            &["bash", "-x", "/sbin/dhclient-script"],
            Some("/sbin/dhclient-script"),
        );
    }

    #[test]
    fn program_text_is_no_script() {
        check("/usr/bin/bash", &["bash", "-c", "id", "x"], None);
        check("/usr/bin/perl", &["perl", "-e", "1"], None);
        check("/usr/bin/id", &["id", "/etc"], None);
        check("/usr/bin/shred", &["shred", "x"], None);
        check("/usr/bin/bash", &["-bash"], None);
    }
}
