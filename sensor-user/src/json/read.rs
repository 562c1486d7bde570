//! An event from the JSON that `--events` prints: what the views of rules need of it. Records beside
//! SYSCALL are read as far as rules ask for them: SOCKADDR, OBJ_PID, SOCKETCALL, FD_PAIR, MMAP.

use bytes::Bytes;
use serde_json::Value;

use crate::{
    event::{
        Aux, Caveats, Event, Exec, FileFacts, Message, Module, NameType, Open, PathItem, Process,
        Syscall, Target, Times, Uring, Utime, What,
    },
    records::types,
    syscalls,
};

/// Reads one event.
///
/// # Errors
/// Says which part is missing, or is not as it is written.
pub fn event(json: &Value) -> Result<Event, String> {
    if json["type"] != "event" {
        return Err("no event: its type is not \"event\"".to_owned());
    }
    let hook = json["hook"].as_str().ok_or("no hook")?;
    let call = match &json["syscall"] {
        Value::Null => None,
        call => Some(syscall(call)?),
    };
    let paths = json["paths"].as_array().ok_or("no paths")?;
    let aux = json["aux"].as_array().into_iter().flatten();
    Ok(Event {
        time_ns: json["time_ns"].as_u64().ok_or("no time_ns")?,
        serial: small(&json["serial"]).ok_or("no serial")?,
        call,
        who: who(&json["who"]).ok_or("who is not whole")?,
        cwd: text(&json["cwd"]),
        paths: paths.iter().map(item).collect::<Result<_, _>>()?,
        proctitle: text(&json["proctitle"]).unwrap_or_default(),
        key: text(&json["key"]),
        what: what(hook, json)?,
        aux: aux.filter_map(other).collect(),
        caveats: Caveats {
            other_root: json["caveats"]["other_root"] == true,
            truncated: json["caveats"]["truncated"] == true,
            ..Caveats::default()
        },
    })
}

