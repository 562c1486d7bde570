//! Lines that load, as the listing prints them; lines that do not, with the reason.

use super::{errors, load};

fn listed(text: &str) -> Vec<String> {
    let policy = load(text);
    let line = |l: &super::super::Loaded| String::from_utf8(l.rule.line()).expect("UTF-8");
    policy.rules().iter().map(line).collect()
}

/// A line and what `auditctl -l` says of it; "" for the same.
const ACCEPTED: &[(&str, &str)] = &[
    ("-w /etc/shadow -p wa -k auth", ""),
    ("-w /etc/shadow", "-w /etc/shadow -p rwxa"),
    ("-w /etc -p aw", "-w /etc/ -p wa"),
    ("-w /etc/ -p aw", "-w /etc/ -p wa"),
    ("-w /nonesuch/dir/ -p r -k a -k b", ""),
    ("-w /a\\ b/c\\\\d -p r", ""),
    (
        "-Fauid=0 -a exit,always",
        "!List must be given before field",
    ),
    ("-aexit,always -Fuid=root", "-a always,exit -S all -F uid=0"),
    (
        "-a always,exit -F path=/etc/shadow -F perm=w -F key=k",
        "-w /etc/shadow -p w -k k",
    ),
    (
        "-a exit,always -F arch=b64 -S open,openat -S creat -F auid>=1000 -F auid!=unset -k a",
        "-a always,exit -F arch=b64 -S open,creat,openat -F auid>=1000 -F auid!=-1 -F key=a",
    ),
    (
        "-a always,exit -F auid!=4294967295 -S kill -F arch=b32",
        "!arch=b32 must be before -S",
    ),
    (
        "-a always,exit -F arch=i686 -S stime",
        "-a always,exit -F arch=b32 -S stime",
    ),
    (
        "-a always,exit -F arch=0xc000003e -S 59",
        "-a always,exit -F arch=b64 -S execve",
    ),
    (
        "-a always,exit -F arch=c000003e -S 2000",
        "-a always,exit -F arch=b64 -S 2000",
    ),
    ("-a always,exit -F arch!=b64 -S all", ""),
    (
        "-a always,exit -S open -F a1&0100 -F a0=-1 -F a2&=0x3 -F a3=12",
        "-a always,exit -S open -F a1&0x40 -F a0=0xFFFFFFFF -F a2&=0x3 -F a3=0xC",
    ),
    (
        "-a always,exit -S open -F exit=-EACCES -F exit!=3 -F exit>-4096",
        "-a always,exit -S open -F exit=-EACCES -F exit!=3 -F exit>-4096",
    ),
    (
        "-a always,exit -S open -F exit=-EWOULDBLOCK",
        "-a always,exit -S open -F exit=-EAGAIN",
    ),
    (
        "-a always,exit -S open -F success=no -F success!=yes",
        "-a always,exit -S open -F success=0 -F success!=1",
    ),
    (
        "-a always,exit -S open -F filetype=file -F filetype!=16384",
        "-a always,exit -S open -F filetype=file -F filetype!=dir",
    ),
    (
        "-a always,exit -S open -F gid=wheel -F egid!=0 -F sgid<5 -F fsgid>6",
        "-a always,exit -S open -F gid=10 -F egid!=0 -F sgid<5 -F fsgid>6",
    ),
    (
        "-a always,exit -S open -F pid=1 -F ppid!=2 -F pers&8 -F sessionid=unset",
        "-a always,exit -S open -F pid=1 -F ppid!=2 -F pers&8 -F sessionid=-1",
    ),
    (
        "-a always,exit -S open -F devmajor=8 -F devminor&=1 -F inode=12",
        "",
    ),
    (
        "-a always,exit -S open -F obj_uid=0 -F obj_gid!=0 -F dir=/tmp/",
        "-a always,exit -S open -F obj_uid=0 -F obj_gid!=0 -F dir=/tmp",
    ),
    (
        "-a always,exit -S connect -F saddr_fam=2 -F exe=/usr/bin/su",
        "",
    ),
    (
        "-a always,exit -S connect -F exe!=/usr/bin/su -F subj_type=x_t",
        "",
    ),
    (
        "-a always,exit -S open -C uid!=euid -C auid=obj_uid -C gid=fsgid",
        "",
    ),
    (
        "-a always,exit -F dir=/etc -F perm=wa -F uid=0 -F key=x\\ y",
        "-a always,exit -S all -F dir=/etc -F perm=wa -F uid=0 -F key=x\\ y",
    ),
    (
        "-A never,exit -S all -F pid=7",
        "-a never,exit -S all -F pid=7",
    ),
    ("-a task,never", "-a never,task"),
    ("-a never,task -F uid=112", ""),
    (
        "-a exclude,always -F msgtype=CWD",
        "-a always,exclude -F msgtype=CWD",
    ),
    (
        "-a exclude,never -F msgtype>=1300 -F auid=unset",
        "-a never,exclude -F msgtype>=SYSCALL -F auid=-1",
    ),
    ("-a never,user -F msgtype=USER_AUTH -F uid=0", ""),
    ("-a never,filesystem -F fstype=debugfs", ""),
    (
        "-a io_uring,always -S openat,openat2,100 -F uid=0 -k u",
        "-a always,io_uring -S openat,openat2,100 -F uid=0 -F key=u",
    ),
    (
        "-a always,io_uring -F path=/etc/shadow -k u",
        "-a always,io_uring -S all -F path=/etc/shadow -F key=u",
    ),
    (
        "-a always,exit -S open -F uid=chrony\r",
        "-a always,exit -S open -F uid=112",
    ),
    ("  -a always,exit -S open", "-a always,exit -S open"),
    (
        "-a always,exit -F perm=x -F path=/etc/shadow -F auid=5",
        "-a always,exit -S all -F perm=x -F path=/etc/shadow -F auid=5",
    ),
    (
        "-a always,exit -F path=/etc/shadow -p wa -k k",
        "-w /etc/shadow -p wa -k k",
    ),
];

