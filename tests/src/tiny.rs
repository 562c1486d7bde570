//! The smallest program that runs: a static ELF image that ends at once. Under emulation an exec of
//! it costs a tenth of one that must load the C library.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Where the one segment is mapped; the code stands behind both headers.
const BASE: u64 = 0x40_0000;
const EHDR: u64 = 64;
const PHDR: u64 = 56;

/// mov eax, 60 (exit); xor edi, edi; syscall
const CODE: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];

/// Writes the program into a directory.
pub(crate) fn program(dir: &Path) -> io::Result<PathBuf> {
    let path = dir.join("tiny");
    fs::write(&path, image())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// elf(5): Elf64_Ehdr, one Elf64_Phdr, the code.
fn image() -> Vec<u8> {
    let size = EHDR + PHDR + CODE.len() as u64;
    let mut image = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    image.extend(2u16.to_le_bytes()); // ET_EXEC
    image.extend(62u16.to_le_bytes()); // EM_X86_64
    image.extend(1u32.to_le_bytes());
    for word in [BASE + EHDR + PHDR, EHDR, 0] {
        image.extend(word.to_le_bytes()); // entry, program headers, section headers
    }
    image.extend(0u32.to_le_bytes());
    for half in [EHDR, PHDR, 1, 0, 0, 0] {
        image.extend(&half.to_le_bytes()[..2]);
    }
    image.extend(1u32.to_le_bytes()); // PT_LOAD
    image.extend(5u32.to_le_bytes()); // PF_R | PF_X
    for word in [0, BASE, BASE, size, size, 0x1000] {
        image.extend(word.to_le_bytes());
    }
    image.extend(CODE);
    image
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        let dir = tempfile::tempdir().expect("directory");
        let path = super::program(dir.path()).expect("program");
        let status = std::process::Command::new(path).status().expect("run");
        assert!(status.success(), "{status}");
    }
}
