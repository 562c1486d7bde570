//! SIGHUP: rules, lists, filters and overrides are read again. With any error the old ones stay. What
//! the kernel's side lets through follows; what would need hooks that were not attached at the start is
//! refused.

use std::collections::BTreeSet;

use auklet_rules::{Category, Interest, RuleErrors, RuleSet};
use sensor_ebpf::config::{NAME_KEY, opens};
use serde::Serialize;

use super::{
    interest::{KernelFilter, kernel_filter},
    wanted::{self, Wanted},
};
use crate::{
    alerting::Alerting,
    audit_log::now_ns,
    cli::Opens,
    load::Sensor,
    syscalls::{self, Abi},
};

/// Errors of a reload that the status shows.
const SHOWN: usize = 20;

/// How the last reload went.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Reloads {
    /// How often rules were read again.
    pub(super) count: u64,
    /// How often the old ones stayed.
    pub(super) refused: u64,
    /// When the last was: Unix milliseconds.
    pub(super) last_ms: Option<u64>,
    /// What was wrong with it; the first few.
    pub(super) errors: Vec<String>,
}

/// What the kernel's side was set up for at the start, and lets through now.
#[derive(Debug)]
pub(super) struct Attached {
    choice: Opens,
    /// `opens` bits, which are fixed once the programs are loaded.
    opens: u32,
    names: Vec<(Vec<u8>, u32)>,
    /// Calls whose hooks are attached.
    calls: BTreeSet<(Abi, u32)>,
    /// What the policy wants of calls.
    policy: Vec<Wanted>,
    /// Changes of times come, whatever the policy wants.
    pub(super) times: bool,
}

impl Attached {
    /// What is attached for the rules' interest and the policy.
    pub(super) fn new(choice: Opens, interest: &Interest, policy: Vec<Wanted>) -> Self {
        let KernelFilter {
            opens: mut bits,
            watched_names,
        } = kernel_filter(choice, interest);
        // So that rules that come later may ask for names: a look-up for each open that reads.
        if matches!(choice, Opens::Wanted) {
            bits |= opens::WATCHED;
        }
        let mut attached = Self {
            choice,
            opens: bits,
            names: watched_names,
            calls: BTreeSet::new(),
            policy,
            times: true,
        };
        attached.calls = attached
            .filters(interest)
            .iter()
            .map(|(abi, nr, _)| (*abi, *nr))
            .collect();
        attached
    }

    pub(super) fn opens(&self) -> u32 {
        self.opens
    }

    pub(super) fn names(&self) -> &[(Vec<u8>, u32)] {
        &self.names
    }

    /// What is wanted of calls, by the policy and by rules of that interest.
    pub(super) fn filters(&self, interest: &Interest) -> Vec<Wanted> {
        wanted::merged(self.policy.clone(), wanted::calls(interest))
    }

    /// What rules ask for that no hook is attached for.
    fn beyond(&self, interest: &Interest) -> Vec<String> {
        let mut beyond = Vec::new();
        let asked = kernel_filter(self.choice, interest).opens;
        let more = asked & !self.opens;
        if self.opens & opens::ALL == 0 && more != 0 {
            let what = if more & opens::ALL != 0 {
                "reads of every file"
            } else {
                "writes"
            };
            beyond.push(format!(
                "they ask for {what}, which the sensor was not started for"
            ));
        }
        if asks_for_times(interest) && !self.times {
            beyond.push(
                "they ask for changes of times, which the sensor was not started for".to_owned(),
            );
        }
        let mut calls: Vec<&str> = self
            .filters(interest)
            .iter()
            .filter(|(abi, nr, _)| !self.calls.contains(&(*abi, *nr)))
            .filter_map(|(abi, nr, _)| syscalls::name(abi.arch(), *nr))
            .collect();
        calls.sort_unstable();
        calls.dedup();
        if !calls.is_empty() {
            let calls = calls.join(", ");
            beyond.push(format!(
                "they ask for system calls whose hooks are not attached: {calls}"
            ));
        }
        beyond
    }

