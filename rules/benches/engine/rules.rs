//! Any number of rules, in the manner of SigmaHQ's for Linux: the same shapes, fields and modifiers.
use std::fmt::Write as _;

const TOOLS: [&str; 40] = [
    "nc", "ncat", "socat", "curl", "wget", "base64", "xxd", "chattr", "crontab", "at", "chmod",
    "setcap", "useradd", "usermod", "gdb", "strace", "tcpdump", "nmap", "masscan", "hydra", "ssh",
    "scp", "rsync", "tar", "gcc", "perl", "ruby", "php", "lua", "awk", "dd", "shred", "iptables",
    "insmod", "modprobe", "mount", "chroot", "unshare", "kubectl", "docker",
];
const WORDS: [&str; 30] = [
    "/dev/tcp/",
    "bash -i",
    "/etc/shadow",
    "/etc/passwd",
    "authorized_keys",
    "LD_PRELOAD",
    "memfd:",
    "chmod 777",
    "+s ",
    "--reverse",
    "mkfifo",
    "pty.spawn",
    "stratum+tcp",
    "--donate-level",
    "history -c",
    "/proc/self/mem",
    "setenforce 0",
    "nopasswd",
    "ufw disable",
    "systemctl stop",
    "auditctl -D",
    "iptables -F",
    "base64 -d",
    "openssl enc",
    "exec(base64",
    "eval(",
    "import socket",
    "fsockopen",
    "/bin/sh -c",
    "xmrig",
];
const DIRECTORIES: [&str; 12] = [
    "/etc/cron.d/",
    "/etc/systemd/system/",
    "/etc/profile.d/",
    "/etc/ld.so.conf.d/",
    "/etc/sudoers.d/",
    "/etc/pam.d/",
    "/etc/init.d/",
    "/var/spool/cron/",
    "/usr/lib/modules/",
    "/etc/apt/apt.conf.d/",
    "/etc/udev/rules.d/",
    "/root/.ssh/",
];

/// A thing's name; beyond the first of a kind they are as many as are asked for.
fn name(kind: &[&str], number: usize) -> String {
    let (round, at) = (number / kind.len(), number % kind.len());
    match round {
        0 => kind[at].to_owned(),
        round => format!("{}{}", kind[at].trim_end(), syllables(round * 31 + at)),
    }
}

fn syllables(mut number: usize) -> String {
    let mut text = String::new();
    while number > 0 {
        text.push(char::from(b"bdfgklmnprstvz"[number % 14]));
        text.push(char::from(b"aeiou"[number / 14 % 5]));
        number /= 70;
    }
    text
}

/// So many rules, in one file.
pub(crate) fn rules(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        rule(&mut text, number).expect("a string takes all");
    }
    text
}

fn rule(out: &mut String, n: usize) -> std::fmt::Result {
    let file = n % 10 >= 7;
    let category = if file {
        "file_event"
    } else {
        "process_creation"
    };
    write!(
        out,
        "---\ntitle: Rule {n}\nid: 6f1d3c52-9a0e-4b59-8f0a-{n:012x}\nstatus: test\ndescription: Something of kind {n}.\nauthor: nobody\ndate: 2026-11-30\ntags:\n    - attack.execution\n    - attack.t1059.004\nlogsource:\n    product: linux\n    category: {category}\ndetection:\n"
    )?;
    if file {
        file_detection(out, n)
    } else {
        process_detection(out, n)
    }?;
    writeln!(out, "falsepositives:\n    - Unknown\nlevel: medium")
}

fn process_detection(out: &mut String, n: usize) -> std::fmt::Result {
    let (tool, other) = (name(&TOOLS, n), name(&TOOLS, n + 7));
    let (word, second, third) = (name(&WORDS, n), name(&WORDS, n + 11), name(&WORDS, n + 17));
    match n % 7 {
        0 => write!(
            out,
            "    selection:\n        Image|endswith: /{tool}\n        CommandLine|contains:\n            - ' -e '\n            - '{word}'\n    condition: selection\n"
        ),
        1 => write!(
            out,
            "    selection:\n        CommandLine|contains|all:\n            - '{word}'\n            - '{second}'\n    condition: selection\n"
        ),
        2 => write!(
            out,
            "    selection:\n        CommandLine|contains:\n            - '{word}'\n            - '{second}'\n            - '{third}'\n    filter_main_known:\n        ParentImage: /usr/bin/dpkg\n    condition: selection and not 1 of filter_main_*\n"
        ),
        3 => write!(
            out,
            "    selection_img:\n        Image|endswith:\n            - /{tool}\n            - /{other}\n    selection_cli:\n        CommandLine|contains:\n            - '{word}'\n            - ' --{second}'\n    condition: all of selection_*\n"
        ),
        4 => write!(
            out,
            "    selection:\n        CommandLine|re: '{tool}\\s+-[a-z]*e.*{other}'\n    condition: selection\n"
        ),
        5 => write!(
            out,
            "    selection:\n        ParentImage|endswith:\n            - /{tool}\n            - /{other}\n        Image|endswith:\n            - /sh\n            - /bash\n            - /dash\n    filter:\n        CommandLine|startswith: '/bin/sh {word}'\n    condition: selection and not filter\n"
        ),
        _ => write!(
            out,
            "    selection:\n        Image|startswith:\n            - /tmp/\n            - /dev/shm/\n        CommandLine: '*{word}*{second}*'\n    selection2:\n        User: root\n        CurrentDirectory: '/var/{tool}'\n    condition: 1 of selection*\n"
        ),
    }
}

fn file_detection(out: &mut String, n: usize) -> std::fmt::Result {
    let (tool, word, directory) = (name(&TOOLS, n), name(&WORDS, n), name(&DIRECTORIES, n));
    match n % 3 {
        0 => write!(
            out,
            "    selection:\n        TargetFilename|startswith: {directory}\n    filter:\n        Image:\n            - /usr/bin/dpkg\n            - /usr/bin/rpm\n            - /usr/bin/{tool}\n    condition: selection and not filter\n"
        ),
        1 => write!(
            out,
            "    selection:\n        TargetFilename|endswith:\n            - '/{tool}.service'\n            - '/.{tool}rc'\n        Image|endswith: /{tool}\n    condition: selection\n"
        ),
        _ => write!(
            out,
            "    selection:\n        TargetFilename|contains:\n            - '{directory}{tool}'\n            - '/{word}'\n    condition: selection\n"
        ),
    }
}
