//! EXECVE records (kernel/auditsc.c: audit_log_execve_info), split as the kernel splits them.

use bytes::Bytes;

use super::{
    encode::{hexadecimal, is_control, plain, quoted},
    line,
};
use crate::event::Event;

/// Room for arguments in one record: MAX_EXECVE_AUDIT_LEN.
const ROOM: usize = 7500;
/// What a record keeps free for an argument's label.
const LABEL: usize = 96;

/// One record under construction.
struct Record {
    body: Vec<u8>,
    left: usize,
}

/// Appends the EXECVE records of an argument list.
pub(super) fn lines(event: &Event, argv: &[Bytes], out: &mut Vec<u8>) {
    let mut record = Record {
        body: Vec::with_capacity(ROOM + LABEL),
        left: ROOM,
    };
    // The kernel gives an empty list one empty argument.
    let argv = if argv.is_empty() {
        &[Bytes::new()][..]
    } else {
        argv
    };
    plain(&mut record.body, format_args!("argc={}", argv.len()));
    for (n, arg) in argv.iter().enumerate() {
        argument(event, n, arg, &mut record, out);
    }
    flush(event, &mut record, out);
}

fn flush(event: &Event, record: &mut Record, out: &mut Vec<u8>) {
    line(event, "EXECVE", out, |out| {
        out.extend_from_slice(&record.body)
    });
    record.body.clear();
    record.left = ROOM;
}

/// The kernel looks at an argument through a window of `ROOM` bytes; whether it writes
/// hexadecimal is decided by the first window.
fn argument(event: &Event, n: usize, arg: &[u8], record: &mut Record, out: &mut Vec<u8>) {
    let window = &arg[..arg.len().min(ROOM)];
    let hex = arg.len() >= ROOM || window.iter().any(|b| is_control(*b));
    let encoded = if hex { 2 * arg.len() } else { arg.len() };
    let whole = if hex { encoded } else { encoded + 2 };
    let mut rest = arg;
    let mut part = 0;
    loop {
        if record.left < LABEL + 8 {
            flush(event, record, out);
        }
        let before = record.body.len();
        if part > 0 || arg.len() >= ROOM || whole + LABEL > record.left {
            if part == 0 {
                plain(&mut record.body, format_args!(" a{n}_len={encoded}"));
            }
            plain(&mut record.body, format_args!(" a{n}[{part}]="));
            part += 1;
        } else {
            plain(&mut record.body, format_args!(" a{n}="));
        }
        let label = record.body.len() - before;
        record.left = record.left.saturating_sub(label);
        let fits = if hex {
            record.left / 2
        } else {
            record.left.saturating_sub(2)
        };
        let (now, later) = rest.split_at(rest.len().min(fits));
        if hex {
            hexadecimal(&mut record.body, now);
            record.left -= 2 * now.len();
        } else {
            quoted(&mut record.body, now);
            record.left -= now.len() + 2;
        }
        rest = later;
        if rest.is_empty() {
            return;
        }
    }
}
