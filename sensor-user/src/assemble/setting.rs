//! Records of the machine's settings, in auditd's order: those of packet filters are written while the call
//! runs, those of the clock, since 5.18, when it ends.

use super::Assembler;
use crate::{
    decode::{CallFacts, RawSetting},
    event::{Aux, Setting},
};

impl Assembler {
    /// What is written at once, in the kernel's order.
    pub(super) fn settings_first(&self, facts: &CallFacts) -> Vec<Aux> {
        let at_once = facts
            .settings
            .iter()
            .filter(|raw| matches!(raw, RawSetting::Filter(..)) || !self.clock_at_end);
        at_once.flat_map(|raw| told(raw, true)).collect()
    }

    /// What is written when the call ends: audit_log_time. Values of the discipline, then the offset.
    pub(super) fn settings_last(&self, facts: &CallFacts) -> Vec<Aux> {
        if !self.clock_at_end {
            return Vec::new();
        }
        let is_ntp = |raw: &&RawSetting| matches!(raw, RawSetting::Ntp(_));
        let offset = |raw: &&RawSetting| matches!(raw, RawSetting::Clock(clock) if (clock.sec, clock.nsec) != (0, 0));
        // The last of each counts.
        let ntp = facts.settings.iter().rfind(is_ntp);
        let clock = facts.settings.iter().rfind(offset);
        ntp.into_iter()
            .chain(clock)
            .flat_map(|raw| told(raw, false))
            .collect()
    }
}

/// The records of one point.
fn told(raw: &RawSetting, first: bool) -> Vec<Aux> {
    let settings = match raw {
        RawSetting::Filter(facts, table) => vec![Setting::Netfilter {
            table: table.clone(),
            family: u8::try_from(facts.family & 0xff).unwrap_or(0),
            entries: facts.entries,
            op: facts.op,
        }],
        RawSetting::Clock(clock) => vec![Setting::ClockOffset {
            sec: clock.sec,
            nsec: clock.nsec,
        }],
        RawSetting::Ntp(ntp) => (0..)
            .zip(ntp.values)
            .filter(|(_, [old, new])| old != new)
            .map(|(value, [old, new])| Setting::Ntp { value, old, new })
            .collect(),
    };
    let aux = |setting| Aux::Setting { setting, first };
    settings.into_iter().map(aux).collect()
}