    /// Lets through what rules of this interest ask for; what only others asked for stays until
    /// [`Attached::narrow`].
    fn widen(&self, sensor: &mut Sensor, interest: &Interest) -> anyhow::Result<()> {
        sensor.watch_names(&kernel_filter(self.choice, interest).watched_names)?;
        let filters = self.filters(interest);
        let none = |(abi, nr): &(Abi, u32)| (*abi, *nr, wanted::nothing());
        let gone = self
            .calls
            .iter()
            .filter(|(abi, nr)| !filters.iter().any(|(a, n, _)| (a, n) == (abi, nr)));
        let all: Vec<Wanted> = filters.iter().copied().chain(gone.map(none)).collect();
        sensor.set_filters(&all)
    }

    /// Stops letting through what is not asked for any more.
    fn narrow(&mut self, sensor: &mut Sensor, interest: &Interest) {
        let names = kernel_filter(self.choice, interest).watched_names;
        // The map knows names by their first bytes.
        let cut = |name: &[u8]| name[..name.len().min(NAME_KEY - 1)].to_vec();
        let kept: BTreeSet<Vec<u8>> = names.iter().map(|(name, _)| cut(name)).collect();
        for (name, _) in self
            .names
            .iter()
            .filter(|(name, _)| !kept.contains(&cut(name)))
        {
            if let Err(error) = sensor.forget_name(name) {
                // More is let through than is asked for: harmless.
                log::warn!("a name stays watched: {error:#}");
            }
        }
        self.names = names;
    }
}

/// Whether rules can match changes of times.
pub(super) fn asks_for_times(interest: &Interest) -> bool {
    let can = [Category::FileTimestamp, Category::Auditd];
    can.iter()
        .any(|category| interest.categories.contains(category))
}

/// Reads the rules again and puts them in force, or says why the old ones stay.
pub(super) fn reload(
    alerting: &mut Alerting,
    sensor: &mut Sensor,
    attached: &mut Attached,
    reloads: &mut Reloads,
) -> bool {
    reloads.count += 1;
    reloads.last_ms = Some(now_ns() / 1_000_000);
    let result = alerting.rules().read_again();
    let result = result
        .map_err(texts)
        .and_then(|rules| put_in_force(rules, alerting, sensor, attached));
    match result {
        Ok(()) => {
            reloads.errors.clear();
            let counts = alerting.rules().counts();
            log::info!(
                "rules reloaded rules={} correlations={} exceptions={} overridden={} lists={}",
                counts.rules,
                counts.correlations,
                counts.exceptions,
                counts.overridden,
                counts.lists
            );
            true
        }
        Err(errors) => {
            reloads.refused += 1;
            for error in &errors {
                log::error!("rules not reloaded, the old ones stay: {error}");
            }
            reloads.errors = errors;
            reloads.errors.truncate(SHOWN);
            false
        }
    }
}

fn put_in_force(
    rules: RuleSet,
    alerting: &mut Alerting,
    sensor: &mut Sensor,
    attached: &mut Attached,
) -> Result<(), Vec<String>> {
    let interest = rules.interest().clone();
    let beyond = attached.beyond(&interest);
    if !beyond.is_empty() {
        let restart = |why: String| format!("{why}; restart the sensor for them");
        return Err(beyond.into_iter().map(restart).collect());
    }
    // Nothing comes in meanwhile: this thread reads the ring.
    let old = alerting.rules().interest().clone();
    let widened = attached
        .widen(sensor, &interest)
        .map_err(|error| vec![format!("the kernel's filter could not be set: {error:#}")]);
    let replaced = widened.and_then(|()| alerting.replace(rules).map_err(texts));
    if let Err(errors) = replaced {
        if let Err(error) = attached.widen(sensor, &old) {
            log::error!("the kernel's filter could not be set back: {error:#}");
        }
        return Err(errors);
    }
    attached.narrow(sensor, &interest);
    Ok(())
}

fn texts(errors: RuleErrors) -> Vec<String> {
    errors.0.iter().map(ToString::to_string).collect()
}