#[test]
fn lines_that_load() {
    for (line, expect) in ACCEPTED {
        if let Some(error) = expect.strip_prefix('!') {
            assert_eq!(errors(line), format!("t.rules:1: {error}"), "{line}");
            continue;
        }
        let expect = if expect.is_empty() { line } else { expect };
        assert_eq!(listed(line), [*expect], "{line}");
        // What is listed loads to the same.
        assert_eq!(listed(expect), [*expect], "{line}");
    }
}

const REFUSED: &[(&str, &str)] = &[
    ("open", "parameter passed without an option given: open"),
    (
        "-a always,exit open",
        "parameter passed without an option given: open",
    ),
    ("-", "parameter passed without an option given: -"),
    ("-a", "option -a needs a value"),
    ("-z", "Option -z is invalid"),
    ("-\u{1b}", "Option -\\x1b is invalid"),
    ("--nope", "Option --nope is invalid"),
    ("--reset-lost=1", "option --reset-lost takes no value"),
    (
        "--backlog_wait_time",
        "option --backlog_wait_time needs a value",
    ),
    (
        "--backlog_wait_time x",
        "Backlog_wait_time must be a numeric value was x",
    ),
    (
        "--signal HUP",
        "--signal is for the command line, not for a rules file",
    ),
    (
        "-l",
        "-l: lists rules; it is for the command line, not for a rules file",
    ),
    (
        "-m hello",
        "-m: sends a message; it is for the command line, not for a rules file",
    ),
    ("-R /etc/x", "Error - nested rule files not supported"),
    ("-e 3", "Enable must be 0, 1, or 2 was 3"),
    ("-f x", "Failure must be 0, 1, or 2 was x"),
    ("-b -1", "Backlog must be a numeric value was -1"),
    ("-r 1k", "Rate must be a numeric value was 1k"),
    ("-q /mnt", "Error parsing equivalent parts"),
    ("-D x", "Only the -k option is allowed"),
    ("-D -k", "key option needs a value"),
    (
        "-a entry,always -S open",
        "Append rule - bad keyword entry,always (the entry list is gone: use exit)",
    ),
    ("-a exit,possible", "Append rule - possible is deprecated"),
    ("-A exit", "Add rule - bad keyword exit"),
    (
        "-a exit,always,x",
        "Append rule - bad keyword exit,always,x",
    ),
    (
        "-a exit,always -a exit,never",
        "Multiple rule insert/delete operations are not allowed",
    ),
    ("-S open", "Error - no list specified"),
    (
        "-S open -a task,always",
        "Syscall auditing requested for task list",
    ),
    (
        "-a task,always -S open",
        "Error: syscall auditing being added to task list",
    ),
    (
        "-a user,always -S open",
        "Error: syscall auditing being added to user list",
    ),
    (
        "-a exclude,always -S open",
        "Error: syscall auditing cannot be put on exclude list",
    ),
    (
        "-a filesystem,never -S open",
        "Error: syscall auditing being added to filesystem list",
    ),
    (
        "-a exit,always -S nope",
        "Syscall name unknown: nope (of b64)",
    ),
    (
        "-a exit,always -F arch=b64 -S stime",
        "Syscall name unknown: stime (of b64)",
    ),
    (
        "-a exit,always -S open,nope",
        "Syscall name unknown: nope (of b64)",
    ),
    (
        "-a exit,always -S 2032",
        "Syscall name unknown: 2032 (of b64)",
    ),
    ("-a exit,always -S ,", "Syscall name unknown: "),
    (
        "-a io_uring,always -S execve",
        "io_uring op unknown: execve",
    ),
    (
        "-a exit,always -F arch=ppc64 -S open",
        "arch=ppc64: not an architecture of this machine",
    ),
    (
        "-a exit,always -F arch>b64",
        "arch only takes = or != operators",
    ),
    ("-a exit,always -F uid", "-F missing operation for uid"),
    (
        "-a exit,always -F =1",
        "-F missing field name before operator for =1",
    ),
    (
        "-a exit,always -F uid=",
        "-F missing value after operation for uid=",
    ),
    ("-a exit,always -F nope=1", "-F unknown field: nope"),
    (
        "-a exit,always -F uid=nobody-here",
        "Unknown user: nobody-here",
    ),
    ("-a exit,always -F uid=1x", "Unknown user: 1x"),
    ("-a exit,always -F gid=nope", "Unknown group: nope"),
    (
        "-a exit,always -F uid=-1",
        "uid: 4294967295 is no id; only auid can be unset",
    ),
    (
        "-a exit,always -F auid>unset",
        "auid only takes = or != operators",
    ),
    (
        "-a exit,always -F uid&1",
        "uid does not take &: only a0 to a3, pers and devminor do",
    ),
    ("-a exit,always -F exit=-EFOO", "-F unknown errno - -EFOO"),
    (
        "-a exit,always -F a0=x",
        "-F value should be number for a0=x",
    ),
    (
        "-a exit,always -F a0=0x1ffffffff",
        "-F value should be number for a0=0x1ffffffff",
    ),
    (
        "-a exit,always -F success=maybe",
        "-F value should be number for success=maybe",
    ),
    (
        "-a exit,always -F perm=rwz",
        "Permission can only contain 'rwxa'",
    ),
    (
        "-a exit,always -F perm=rwxar",
        "permission rwxar is too long",
    ),
    ("-a exit,always -F perm!=r", "perm only takes = operator"),
    (
        "-a exit,always -F filetype=blob",
        "-F unknown file type - blob",
    ),
    (
        "-a exit,always -F path=etc",
        "path=etc: the path must start with '/'",
    ),
    (
        "-a exit,always -F path=/etc/",
        "path=/etc/: a file's path does not end with '/'; dir= is for directories",
    ),
    (
        "-a exit,always -F path!=/etc/x",
        "path only takes = operator",
    ),
    (
        "-a exit,always -F dir=/a -F path=/b",
        "a rule can have only one of path, dir and inode",
    ),
    (
        "-a exit,always -F exe=/a -F exe=/b",
        "a rule can have only one exe",
    ),
    (
        "-a exit,always -F obj_type=x_t",
        "obj_type can't be honoured: Auklet does not read security contexts of files",
    ),
    (
        "-a exit,always -F subj_sen>s0",
        "subj_sen only takes = or != operators",
    ),
    (
        "-a exit,always -F msgtype=CWD",
        "msgtype field can only be used with exclude or user filter list",
    ),
    (
        "-a exit,always -F fstype=debugfs",
        "fstype field is not valid for the filter",
    ),
    (
        "-a exit,always -F saddr_fam=46",
        "saddr_fam=46 is no address family",
    ),
    (
        "-a exclude,always -F msgtype=NOPE",
        "-F unknown message type - NOPE",
    ),
    (
        "-a exclude,always -F a0=1",
        "a0: only msgtype, pid, uid, gid, auid, exe and subj_* can be used with exclude filter",
    ),
    (
        "-a exclude,always",
        "a rule of the exclude list needs a field",
    ),
    (
        "-a user,never -F euid=0",
        "euid: the kernel's user filter does not know this field",
    ),
    (
        "-a task,never -F ppid=1",
        "ppid has no meaning in the task list: a new task made no call",
    ),
    (
        "-a io_uring,always -F perm=w",
        "perm is not known of an io_uring operation",
    ),
    (
        "-a filesystem,never -F fstype=ext4",
        "file system type is unknown for field: fstype=ext4 (known: debugfs, tracefs, cgroup, cgroup2)",
    ),
    (
        "-a filesystem,never -F uid=0",
        "uid field is not valid for the filter",
    ),
    (
        "-a exit,always -C uid=gid",
        "-C incompatible comparison uid=gid",
    ),
    (
        "-a exit,always -C uid=uid",
        "-C incompatible comparison uid=uid",
    ),
    (
        "-a exit,always -C uid>euid",
        "uid>euid only takes = or != operators",
    ),
    (
        "-a exit,always -C uid=nope",
        "-C unknown right hand value for comparison with: nope",
    ),
    ("-a exit,always -C nope=uid", "-C unknown field: nope"),
    (
        "-a user,always -C uid=euid",
        "uid=euid can only be used with exit filter list",
    ),
    (
        "-a exit,always -F uid=0 -k x",
        "key option needs a watch or syscall given prior to it",
    ),
    (
        "-a exit,always -F uid=0 -F key=x",
        "Key field needs a watch, syscall or exe path given prior to it",
    ),
    (
        "-a exit,always -k x -S open",
        "key option needs a watch or syscall given prior to it",
    ),
    (
        "-k x",
        "key option needs a watch or syscall given prior to it",
    ),
    ("-p wa", "permission option needs a watch given prior to it"),
    (
        "-a exit,always -p wa",
        "permission option needs a watch given prior to it",
    ),
    ("-w etc", "The path must start with '/': etc"),
    (
        "-w /etc -w /usr",
        "watch option can't be given with a syscall",
    ),
    ("-W /etc", "no rule matches what is to be deleted"),
    (
        "-d exit,always -S open",
        "no rule matches what is to be deleted",
    ),
    ("-w\t/etc", "a tab: auditctl separates by spaces only"),
    ("-w /e\0", "a NUL byte"),
    ("-w /etc -k a\u{1}b", "key a\\x01b has illegal character"),
];

