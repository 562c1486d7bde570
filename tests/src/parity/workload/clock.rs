//! Calls that set the clock, or how it runs: to something else, and back.

use super::{
    as_nobody,
    call::{NULL, call},
};

/// `struct timex` of linux/timex.h in words: modes, offset, freq, …, status, …, time (two), tick, …, tai.
type Timex = [u64; 26];

/// Modes of linux/timex.h.
const OFFSET: u64 = 1;
const FREQUENCY: u64 = 2;
const STATUS: u64 = 0x10;
const TAI: u64 = 0x80;
const SETOFFSET: u64 = 0x100;
const NANO: u64 = 0x2000;
const TICK: u64 = 0x4000;
const SINGLESHOT: u64 = 0x8001;

/// Places in it.
const AT_OFFSET: usize = 1;
const AT_FREQUENCY: usize = 2;
const AT_STATUS: usize = 5;
const AT_CONSTANT: usize = 6;
const AT_SEC: usize = 9;
const AT_SUBSEC: usize = 10;
const AT_TICK: usize = 11;

fn timex(modes: u64, values: &[(usize, i64)]) -> Timex {
    let mut timex = [0; 26];
    timex[0] = modes;
    for (place, value) in values {
        timex[*place] = value.cast_unsigned();
    }
    timex
}

pub(super) fn clock() {
    let half = 500_000_000;
    let changes = [
        timex(SETOFFSET | NANO, &[(AT_SEC, 0), (AT_SUBSEC, half)]),
        timex(SETOFFSET | NANO, &[(AT_SEC, -1), (AT_SUBSEC, half)]),
        timex(SETOFFSET, &[(AT_SEC, 0), (AT_SUBSEC, 250)]),
        // Microseconds have seven digits at most.
        timex(SETOFFSET, &[(AT_SEC, 0), (AT_SUBSEC, half)]),
        timex(FREQUENCY, &[(AT_FREQUENCY, 65_536 * 3)]),
        timex(FREQUENCY | TICK, &[(AT_FREQUENCY, 0), (AT_TICK, 10_001)]),
        timex(TICK, &[(AT_TICK, 10_000)]),
        timex(TICK, &[(AT_TICK, 7)]),
        timex(SINGLESHOT, &[(AT_OFFSET, 1000)]),
        timex(SINGLESHOT, &[(AT_OFFSET, 0)]),
        timex(STATUS, &[(AT_STATUS, 1)]),
        timex(STATUS | OFFSET, &[(AT_STATUS, 1), (AT_OFFSET, 7)]),
        timex(STATUS, &[(AT_STATUS, 0x40)]),
        timex(TAI, &[(AT_CONSTANT, 37)]),
        timex(TAI, &[(AT_CONSTANT, 0)]),
        timex(
            SETOFFSET | NANO | FREQUENCY,
            &[(AT_SUBSEC, 5000), (AT_FREQUENCY, 65_536)],
        ),
        timex(FREQUENCY, &[]),
    ];
    for change in &changes {
        let mut given = *change;
        call!(SYS_adjtimex, &mut given[..]);
        as_nobody(|| call!(SYS_adjtimex, &mut given[..]));
    }
    let mut given = changes[0];
    call!(SYS_clock_adjtime, 0, &mut given[..]);
    given = changes[1];
    call!(SYS_clock_adjtime, 0, &mut given[..]);
    call!(SYS_clock_adjtime, 1, &mut given[..]);
    to_now();
}

/// To what it says, which is later by then.
fn to_now() {
    let mut now = [0_u64; 2];
    call!(SYS_clock_gettime, 0, &mut now[..]);
    call!(SYS_clock_settime, 0, &now[..]);
    call!(SYS_gettimeofday, &mut now[..], NULL);
    call!(SYS_settimeofday, &now[..], NULL);
    // The time zone alone: nothing is set.
    call!(SYS_settimeofday, NULL, &[0_u32; 2][..]);
}
