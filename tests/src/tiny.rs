//! The smallest programs that run: static ELF images. Under emulation an exec of one costs a tenth of
//! one that must load the C library; and one is a 32-bit program, which the guests have no other of.

use std::{
    fs, io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

/// How an ELF image of one segment is laid out; elf(5).
struct Class {
    /// EI_CLASS
    class: u8,
    /// e_machine
    machine: u16,
    /// Bytes of an address.
    word: usize,
    ehdr: usize,
    phdr: usize,
    base: u64,
}

const X86_64: Class = Class {
    class: 2,
    machine: 62,
    word: 8,
    ehdr: 64,
    phdr: 56,
    base: 0x40_0000,
};
const I386: Class = Class {
    class: 1,
    machine: 3,
    word: 4,
    ehdr: 52,
    phdr: 32,
    base: 0x804_8000,
};

/// Ends at once: mov eax, 60 (exit); xor edi, edi; syscall.
pub(crate) fn program(dir: &Path) -> io::Result<PathBuf> {
    let code = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
    written(dir, "tiny", &X86_64.image(&code))
}

/// As an argument of a call: the program's path, and a name that is not there.
pub(crate) const PATH: u32 = u32::MAX;
pub(crate) const MISSING: u32 = u32::MAX - 1;
/// The stack, which may be written to.
const STACK: u32 = u32::MAX - 2;

/// Waits until somebody writes to its standard input, or closes it: read.
pub(crate) const WAIT: [u32; 4] = [3, 0, STACK, 1];

/// Calls of a 32-bit program: creat and open it, open what is not there, set its times to now, execute it
/// (which fails).
pub(crate) const ON_A_FILE: &[[u32; 4]] = &[
    [8, PATH, 0o640, 0],
    [5, PATH, 0, 0],
    [5, MISSING, 0, 0],
    [30, PATH, 0, 0],
    [11, PATH, 0, 0],
];

/// A 32-bit program that makes calls, each an i386 number and three arguments, and ends.
pub(crate) fn program32(dir: &Path, path: &Path, calls: &[[u32; 4]]) -> io::Result<PathBuf> {
    const SIZE: usize = 5 * 4 + 2; // bytes of one call's code
    const EXIT: [u32; 4] = [1, 0, 0, 0];
    let calls = [calls, &[EXIT]].concat();
    let start = I386.base as usize + I386.ehdr + I386.phdr + calls.len() * SIZE;
    let at = |offset: usize| u32::try_from(start + offset).unwrap_or(0);
    let mut strings = path.as_os_str().as_bytes().to_vec();
    strings.push(0);
    let missing = at(strings.len());
    strings.extend(b"missing32\0");
    let mut code = Vec::new();
    for call in calls {
        // mov eax|ebx|ecx|edx, immediate; int 0x80
        for (register, value) in [0xb8, 0xbb, 0xb9, 0xba].into_iter().zip(call) {
            let value = match value {
                // mov register, esp; nop, nop, nop
                STACK => {
                    code.extend([0x89, 0xe0 + (register - 0xb8), 0x90, 0x90, 0x90]);
                    continue;
                }
                PATH => at(0),
                MISSING => missing,
                number => number,
            };
            code.push(register);
            code.extend(value.to_le_bytes());
        }
        code.extend([0xcd, 0x80]);
    }
    code.extend(strings);
    written(dir, "tiny32", &I386.image(&code))
}

fn written(dir: &Path, name: &str, image: &[u8]) -> io::Result<PathBuf> {
    let path = dir.join(name);
    fs::write(&path, image)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

impl Class {
    /// File header, one program header, the code; all of it mapped to read and execute.
    fn image(&self, code: &[u8]) -> Vec<u8> {
        let (ehdr, phdr) = (self.ehdr as u64, self.phdr as u64);
        let size = ehdr + phdr + code.len() as u64;
        let word = |value: u64| value.to_le_bytes()[..self.word].to_vec();
        let half = |value: u64| value.to_le_bytes()[..2].to_vec();
        let mut image = b"\x7fELF".to_vec();
        image.extend([self.class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        image.extend(half(2)); // ET_EXEC
        image.extend(half(self.machine.into()));
        image.extend(1u32.to_le_bytes());
        // Entry, program headers, section headers.
        image.extend([self.base + ehdr + phdr, ehdr, 0].map(word).concat());
        image.extend(0u32.to_le_bytes());
        image.extend([ehdr, phdr, 1, 0, 0, 0].map(half).concat());
        let flags = 5u32.to_le_bytes(); // PF_R | PF_X
        image.extend(1u32.to_le_bytes()); // PT_LOAD
        let places = [0, self.base, self.base, size, size].map(word).concat();
        // The 32-bit header has the flags behind the sizes, not before the offset.
        if self.word == 8 {
            image.extend(flags);
            image.extend(places);
        } else {
            image.extend(places);
            image.extend(flags);
        }
        image.extend(word(0x1000));
        image.extend(code);
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs() {
        let dir = tempfile::tempdir().expect("directory");
        let path = program(dir.path()).expect("program");
        let status = std::process::Command::new(path).status().expect("run");
        assert!(status.success(), "{status}");
    }

    #[test]
    fn it_waits_to_be_told() {
        let dir = tempfile::tempdir().expect("directory");
        let made = dir.path().join("made");
        let calls = [WAIT, [39, PATH, 0o700, 0], WAIT]; // mkdir
        let program = program32(dir.path(), &made, &calls).expect("program");
        let mut command = std::process::Command::new(program);
        let Ok(mut child) = command.stdin(std::process::Stdio::piped()).spawn() else {
            println!("skipped: this kernel runs no 32-bit programs");
            return;
        };
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!made.exists(), "it did not wait");
        drop(child.stdin.take());
        assert!(child.wait().expect("end").success());
        assert!(made.exists(), "it did nothing");
    }

    #[test]
    fn headers_have_their_sizes() {
        for class in [X86_64, I386] {
            assert_eq!(class.image(b"").len(), class.ehdr + class.phdr);
        }
    }
}
