//! The acts: accounts made, changed and removed; sign-ins that succeed and that fail.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::until;

/// What the last act tells audit.
pub(super) const END: &str = "accounts-end";

const PORT: u16 = 2222;

/// An emulated processor takes seconds for the keys of the usual exchange.
const CHEAP: &str = "-o KexAlgorithms=curve25519-sha256 -o HostKeyAlgorithms=ssh-ed25519";

/// Name and shell text; `$d` is a directory of the acts' own, `$ssh` the client without its questions.
const ACTS: &[(&str, &str)] = &[
    ("a group", "groupadd pgroup"),
    ("a group that is there", "groupadd pgroup"),
    ("an account", "useradd -m -s /bin/sh puser"),
    ("an account that is there", "useradd puser"),
    (
        "an account of another shell",
        "useradd -M -s /bin/false -u 4001 -g pgroup pother",
    ),
    ("a password", "echo 'puser:right horse' | chpasswd"),
    (
        "a password twice over",
        "printf 'right horse\\nright horse\\n' | passwd puser",
    ),
    (
        "passwords that differ",
        "printf 'one\\nother\\n' | passwd puser",
    ),
    ("a password of nobody's", "echo 'pmissing:right' | chpasswd"),
    ("a comment", "usermod -c 'P. User' puser"),
    ("further groups", "usermod -aG pgroup,sudo puser"),
    ("a missing group", "usermod -aG pmissing puser"),
    ("another number", "usermod -u 4002 pother"),
    ("locked", "usermod -L pother; usermod -U puser"),
    ("passwd locks", "passwd -l pother; passwd -u puser"),
    ("aging", "chage -M 90 puser"),
    (
        "gpasswd",
        "gpasswd -d puser pgroup; gpasswd -a puser pgroup",
    ),
    (
        "a group's name",
        "groupmod -n pgroup2 pgroup; groupmod -n pgroup pgroup2",
    ),
    ("su", "su puser -c true"),
    ("su with a login", "su - puser -c true"),
    ("su to nobody", "su pmissing -c true"),
    (
        "su by another",
        "su puser -c 'echo wrong | su root -c true'",
    ),
    (
        "su by another, right",
        "su pother -s /bin/sh -c \"echo 'right horse' | su puser -c true\"",
    ),
    ("sudo", "sudo -u puser true"),
    ("sudo with words", "sudo -u puser sh -c 'exit 3'"),
    (
        "sudo by another",
        "su puser -c \"echo 'right horse' | sudo -S true\"",
    ),
    (
        "sudo by another, wrong",
        "su puser -c 'echo wrong | sudo -k -S true'",
    ),
    (
        "sudo by who may not",
        "su pother -s /bin/sh -c 'sudo -n true'",
    ),
    ("sudo to nobody", "sudo -u pmissing true"),
    ("ssh by key", "$ssh -i $d/key puser@127.0.0.1 true"),
    (
        "ssh with a terminal",
        "$ssh -tt -i $d/key puser@127.0.0.1 true",
    ),
    (
        "ssh by no key of theirs",
        "$ssh -i $d/other puser@127.0.0.1 true",
    ),
    ("ssh by nobody", "$ssh -i $d/key pmissing@127.0.0.1 true"),
    (
        "ssh by a wrong password",
        "word=wrong $ssh $asked puser@127.0.0.1 true",
    ),
    (
        "ssh by password",
        "word='right horse' $ssh $asked puser@127.0.0.1 true",
    ),
    ("ssh to no shell", "$ssh $asked pother@127.0.0.1 true"),
    ("a text", "auditctl -m \"plain text of 'someone'\""),
    (
        "a text by who may not",
        "setpriv --reuid=1234 --clear-groups auditctl -m refused",
    ),
    ("out of a group", "gpasswd -d puser sudo"),
    ("no account", "userdel -r puser"),
    ("no account of nobody's", "userdel pmissing"),
    ("no other account", "userdel pother"),
    ("no group", "groupdel pgroup"),
    ("no group of nobody's", "groupdel pgroup"),
];

/// Runs all. That an act fails is what some want; that none is left over is seen in the records.
pub(super) fn acts(dir: &Path) -> Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    keys(dir)?;
    no_delay()?;
    let sshd = Listener::start(dir)?;
    for (name, text) in ACTS {
        shell(dir, text).with_context(|| (*name).to_owned())?;
        // A session ends after its client.
        until(name, || Ok(!has_children(sshd.0.id())))?;
    }
    drop(sshd);
    shell(dir, &format!("auditctl -m {END}"))
}

fn shell(dir: &Path, text: &str) -> Result<()> {
    let ssh = format!(
        "ssh -q -n -p {PORT} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
         -o IdentitiesOnly=yes -o NumberOfPasswordPrompts=1 -o ConnectTimeout=20 {CHEAP}"
    );
    let mut child = Command::new("sh");
    child
        .args(["-c", text])
        .current_dir("/root")
        .env("d", dir)
        .env("ssh", ssh);
    child.env("asked", "-o PreferredAuthentications=password");
    child
        .env("SSH_ASKPASS", dir.join("ask"))
        .env("SSH_ASKPASS_REQUIRE", "force");
    let quiet = child
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().context("sh")?;
    Ok(())
}

/// A wrong password is answered at once: that audit is told does not hang on the two seconds.
fn no_delay() -> Result<()> {
    const AUTH: &str = "/etc/pam.d/common-auth";
    let text = fs::read_to_string(AUTH).context(AUTH)?;
    let quick = text.replace("pam_unix.so nullok\n", "pam_unix.so nullok nodelay\n");
    fs::write(AUTH, quick).context(AUTH)
}

/// One key that signs in, one that doesn't, and what answers for a password.
fn keys(dir: &Path) -> Result<()> {
    for name in ["key", "other"] {
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(dir.join(name));
        keygen.status().context("ssh-keygen")?;
    }
    fs::copy(dir.join("key.pub"), dir.join("authorized"))?;
    let ask = dir.join("ask");
    fs::write(&ask, "#!/bin/sh\nprintf '%s\\n' \"$word\"\n")?;
    fs::set_permissions(&ask, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// sshd, until it is dropped.
struct Listener(Child);

impl Listener {
    fn start(dir: &Path) -> Result<Self> {
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-p", &PORT.to_string()]);
        sshd.args(["-o", "ListenAddress=127.0.0.1", "-o", "StrictModes=no"]);
        let keys = dir.join("authorized");
        sshd.arg("-o")
            .arg(format!("AuthorizedKeysFile={}", keys.display()));
        let null = sshd
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let listener = Self(null.spawn().context("sshd")?);
        // A connection that says nothing: what it leaves behind is before the first act.
        until("sshd", || {
            Ok(TcpStream::connect(("127.0.0.1", PORT)).is_ok())
        })?;
        until("sshd's rest", || Ok(!has_children(listener.0.id())))?;
        Ok(listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ended = self.0.kill().is_ok();
        let _reaped = self.0.wait().is_ok();
    }
}

fn has_children(pid: u32) -> bool {
    let path = format!("/proc/{pid}/task/{pid}/children");
    fs::read_to_string(path).is_ok_and(|children| !children.trim().is_empty())
}
