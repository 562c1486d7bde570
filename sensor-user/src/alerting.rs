//! From an event's observations to the alerts that are told: rules, correlations, and what keeps the
//! same thing from being told again and again.

use std::slice;

use anyhow::Result;
use auklet_rules::{
    Alert, CorrelationCounts, DEFAULT_CORRELATION_BYTES, Detector, Entity, Moment, Observation,
    RuleErrors, RuleSet, Scene, Throttle, ThrottleCounts, ThrottleSettings, Value, id,
};
use clap::Args;

use crate::{
    event::{Event, What},
    rules_command::one_message,
};

/// How much is told, and remembered for it.
#[derive(Args, Clone, Debug)]
pub struct AlertArgs {
    /// How long the same rule about the same process and object is one alert, told again when its count
    /// doubles and at the end of that time, in seconds; 0: every occurrence is told.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(..=86_400))]
    pub alert_window: u32,
    /// Different alerts of one rule within that time that are told each by itself.
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub alerts_per_rule: u32,
    /// What correlation rules may remember, in bytes, for all of them together.
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_CORRELATION_BYTES)]
    pub correlation_bytes: usize,
}

/// A change that an analyser found: it may be told long after the event that it came of.
#[derive(Debug)]
pub struct Told {
    /// What rules see.
    pub observation: Observation,
    /// When it was found, Unix milliseconds.
    pub time_ms: i64,
    /// Who and where, should a rule match.
    pub scene: Scene,
    /// What tells it from another change.
    pub object: Vec<u8>,
}

/// Rules at work.
pub struct Alerting {
    detector: Detector,
    throttle: Throttle,
}

impl Alerting {
    /// Nothing seen yet.
    ///
    /// # Errors
    /// The bytes are too few for a correlation.
    pub fn new(rules: RuleSet, args: &AlertArgs) -> Result<Self> {
        let detector = Detector::new(rules, args.correlation_bytes).map_err(one_message)?;
        let throttle = Throttle::new(ThrottleSettings {
            window_ms: i64::from(args.alert_window) * 1000,
            per_rule: args.alerts_per_rule,
        });
        Ok(Self { detector, throttle })
    }

    /// What is to be told after an event. `host` is the machine; `scene` is asked for when there is
    /// something to tell of it.
    pub fn event(
        &mut self,
        event: &Event,
        host: &[u8],
        observations: &[Observation],
        mut scene: impl FnMut() -> Scene,
    ) -> Vec<Alert> {
        let time_ms = i64::try_from(event.time_ns / 1_000_000).unwrap_or(i64::MAX);
        let moment = Moment {
            time_ms,
            serial: event.serial,
            node: host,
        };
        let mut alerts = self.throttle.due(time_ms);
        let all = self.detector.event(observations, &moment);
        if all.is_empty() {
            return alerts;
        }
        let object = object(event);
        let entity = Entity {
            host,
            container: b"",
            exe: event.who.exe.as_deref().unwrap_or_default(),
            euid: event.who.euid,
            auid: event.who.auid,
            object: &object,
        };
        for raised in all {
            alerts.extend(self.throttle.raise(raised, &entity, time_ms, &mut scene));
        }
        alerts
    }

    /// What is to be told of a change that an analyser found.
    pub fn told(&mut self, told: &Told) -> Vec<Alert> {
        let Told {
            observation,
            time_ms,
            scene,
            object,
        } = told;
        let moment = Moment {
            time_ms: *time_ms,
            serial: 0,
            node: b"",
        };
        let number = |field| match observation.get(field) {
            Some(Value::Int(n)) => u32::try_from(*n).unwrap_or(u32::MAX),
            _ => u32::MAX,
        };
        let exe = match observation.get(id!("Image")) {
            Some(Value::Bytes(exe)) => exe,
            _ => &Vec::new(),
        };
        let entity = Entity {
            host: b"",
            container: b"",
            exe,
            euid: number(id!("UserId")),
            auid: number(id!("LoginUid")),
            object,
        };
        let mut alerts = self.throttle.due(*time_ms);
        for raised in self.detector.event(slice::from_ref(observation), &moment) {
            let scene = &mut || scene.clone();
            alerts.extend(self.throttle.raise(raised, &entity, *time_ms, scene));
        }
        alerts
    }

    /// Updates whose time has come.
    pub fn due(&mut self, now_ms: i64) -> Vec<Alert> {
        self.throttle.due(now_ms)
    }

    /// At the end: what was seen and not told.
    pub fn finish(&mut self) -> Vec<Alert> {
        self.throttle.finish()
    }

    /// Goes on with other rules.
    ///
    /// # Errors
    /// The bytes are too few for a correlation; the old rules stay.
    pub fn replace(&mut self, rules: RuleSet) -> Result<(), RuleErrors> {
        self.detector.replace(rules)
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        self.detector.rules()
    }

    /// What correlations remember, and what was told.
    #[must_use]
    pub fn counts(&self) -> (CorrelationCounts, ThrottleCounts) {
        (self.detector.counts(), self.throttle.counts())
    }
}

/// What tells one act of a process from another: the arguments of an execution, the object of others.
fn object(event: &Event) -> Vec<u8> {
    match &event.what {
        What::Exec(exec) => exec.argv.join(&b' '),
        _ => {
            let resolved = event.paths.iter().filter_map(|item| item.resolved.as_ref());
            let paths: Vec<&[u8]> = resolved.map(|path| &path[..]).collect();
            paths.join(&b'\n')
        }
    }
}

/// An alert as a JSON line has it.
///
/// # Errors
/// None that is known.
pub fn to_json(alert: &Alert) -> Result<serde_json::Value> {
    let mut value = serde_json::to_value(alert)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("type".to_owned(), "alert".into());
    }
    Ok(value)
}