#[test]
fn lines_that_are_refused() {
    for (line, expect) in REFUSED {
        assert_eq!(errors(line), format!("t.rules:1: {expect}"), "{line}");
    }
    let long = format!("-w /etc -k {}", "k".repeat(257));
    assert_eq!(errors(&long), "t.rules:1: key option exceeds size limit");
    let two = format!("-w /etc -k {0} -k {0}", "k".repeat(128));
    assert_eq!(errors(&two), "t.rules:1: key option exceeds size limit");
    let fields = format!("-a exit,always{}", " -F pid=1".repeat(64));
    assert_eq!(errors(&fields), "t.rules:1: Too many fields in rule: pid");
    let line = format!("-w /{}", "x".repeat(7000));
    assert_eq!(errors(&line), "t.rules:1: line is longer than 6142 bytes");
}

#[test]
fn every_error_is_told_and_the_order_of_rules_is_kept() {
    let text = "# c\n-z\n-w /etc\n\n-a exit,possible\n-w /etc\n";
    let expect = "t.rules:2: Option -z is invalid\n\
        t.rules:5: Append rule - possible is deprecated\n\
        t.rules:6: Rule exists: the same as t.rules:3: exit";
    assert_eq!(errors(text), expect);
    let text = "-w /tmp -p r\n-A exit,never -S open\n-A exit,never -S creat\n";
    assert_eq!(
        listed(text),
        [
            "-a never,exit -S creat",
            "-a never,exit -S open",
            "-w /tmp/ -p r"
        ]
    );
}

