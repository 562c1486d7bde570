//! Records of the machine's settings (kernel/auditsc.c: __audit_log_nfcfg, audit_log_time).

use super::{
    encode::{self, plain, text},
    other::subject,
};
use crate::event::{Event, Setting};

pub(super) fn body(event: &Event, setting: &Setting, out: &mut Vec<u8>) {
    let op = setting.operation().unwrap_or("?");
    match setting {
        Setting::Netfilter {
            table,
            family,
            entries,
            ..
        } => {
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
        Setting::ClockOffset { sec, nsec } => plain(out, format_args!("sec={sec} nsec={nsec}")),
        Setting::Ntp { old, new, .. } => plain(out, format_args!("op={op} old={old} new={new}")),
    }
}
