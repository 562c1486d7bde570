//! An audit log: lines are read or refused, every line that was read is kept, events become text and
//! JSON, and their records are read again as one event. Never a panic; memory is what libFuzzer bounds
//! (-rss_limit_mb), besides the parser's own bounds.
#![no_main]

use auklet::{json, process::ProcessTable, records, replay::Parser};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parser = Parser::default();
    let mut processes = ProcessTable::new(8);
    let mut read = 0;
    for line in data.split(|byte| *byte == b'\n') {
        read += usize::from(!line.is_empty() && parser.line(line).is_ok());
    }
    parser.end();
    let (mut logged, mut made) = (Vec::new(), Vec::new());
    let mut ends = 0;
    while let Some(replayed) = parser.next_event() {
        let event = &replayed.event;
        processes.replayed(event);
        replayed.as_logged(&mut logged);
        made.clear();
        records::format(event, &mut made);
        // What is written is read again.
        let mut again = Parser::default();
        for line in made.split(|byte| *byte == b'\n') {
            again.line(line).expect("our own record");
        }
        let mut line = Vec::new();
        json::write(event, &mut line).expect("a Vec takes everything");
        let line = String::from_utf8(line).expect("JSON is UTF-8");
        assert!(line.ends_with('\n') && !line.trim_end().contains(char::is_control));
        ends += 1;
    }
    assert!(ends <= read && processes.entries().count() <= 9);
    // Only EOE is not printed.
    assert!(logged.iter().filter(|byte| **byte == b'\n').count() <= read);
});