#[test]
fn deleting() {
    let rules = "-w /tmp -k a\n-w /etc -k b\n-a exit,always -S open -k c -k ab\n";
    let left = |more: &str| listed(&format!("{rules}{more}\n")).len();
    assert_eq!(left("-D"), 0);
    assert_eq!(left("-D -k b"), 1);
    assert_eq!(left("-D -k c"), 2);
    assert_eq!(left("-W /tmp -k a"), 2);
    assert_eq!(left("-d exit,always -S open -k c -k ab"), 2);
}

#[test]
fn ignoring_errors() {
    let policy = load("-i\n-z\n-w /etc\n");
    assert_eq!(policy.rules().len(), 1);
    let expect = "t.rules:2: ignored because of -i: Option -z is invalid";
    assert_eq!(policy.notes()[0].to_string(), expect);
    assert_eq!(
        errors("-c\n-z\n-w /etc\n"),
        "t.rules:2: Option -z is invalid"
    );
    assert_eq!(errors("-c\n-i\n-z\n"), "t.rules:3: Option -z is invalid");
    assert_eq!(errors("-z\n-i\n"), "t.rules:1: Option -z is invalid");
}

#[test]
fn settings() {
    let text = "-b 8192 -f 2\n-r 0\n--backlog_wait_time=60000\n--loginuid-immutable\n-t\n-q /a,/b\n--reset-lost\n-e 2\n";
    let policy = load(text);
    let settings = policy.settings();
    assert_eq!(settings.backlog, Some(8192));
    assert_eq!(settings.failure, Some(2));
    assert_eq!(settings.rate, Some(0));
    assert_eq!(settings.backlog_wait_time, Some(60000));
    assert!(settings.loginuid_immutable && settings.is_locked());
    // -f 2, --loginuid-immutable, -t, -q, --reset-lost
    assert_eq!(policy.notes().len(), 5, "{:?}", policy.notes());
    assert_eq!(settings.explain().len(), 6);
    let locked = "t.rules:2: the rules are locked: -e 2 came before";
    assert_eq!(errors("-e 2\n-w /etc\n"), locked);
}

