//! Random events, written as records, are read back as the same events.

mod random;

use auklet::{
    event::{Caveats, Event, Message, Process, Uring, What},
    records,
    replay::{Parser, Replayed},
};
use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};

use self::random::{event, hostile, item, process};

fn read(text: &[u8]) -> Vec<Replayed> {
    let mut parser = Parser::default();
    for line in text.split(|b| *b == b'\n') {
        parser.line(line).expect("a record");
    }
    parser.end();
    std::iter::from_fn(|| parser.next_event()).collect()
}

/// Without what no record carries, or what is told from other fields.
fn carried(mut event: Event) -> Event {
    for item in &mut event.paths {
        item.resolved = None;
    }
    match &mut event.what {
        What::Exec(exec) => {
            exec.argv_bytes = 0;
            exec.script = None;
            exec.interpreter = None;
        }
        What::Module(module) => module.file = None,
        What::Utime(utime) => utime.target = None,
        _ => {}
    }
    event
}

#[track_caller]
fn check(event: Event) -> Result<(), TestCaseError> {
    let mut text = Vec::new();
    records::format(&event, &mut text);
    let [replayed] = read(&text).try_into().expect("one event");
    let mut logged = Vec::new();
    replayed.as_logged(&mut logged);
    prop_assert_eq!(&logged, &text);
    prop_assert!(replayed.is_exact());
    prop_assert_eq!(carried(replayed.event), event);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn calls_survive(event in event()) {
        check(event)?;
    }

    #[test]
    fn messages_survive(
        kind in prop_oneof![1100u16..1200, 2100u16..3000],
        text in hostile(300),
        who in process(),
    ) {
        let newline = |b: &u8| if *b == b'\n' { b' ' } else { *b };
        let text: Bytes = if kind == 1124 { text } else { text.iter().map(newline).collect() };
        let Process { pid, uid, auid, ses, subj, .. } = who;
        check(Event {
            time_ns: 0, serial: 1, call: None,
            who: Process { pid, uid, auid, ses, subj, ..Process::default() },
            cwd: None, paths: Vec::new(), proctitle: Bytes::new(), key: None,
            what: What::Message(Message { kind, text }),
            aux: Vec::new(), caveats: Caveats::default(),
        })?;
    }

    #[test]
    fn operations_survive(
        op in any::<u32>(),
        exit in option::of(-4095i64..100),
        who in process(),
        key in option::of(hostile(40)),
        cwd in option::of(hostile(100)),
        paths in vec(item(), 0..4),
    ) {
        let who = Process {
            auid: u32::MAX, ses: u32::MAX, tty: None, comm: Bytes::new(), exe: None, ..who
        };
        check(Event {
            time_ns: 1_000_000, serial: 1, call: None, who, cwd, paths, proctitle: Bytes::new(), key,
            what: What::Uring(Uring { op, exit }),
            aux: Vec::new(), caveats: Caveats::default(),
        })?;
    }

    /// However the lines of several events are mixed, each comes out whole.
    #[test]
    fn interleaved_events_survive(events in vec(event(), 2..5), order in vec(any::<u8>(), 60)) {
        let mut queues: Vec<Vec<Vec<u8>>> = events.iter().enumerate().map(|(n, event)| {
            let mut event = event.clone();
            event.serial = u32::try_from(n).expect("a few");
            event.time_ns = 5_000_000;
            let mut text = Vec::new();
            records::format(&event, &mut text);
            let mut lines: Vec<Vec<u8>> =
                text.split(|b| *b == b'\n').map(<[u8]>::to_vec).filter(|l| !l.is_empty()).collect();
            lines.reverse();
            lines
        }).collect();
        let mut text = Vec::new();
        let mut choices = order.into_iter().cycle();
        while queues.iter().any(|queue| !queue.is_empty()) {
            let at = usize::from(choices.next().expect("a cycle")) % queues.len();
            let line = queues[at].pop();
            // An empty one gives its turn away, so that every choice comes to an end.
            let line = line.or_else(|| queues.iter_mut().find_map(Vec::pop));
            text.extend(line.into_iter().flatten());
            text.push(b'\n');
        }
        let replayed = read(&text);
        prop_assert_eq!(replayed.len(), events.len());
        prop_assert!(replayed.iter().all(Replayed::is_exact));
    }

    /// Any bytes are read or refused; what is read is written again, line for line.
    #[test]
    fn nothing_is_lost(mut lines in vec(vec(prop_oneof![
        Just(b"type=".to_vec()), Just(b"SYSCALL ".to_vec()), Just(b"PATH ".to_vec()),
        Just(b"msg=audit(1.000:1): ".to_vec()), Just(b"arch=c000003e syscall=59 ".to_vec()),
        Just(b" a1[0]=41".to_vec()), Just(b"\x1dUID=\"x\"".to_vec()), Just(b"msg='".to_vec()),
        vec(any::<u8>(), 0..6),
    ], 0..8), 0..6)) {
        let mut parser = Parser::default();
        let mut read = 0;
        for line in &mut lines {
            let mut line = line.concat();
            line.retain(|b| *b != b'\n');
            read += usize::from(!line.is_empty() && parser.line(&line).is_ok());
        }
        parser.end();
        let (mut logged, mut made) = (Vec::new(), Vec::new());
        while let Some(replayed) = parser.next_event() {
            replayed.as_logged(&mut logged);
            records::format(&replayed.event, &mut made);
        }
        prop_assert_eq!(logged.iter().filter(|b| **b == b'\n').count(), read);
    }

    /// Real logs with some bytes changed, doubled or gone.
    #[test]
    fn damaged_logs_are_read_or_refused(
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..3), 1..40),
    ) {
        let mut log = examples();
        for (at, byte, kind) in changes {
            let at = at.index(log.len());
            match kind {
                0 => log[at] = byte,
                1 => log.insert(at, byte),
                _ => drop(log.remove(at)),
            }
        }
        let mut parser = Parser::default();
        let lines = log.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let read = lines.filter(|line| parser.line(line).is_ok()).count();
        parser.end();
        let (mut logged, mut made) = (Vec::new(), Vec::new());
        while let Some(replayed) = parser.next_event() {
            replayed.as_logged(&mut logged);
            records::format(&replayed.event, &mut made);
            auklet::json::write(&replayed.event, &mut made).expect("a Vec takes everything");
        }
        prop_assert_eq!(logged.iter().filter(|b| **b == b'\n').count(), read);
    }
}

/// All of tests/data/replay.
fn examples() -> Vec<u8> {
    let dir = format!("{}/../tests/data/replay", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{dir}: {e}"));
    let files = entries.map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.is_file());
    files
        .flat_map(|file| std::fs::read(file).expect("a file"))
        .collect()
}
