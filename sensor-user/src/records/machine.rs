//! Records of packet filters and the clock (kernel/auditsc.c: __audit_log_nfcfg, audit_log_time).

use super::{
    encode::{self, plain, text},
    other::subject,
};
use crate::event::{ClockChange, Event, NetfilterChange, ntp_name};

pub(super) fn netfilter(event: &Event, change: &NetfilterChange, out: &mut Vec<u8>) {
    let op = change.operation().unwrap_or("?");
    let NetfilterChange {
        table,
        family,
        entries,
        op: _,
    } = change;
    // The kernel writes the name as it is.
    out.extend_from_slice(b"table=");
    encode::trusted(out, table);
    let tid = event.who.tid;
    plain(
        out,
        format_args!(" family={family} entries={entries} op={op} pid={tid}"),
    );
    subject(event, out);
    text(out, " comm=", Some(&event.who.comm));
}

pub(super) fn clock(change: ClockChange, out: &mut Vec<u8>) {
    match change {
        ClockChange::Offset { sec, nsec } => plain(out, format_args!("sec={sec} nsec={nsec}")),
        ClockChange::Ntp { value, old, new } => {
            let op = ntp_name(value).unwrap_or("?");
            plain(out, format_args!("op={op} old={old} new={new}"));
        }
    }
}
