//! Lines that real kernels and auditd wrote, byte for byte: the examples of our study of the
//! formats, only without the `subj=` that those with AppArmor had. The files were copied from
//! there, not written by this code, so there is no `UPDATE=1`.

use auklet::{
    event::{
        Caveats, Event, Exec, FileFacts, Module, NameType, Open, PathItem, Process, Syscall, Utime,
        What,
    },
    records,
};
use bytes::Bytes;

/// What the examples differ in.
struct Example {
    /// Seconds and milliseconds, serial, ppid, pid.
    at: (u64, u64, u32, u32, u32),
    nr: u32,
    args: [u64; 4],
    exit: i64,
    comm: &'static str,
    exe: &'static str,
    key: &'static str,
    cwd: &'static str,
    proctitle: Vec<u8>,
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn item(name: &'static str, ino: u64, mode: u32, nametype: NameType) -> PathItem {
    PathItem {
        name: Some(bytes(name)),
        resolved: None,
        file: Some(FileFacts {
            ino,
            dev: 0xfe << 20,
            mode,
            ..FileFacts::default()
        }),
        nametype,
        ..PathItem::default()
    }
}

impl Example {
    fn event(self, what: What, paths: Vec<PathItem>) -> Event {
        let (seconds, ms, serial, ppid, pid) = self.at;
        let call = Syscall {
            arch: 0xc000_003e,
            nr: self.nr,
            args: self.args,
            exit: self.exit,
            personality: 0,
        };
        let who = Process {
            pid,
            ppid,
            auid: u32::MAX,
            ses: u32::MAX,
            comm: bytes(self.comm),
            exe: Some(bytes(self.exe)),
            ..Process::default()
        };
        Event {
            // What is below the millisecond is not shown, and not rounded.
            time_ns: (seconds * 1000 + ms) * 1_000_000 + 999_999,
            serial,
            call: Some(call),
            who,
            cwd: (!paths.is_empty()).then(|| bytes(self.cwd)),
            paths,
            proctitle: self.proctitle.into(),
            key: Some(bytes(self.key)),
            what,
            aux: Vec::new(),
            caveats: Caveats::default(),
        }
    }
}

/// An execve of the first three examples.
fn execve(at: (u64, u64, u32, u32, u32), registers: [u64; 2], argv: &[Bytes]) -> (Example, What) {
    let example = Example {
        at,
        nr: 59,
        args: [registers[0], registers[1], 0x7ffc_fdc1_ec98, 3],
        exit: 0,
        comm: "mytrue",
        exe: "/srv/at/mytrue",
        key: "x_all",
        cwd: "/srv/at",
        // The kernel gives what is in memory: every argument with its NUL.
        proctitle: argv.iter().flat_map(|a| [a, &b"\0"[..]].concat()).collect(),
    };
    let argv = argv.to_vec();
    let exec = Exec {
        argv,
        ..Exec::default()
    };
    (example, What::Exec(exec))
}

const REGULAR: u32 = 0o100_755;

fn loader() -> PathItem {
    item(
        "/lib64/ld-linux-x86-64.so.2",
        11110,
        REGULAR,
        NameType::Normal,
    )
}

fn mytrue() -> PathItem {
    item("/srv/at/mytrue", 22412, REGULAR, NameType::Normal)
}

#[track_caller]
fn check(name: &str, event: &Event) {
    let path = format!(
        "{}/../tests/data/records/example-{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let expect = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut out = Vec::new();
    records::format(event, &mut out);
    let out = String::from_utf8(out).expect("ASCII");
    for (line, expect) in out.lines().zip(expect.lines()) {
        assert_eq!(line, expect);
    }
    assert_eq!(out, expect);
    assert!(expect.is_ascii() && records::lines(event).iter().eq(expect.lines()));
}

#[test]
fn e1_execve_with_arguments_in_hexadecimal() {
    let argv = ["mytrue", "arg one", "café", "", "plain", "q\"q"].map(bytes);
    let at = (1_795_528_668, 706, 1094, 464, 465);
    let (example, what) = execve(at, [0x55af_9282_9010, 0x7ffc_fdc1_eaf0], &argv);
    check("e1", &example.event(what, vec![mytrue(), loader()]));
}

#[test]
fn e2_execve_of_a_script() {
    let argv = ["/bin/sh", "-e", "./s.sh", "a1"].map(bytes);
    let at = (1_795_528_668, 786, 1097, 464, 468);
    let (mut example, what) = execve(at, [0x55af_9282_90e6, 0x7ffc_fdc1_eb10], &argv);
    example.comm = "s.sh";
    example.exe = "/usr/bin/dash";
    let script = item("./s.sh", 22416, REGULAR, NameType::Normal);
    let shell = item("/bin/sh", 801, REGULAR, NameType::Normal);
    check("e2", &example.event(what, vec![script, shell, loader()]));
}

#[test]
fn e3_execve_split_over_three_records() {
    let long = Bytes::from(vec![b'A'; 7500]);
    let argv = [bytes("mytrue"), long, bytes("tail")];
    let at = (1_795_528_669, 62, 1109, 464, 480);
    let (example, what) = execve(at, [0x55af_9282_9010, 0x7ffc_fdc1_eb00], &argv);
    check("e3", &example.event(what, vec![mytrue(), loader()]));
}

#[test]
fn e4_openat_that_creates() {
    let example = Example {
        at: (1_795_527_989, 662, 1246, 568, 569),
        nr: 257,
        args: [0xffff_ffff_ffff_ff9c, 0x55e9_c508_fc20, 0x241, 0x1b6],
        exit: 3,
        comm: "bash",
        exe: "/usr/bin/bash",
        key: "wf",
        cwd: "/srv/at",
        proctitle: b"/bin/bash\0/root/at/run.sh\0".to_vec(),
    };
    let parent = item("/root/", 701, 0o040_755, NameType::Parent);
    let child = item("/root/wf", 22559, 0o100_644, NameType::Create);
    let what = What::Open(Open::default());
    check("e4", &example.event(what, vec![parent, child]));
}

/// A call of the guest's test program on the file `exist`.
fn on_exist(at: (u64, u64, u32, u32, u32), nr: u32, args: [u64; 4], exit: i64) -> Example {
    Example {
        at,
        nr,
        args,
        exit,
        comm: "",
        exe: "/srv/at/t",
        key: "t_all",
        cwd: "/root/w",
        proctitle: b"./t\0".to_vec(),
    }
}

fn exist() -> Vec<PathItem> {
    vec![item("exist", 22523, 0o100_644, NameType::Normal)]
}

#[test]
fn e7_utimensat() {
    let args = [0xffff_ff9c, 0x55c0_3b1d_6156, 0x7ffe_6ab4_3880, 0];
    let mut example = on_exist((1_795_528_220, 580, 616, 470, 545), 280, args, 0);
    example.comm = "utimensat_";
    let what = What::Utime(Utime::default());
    check("e7", &example.event(what, exist()));
}

#[test]
fn e8_finit_module() {
    let example = Example {
        at: (1_795_528_237, 488, 1313, 470, 691),
        nr: 313,
        args: [3, 0x559e_6843_5aa0, 4, 0],
        exit: 0,
        comm: "modprobe",
        exe: "/usr/bin/kmod",
        key: "mod",
        cwd: "/",
        proctitle: b"modprobe\0dummy\0".to_vec(),
    };
    let what = What::Module(Module {
        name: Some(bytes("dummy")),
        unnamed: false,
        flags: 4,
        file: None,
    });
    check("e8", &example.event(what, vec![]));
}

#[test]
fn e11_openat2() {
    let args = [0xffff_ff9c, 0x55c0_3b1d_6156, 0x7ffe_6ab4_38d0, 0x18];
    let mut example = on_exist((1_795_528_220, 468, 332, 470, 545), 437, args, 31);
    example.comm = "oat2_exist";
    let what = What::Open(Open {
        resolve: 4,
        how_recorded: true,
        ..Open::default()
    });
    check("e11", &example.event(what, exist()));
}