#[test]
fn what_is_said_beside() {
    let note = |line: &str, expect: &str| {
        let notes = load(line).notes().to_vec();
        assert!(
            notes.iter().any(|n| n.text.contains(expect)),
            "{line}: {notes:?}"
        );
    };
    note(
        "-a exit,always -S open",
        "32/64 bit syscall mismatch for open",
    );
    note("-w /etc/*.conf", "wildcard notation is not supported");
    note("-w /etc/../x", "relative path notation is not supported");
    note(
        "-w /nonesuch/x",
        "/nonesuch/x: its directory does not exist",
    );
    note("-w /etc -k \"a\"", "quotes are part of the key");
    note("-a exit,always -S all -F gid=0", "supplementary groups");
    note("-a exit,always -S all -F subj_type=x_t", "unless SELinux");
    note("-a always,filesystem -F fstype=debugfs", "has no effect");
    assert!(
        load("-a exit,always -F arch=b64 -S open")
            .notes()
            .is_empty()
    );
    assert!(load("-w /etc/shadow -p wa -k x").notes().is_empty());
}

#[test]
fn explanations() {
    let check = |line: &str, expect: &str| {
        let text = load(line).explain()[0].to_string();
        assert_eq!(text, format!("t.rules:1: {expect}"), "{line}");
    };
    check(
        "-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat -F auid>=1000 -F auid!=unset -F key=perm_mod",
        "records chmod, fchmod, fchmodat of b64 processes by users with auid >= 1000 that are logged in, key \"perm_mod\"",
    );
    check(
        "-w /etc -p wa",
        "records every call on anything in the directory /etc that write or change attributes",
    );
    check(
        "-a never,exit -S open -F exe=/usr/bin/su -F success=0",
        "does not record open by the program /usr/bin/su that fail",
    );
    check(
        "-a task,never -F uid=0",
        "records no call of processes with uid = 0",
    );
    check(
        "-a exclude,always -F msgtype=CWD",
        "leaves out records of type CWD",
    );
    check(
        "-a never,filesystem -F fstype=debugfs",
        "tells nothing of files on debugfs",
    );
    check(
        "-a always,exit -S execve -C uid!=euid -F exit=-EPERM -k a -k b",
        "records execve where uid != euid that end with -EPERM, key \"a\" and \"b\"",
    );
    check(
        "-w /etc/\u{1b}[2J -p x -k \u{7}",
        "records every call on the file /etc/\\x1b[2J that execute, key \"\\x07\"",
    );
}
