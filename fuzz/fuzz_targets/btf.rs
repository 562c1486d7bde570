//! A kernel's BTF: offsets or an error, never a panic.
#![no_main]

use std::io::Write as _;

use auklet::load::btf::KernelTypes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(data).expect("room for it");
    if let Ok(types) = KernelTypes::read(file.path()) {
        drop(types.offsets());
        types.is_traceable("f");
    }
});
