//! The way of a ring buffer record: decoded, assembled, written as auditd's text and as JSON. Each line
//! of text must be a record: nothing in the bytes may forge another.
#![no_main]

use auklet::{
    assemble::Assembler, decode::decode, json, kernel::Kernel, process::ProcessTable, records,
};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sensor_ebpf::{config::plan, wire::VERSION};

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let mut record = data.to_vec();
    if let Some(version) = record.get_mut(6..8) {
        version.copy_from_slice(&VERSION.to_ne_bytes());
    }
    let Ok(message) = decode(&Bytes::from(record)) else {
        return;
    };
    let plan = [plan::FENTRY, plan::TRACEPOINT][usize::from(choice & 1)];
    let kernel = Kernel {
        version: [(5, 10), (7, 3)][usize::from(choice >> 1 & 1)],
        lsms: vec!["tomoyo".to_owned()],
    };
    let mut assembler = Assembler::new(ProcessTable::new(8), plan, &kernel);
    let Some(event) = assembler.take(message, 0, &mut Vec::new) else {
        return;
    };
    let mut text = Vec::new();
    records::format(&event, &mut text);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        assert!(line.starts_with(b"type=") && line.ends_with(b"\n"));
        assert!(
            line[..line.len() - 1]
                .iter()
                .all(|byte| (0x20..0x7f).contains(byte))
        );
    }
    let mut line = Vec::new();
    json::write(&event, &mut line).expect("a Vec takes everything");
    let line = String::from_utf8(line).expect("JSON is UTF-8");
    assert!(line.ends_with('\n') && !line.trim_end().contains(char::is_control));
});
