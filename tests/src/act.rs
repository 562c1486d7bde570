//! Acts that need a process of their own: the driver starts itself with one of these.

use std::{
    ffi::{CString, OsString},
    io::Write as _,
    os::{fd::FromRawFd as _, unix::process::CommandExt as _},
    process::{Command, ExitCode},
};

use crate::parity::paced;

/// `nothing`; `thread-exec PROGRAM ARG…`: exec from a thread that does not lead;
/// `chroot DIR FILE`: open FILE inside DIR; `memfd`: exec from memory; `open FILE`;
/// `delete-self-open FILE`: open FILE once its own executable is gone;
/// `ring FILE FLAGS`: open FILE by io_uring, its exit code is 2 where there is none;
/// `call NAME`: some calls that rule sets are about;
/// `parity DIR [FAMILY…]`: the workload of the comparison with auditd; `tell NUMBER TEXT`: a message of
/// this type to audit.
pub(crate) fn act(words: &[OsString]) -> ExitCode {
    let Some((verb, rest)) = words.split_first() else {
        return ExitCode::SUCCESS;
    };
    match verb.to_str() {
        Some("nothing") => ExitCode::SUCCESS,
        Some("thread-exec") => thread_exec(rest.to_vec()),
        Some("chroot") => chroot(rest),
        Some("call") => rest.first().map_or(ExitCode::FAILURE, |name| {
            crate::parity::rulesets::call(&name.to_string_lossy())
        }),
        Some("parity") => parity(rest),
        Some("tell") => tell(rest),
        Some("memfd") => memfd(),
        Some("soundness") => soundness(rest),
        Some("ring") => ring(rest),
        Some("delete-self-open") => {
            let deleted = std::env::current_exe().and_then(std::fs::remove_file);
            let opened = rest.first().map(std::fs::File::open);
            ExitCode::from(u8::from(deleted.is_err() || !matches!(opened, Some(Ok(_)))))
        }
        Some("open") => rest
            .first()
            .and_then(|file| std::fs::File::open(file).ok())
            .map_or(ExitCode::FAILURE, |_| ExitCode::SUCCESS),
        _ => ExitCode::FAILURE,
    }
}

fn parity(words: &[OsString]) -> ExitCode {
    let Some((dir, families)) = words.split_first() else {
        return ExitCode::FAILURE;
    };
    let families: Vec<String> = families
        .iter()
        .map(|family| family.to_string_lossy().into_owned())
        .collect();
    crate::parity::act(dir.as_ref(), &families)
}

fn tell(words: &[OsString]) -> ExitCode {
    let [kind, text] = words else {
        return ExitCode::FAILURE;
    };
    let Some(kind) = kind.to_str().and_then(|kind| kind.parse().ok()) else {
        return ExitCode::FAILURE;
    };
    let mut body = text.as_encoded_bytes().to_vec();
    body.push(0);
    ExitCode::from(u8::from(!crate::parity::tell_audit(kind, &body)))
}

/// `soundness DIR SEED COUNT`: random operations.
fn soundness(words: &[OsString]) -> ExitCode {
    let number = |n: usize| words.get(n)?.to_str()?.parse::<u64>().ok();
    let (Some(dir), Some(seed), Some(count)) = (words.first(), number(1), number(2)) else {
        return ExitCode::FAILURE;
    };
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let done = crate::soundness::act(dir.as_ref(), seed, count);
    ExitCode::from(u8::from(done.is_err()))
}

fn ring(words: &[OsString]) -> ExitCode {
    let flags = |words: &OsString| words.to_str()?.parse().ok();
    let [file, flags_word] = words else {
        return ExitCode::FAILURE;
    };
    let (Ok(path), Some(flags)) = (CString::new(file.as_encoded_bytes()), flags(flags_word)) else {
        return ExitCode::FAILURE;
    };
    match crate::parity::open_by_ring(&path, flags) {
        0.. => ExitCode::SUCCESS,
        error
            if [libc::ENOSYS, libc::EPERM]
                .map(|e| -i64::from(e))
                .contains(&error) =>
        {
            2.into()
        }
        error => {
            eprintln!("ring: {error}");
            ExitCode::FAILURE
        }
    }
}

fn thread_exec(words: Vec<OsString>) -> ExitCode {
    let thread = std::thread::spawn(move || {
        let error = Command::new(&words[0]).args(&words[1..]).exec();
        eprintln!("exec: {error}");
    });
    let _ended = thread.join().is_ok();
    ExitCode::FAILURE
}

fn chroot(words: &[OsString]) -> ExitCode {
    let [dir, file] = words else {
        return ExitCode::FAILURE;
    };
    // What looks them up afterwards must find this process in there.
    let chroot = || paced(|| std::os::unix::fs::chroot(dir));
    let entered = chroot().and_then(|()| paced(|| std::env::set_current_dir("/")));
    match entered.and_then(|()| std::fs::File::open(file)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chroot: {error}");
            ExitCode::FAILURE
        }
    }
}

fn memfd() -> ExitCode {
    let Ok(image) = std::fs::read("/proc/self/exe") else {
        return ExitCode::FAILURE;
    };
    // SAFETY: the name is a NUL-terminated literal; the descriptor is not used as anything else.
    let fd = unsafe { libc::memfd_create(c"evil".as_ptr(), 0) };
    if fd < 0 {
        return ExitCode::FAILURE;
    }
    // SAFETY: the descriptor was just made, is open and belongs to nobody else. It stays open.
    let mut file = std::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(fd) });
    if file.write_all(&image).is_err() {
        return ExitCode::FAILURE;
    }
    let words = ["memfd-marker", "act", "nothing"].map(|w| CString::new(w).unwrap_or_default());
    let argv: Vec<*const libc::c_char> = words
        .iter()
        .map(|w| w.as_ptr())
        .chain([std::ptr::null()])
        .collect();
    let environment: [*const libc::c_char; 1] = [std::ptr::null()];
    // SAFETY: all pointers are to NUL-terminated strings or arrays that end with a null pointer,
    // and outlive the call.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            fd,
            c"".as_ptr(),
            argv.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    ExitCode::FAILURE
}