/// A string, or `{"hex": …}`.
fn text(json: &Value) -> Option<Bytes> {
    match json.as_str() {
        Some(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
        None => Some(hex::decode(json["hex"].as_str()?).ok()?.into()),
    }
}

fn small(json: &Value) -> Option<u32> {
    json.as_u64()?.try_into().ok()
}

fn texts(json: &Value) -> Option<Vec<Bytes>> {
    json.as_array()?.iter().map(text).collect()
}

fn syscall(json: &Value) -> Result<Syscall, String> {
    let arch = match json["arch"].as_str() {
        Some("x86_64") => Some(syscalls::AUDIT_ARCH_X86_64),
        Some("i386") => Some(syscalls::AUDIT_ARCH_I386),
        Some(other) => hexadecimal(other).and_then(|n| u32::try_from(n).ok()),
        None => None,
    };
    let mut args = [0; 4];
    for (place, arg) in args
        .iter_mut()
        .zip(json["args"].as_array().into_iter().flatten())
    {
        let arg = arg.as_str().and_then(hexadecimal);
        *place = arg.ok_or("syscall.args are hexadecimal strings")?;
    }
    Ok(Syscall {
        arch: arch.ok_or("syscall.arch is not known")?,
        nr: small(&json["nr"]).ok_or("no syscall.nr")?,
        args,
        exit: json["exit"].as_i64().ok_or("no syscall.exit")?,
        personality: 0,
    })
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

fn who(json: &Value) -> Option<Process> {
    let id = |name: &str| small(&json[name]);
    Some(Process {
        pid: id("pid")?,
        tid: id("tid")?,
        ppid: id("ppid")?,
        auid: id("auid")?,
        ses: id("ses")?,
        uid: id("uid")?,
        euid: id("euid")?,
        suid: id("suid")?,
        fsuid: id("fsuid")?,
        gid: id("gid")?,
        egid: id("egid")?,
        sgid: id("sgid")?,
        fsgid: id("fsgid")?,
        tty: text(&json["tty"]),
        comm: text(&json["comm"])?,
        exe: text(&json["exe"]),
        subj: text(&json["subj"]),
        // Of another boot, as far as anybody knows.
        start_ns: 0,
    })
}

fn item(json: &Value) -> Result<PathItem, String> {
    let nametype = match json["nametype"].as_str() {
        Some("NORMAL") => NameType::Normal,
        Some("PARENT") => NameType::Parent,
        Some("CREATE") => NameType::Create,
        Some("DELETE") => NameType::Delete,
        Some("UNKNOWN") => NameType::Unknown,
        _ => return Err("a path has no nametype".to_owned()),
    };
    Ok(PathItem {
        name: text(&json["name"]),
        resolved: text(&json["resolved"]),
        file: json.get("inode").map(|_| file(json)),
        nametype,
        obj: text(&json["obj"]),
        ..PathItem::default()
    })
}

fn file(json: &Value) -> FileFacts {
    let device = |name: &str| {
        let (major, minor) = json[name].as_str()?.split_once(':')?;
        let number = |digits| u32::from_str_radix(digits, 16).ok();
        Some(number(major)? << 20 | number(minor)?)
    };
    let mode = json["mode"].as_str();
    let mode = mode.and_then(|digits| u32::from_str_radix(digits, 8).ok());
    let id = |name: &str| small(&json[name]).unwrap_or_default();
    FileFacts {
        ino: json["inode"].as_u64().unwrap_or_default(),
        dev: device("dev").unwrap_or_default(),
        rdev: device("rdev").unwrap_or_default(),
        mode: mode.unwrap_or_default(),
        uid: id("ouid"),
        gid: id("ogid"),
        nlink: id("nlink"),
    }
}

fn what(hook: &str, json: &Value) -> Result<What, String> {
    let maybe_item = |json: &Value| match json {
        Value::Null => Ok(None),
        json => item(json).map(Some),
    };
    let number = |json: &Value| json.as_u64().unwrap_or_default();
    Ok(match hook {
        "execve" => What::Exec(Exec {
            argv: texts(&json["exec"]["argv"]).ok_or("no exec.argv")?,
            script: text(&json["exec"]["script"]),
            argv_bytes: number(&json["exec"]["argv_bytes"]),
            truncated: json["exec"]["truncated"] == true,
            interpreter: text(&json["exec"]["interpreter"]),
        }),
        "module" => What::Module(Module {
            name: text(&json["module"]["name"]),
            unnamed: false,
            flags: small(&json["module"]["flags"]).unwrap_or_default(),
            file: maybe_item(&json["module"]["file"])?,
        }),
        "open" => What::Open(Open {
            flags: json["open"]["flags"].as_u64().ok_or("no open.flags")?,
            mode: number(&json["open"]["mode"]),
            resolve: number(&json["open"]["resolve"]),
            created: json["open"]["created"] == true,
            how_recorded: false,
        }),
        "utime" => What::Utime(Utime {
            target: maybe_item(&json["utime"]["target"])?,
            old: times(&json["utime"]["old"]),
            new: times(&json["utime"]["new"]),
            set_atime: json["utime"]["set_atime"] == true,
            set_mtime: json["utime"]["set_mtime"] == true,
        }),
        "syscall_other" => What::Other,
        "message" => What::Message(Message {
            kind: json["message"]["kind"]
                .as_str()
                .and_then(types::number)
                .ok_or("no message.kind that is known")?,
            text: text(&json["message"]["text"]).ok_or("no message.text")?,
        }),
        "uring" => What::Uring(Uring {
            op: small(&json["uring"]["op"]).ok_or("no uring.op")?,
            exit: json["uring"]["exit"].as_i64(),
        }),
        other => return Err(format!("unknown hook {other}")),
    })
}

fn times(json: &Value) -> Option<Times> {
    let time = |name: &str| Some((json[name][0].as_i64()?, small(&json[name][1])?));
    Some(Times {
        atime: time("atime")?,
        mtime: time("mtime")?,
        ctime: time("ctime")?,
    })
}

fn other(json: &Value) -> Option<Aux> {
    let number = |name: &str| small(&json[name]);
    let int = |name: &str| i32::try_from(json[name].as_i64()?).ok();
    Some(match json["type"].as_str()? {
        "SOCKADDR" => Aux::Sockaddr(hex::decode(json["saddr"].as_str()?).ok()?.into()),
        "OBJ_PID" => Aux::ObjPid(Target {
            pid: number("pid")?,
            auid: number("auid")?,
            uid: number("uid")?,
            ses: number("ses")?,
            comm: text(&json["comm"])?,
            subj: text(&json["obj"]),
        }),
        "SOCKETCALL" => {
            let args = json["args"].as_array()?;
            Aux::Socketcall(args.iter().map(Value::as_u64).collect::<Option<_>>()?)
        }
        "FD_PAIR" => Aux::FdPair(int("fd0")?, int("fd1")?),
        "MMAP" => Aux::Mmap {
            fd: int("fd")?,
            flags: number("flags")?,
        },
        _ => return None,
    })
}
