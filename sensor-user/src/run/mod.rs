//! `auklet run`: from the ring buffer to records, events and alerts, until told to stop.

mod analysis;
mod filter;
pub(crate) mod gaps;
mod interest;
mod outputs;
mod policy;
mod rate;
mod reload;
pub mod socket;
mod status;
mod wanted;
mod watch;

use anyhow::Result;
use auklet_rules::RuleSet;
use sensor_ebpf::config::AS_POLICY;

pub use self::status::Received;
use self::{analysis::Analysis, outputs::Outputs, reload::Attached, watch::Watch};
use crate::{
    alerting::Alerting,
    cli::RunArgs,
    load::{Sensor, Settings},
    policy::Policy,
    privileges,
    rules_command::one_message,
};

/// Watches until SIGINT or SIGTERM, then empties the ring and says what was lost.
///
/// # Errors
/// The sensor can't start, or an output can't be written.
pub fn run(args: &RunArgs) -> Result<()> {
    let rules = rules(args)?;
    let policy = args.audit_rules.as_deref().map(policy::load).transpose()?;
    let mut outputs = Outputs::open(args)?;
    if let Some(policy) = &policy {
        outputs.limit(policy.settings().rate.unwrap_or(0));
    }
    privileges::check()?;
    let socket = socket::bind(&args.socket)?;
    let by_policy = policy
        .as_ref()
        .map(|policy| filter::filters(policy, !args.no_kernel_filter));
    let interest = rules.interest().clone();
    let mut attached = Attached::new(args.opens, &interest, by_policy.unwrap_or_default());
    attached.times = args.events || policy.is_none() || reload::asks_for_times(&interest);
    let alerting = Alerting::new(rules, &args.alerts)?;
    let filters = attached.filters(&interest);
    let sensor = Sensor::start(&Settings {
        attach: args.attach.0,
        opens: attached.opens(),
        watched_names: watched_names(&attached, policy.as_ref()),
        ring_bytes: args.ring_bytes,
        argv_bytes: args.argv_bytes,
        slots: args.slots,
        calls: filters.iter().map(|(abi, nr, _)| (*abi, *nr)).collect(),
        filters,
        times: attached.times,
        policy: policy.is_some(),
        operations: policy
            .as_ref()
            .map(|policy| filter::operations(policy, !args.no_kernel_filter))
            .unwrap_or_default(),
    })?;
    // Everything is open and attached: from here on little is needed.
    privileges::drop_all_but_needed()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let analysis = Analysis::new(&interest, args.state.as_deref());
    let watch = Watch::new(sensor, alerting, attached, policy, outputs, args.keep_ended);
    let watch = watch.with(analysis);
    runtime.block_on(watch.until_stopped(socket))
}

/// Names that the programs look for: the rules' and the policy's.
fn watched_names(attached: &Attached, policy: Option<&Policy>) -> Vec<(Vec<u8>, u32)> {
    let recorded = policy.map(filter::names).unwrap_or_default();
    let recorded = recorded.into_iter().map(|name| (name, AS_POLICY));
    attached.names().iter().cloned().chain(recorded).collect()
}

fn rules(args: &RunArgs) -> Result<RuleSet> {
    let shipped = if args.no_shipped_rules {
        Ok(RuleSet::default())
    } else {
        RuleSet::shipped()
    };
    shipped
        .and_then(|set| set.and_load(&args.rules))
        .map_err(one_message)
}
