//! The command: from files to alerts.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result};
use auklet_rules::RuleSet;
use bytes::Bytes;
use clap::Args;
use serde_json::json;

use super::{
    BadLine, Parser, Replayed,
    output::Output,
    signals,
    source::{self, Next, Source},
};
use crate::{
    alerting::{AlertArgs, Alerting},
    enrich::Enricher,
    process::ProcessTable,
    rules_command::one_message,
};

/// Exit code when there were malformed lines; 1 is for what can't be read or written, 2 for a bad
/// command line.
const MALFORMED: u8 = 3;
/// Malformed lines that are shown.
const SHOWN: u64 = 10;
/// Bytes of each that are.
const EXCERPT: usize = 160;
/// Machines whose processes are remembered.
const HOSTS: usize = 64;

/// Exit code: 0 if every line was read; 3 if some were malformed; 1 if a file could not be read.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// Audit logs in the order of their age, oldest first; gzip is known by its content. A directory
    /// is its audit.log.N … audit.log.1, audit.log; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Read FILE.N … FILE.1 before each FILE.
    #[arg(long)]
    pub rotated: bool,
    /// Print the records, made again from the events.
    #[arg(long)]
    pub records: bool,
    /// Print every event as a JSON object, one a line.
    #[arg(long)]
    pub events: bool,
    /// Print alerts as JSON objects, one a line, instead of blocks of text.
    #[arg(long)]
    pub json: bool,
    /// Rule file or directory, beside the shipped rules; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Use only the rules given with --rules.
    #[arg(long)]
    pub no_shipped_rules: bool,
    #[command(flatten)]
    pub alerts: AlertArgs,
    /// The machine that wrote the logs, for alerts; else what `node=` says, or this one.
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Processes remembered as ancestors, of each machine.
    #[arg(long, default_value_t = 32_768)]
    pub keep_processes: usize,
}

/// Reads logs to their end.
///
/// # Errors
/// Rules or directories can't be read, or standard output can't be written.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let shipped = if args.no_shipped_rules {
        Ok(RuleSet::default())
    } else {
        RuleSet::shipped()
    };
    let rules = shipped
        .and_then(|set| set.and_load(&args.rules))
        .map_err(one_message)?;
    let files = source::list(&args.files, args.rotated)?;
    if files.iter().any(|file| source::is_stdin(file)) {
        signals::as_plugin().context("wait for signals")?;
    }
    let mut replay = Replay {
        parser: Parser::default(),
        alerting: Alerting::new(rules, &args.alerts)?,
        hosts: Vec::new(),
        output: Output::new(args),
        args,
        counts: Counts::default(),
    };
    let start = Instant::now();
    for file in &files {
        replay.file(file)?;
    }
    replay.parser.end();
    replay.take_events()?;
    for alert in replay.alerting.finish() {
        replay.output.alert(&alert)?;
    }
    replay.conclude(start)
}

#[derive(Debug, Default)]
struct Counts {
    lines: u64,
    events: u64,
    malformed: u64,
    cut: u64,
    unreadable: u64,
}

/// What is remembered of a machine.
struct Host {
    node: Option<Bytes>,
    processes: ProcessTable,
    enricher: Enricher,
}

struct Replay<'a> {
    parser: Parser,
    alerting: Alerting,
    /// The one that the last event was of comes first.
    hosts: Vec<Host>,
    output: Output,
    args: &'a ReplayArgs,
    counts: Counts,
}

impl Replay<'_> {
    /// Reads one file. That it can't be read is said and counted; the others are read all the same.
    fn file(&mut self, path: &Path) -> Result<()> {
        let mut source = match Source::open(path) {
            Ok(source) => source,
            Err(error) => {
                self.unreadable(path, &error);
                return Ok(());
            }
        };
        let mut number = 0;
        loop {
            if !source.is_ready() {
                self.output.flush()?;
            }
            let next = match source.next_line() {
                Ok(next) => next,
                Err(error) => {
                    self.unreadable(path, &error);
                    return Ok(());
                }
            };
            number += 1;
            let parsed = match next {
                Next::End => return Ok(()),
                Next::TooLong => Err(BadLine::TooLong),
                Next::Torn => Err(BadLine::Torn),
                Next::Line => self.parser.line(source.text()),
            };
            self.counts.lines += 1;
            match parsed {
                Ok(()) => self.take_events()?,
                Err(why) => self.malformed(path, number, why, source.text()),
            }
        }
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        self.counts.unreadable += 1;
        log::error!("{}: {error}", path.display());
    }

    fn malformed(&mut self, path: &Path, number: u64, why: BadLine, text: &[u8]) {
        self.counts.malformed += 1;
        if self.counts.malformed <= SHOWN {
            let shown = text[..text.len().min(EXCERPT)].escape_ascii();
            let more = if text.len() > EXCERPT { "…" } else { "" };
            let path = path.display();
            log::warn!("{path}:{number}: no audit record: {why}: {shown}{more}");
        }
    }

    fn take_events(&mut self) -> Result<()> {
        while let Some(replayed) = self.parser.next_event() {
            self.counts.events += 1;
            self.counts.cut += u64::from(replayed.cut);
            self.handle(&replayed)?;
        }
        Ok(())
    }

    /// As a running sensor does: alerts first.
    fn handle(&mut self, replayed: &Replayed) -> Result<()> {
        self.choose_host(replayed.node.as_ref());
        let Some(host) = self.hosts.first_mut() else {
            return Ok(());
        };
        let event = &replayed.event;
        host.processes.replayed(event);
        if let Some(name) = replayed.user() {
            host.enricher.learn_user(event.who.euid, &name);
        }
        let observations = host.enricher.observe(event, &host.processes);
        let (enricher, processes) = (&mut host.enricher, &host.processes);
        let scene = || enricher.scene(event, processes, logged_lines(replayed));
        let node = host.node.as_deref().unwrap_or_default();
        for alert in self.alerting.event(event, node, &observations, scene) {
            self.output.alert(&alert)?;
        }
        self.output.event(replayed)
    }

    /// Puts a node's memory first; that of the node that was silent longest goes when there are too
    /// many.
    fn choose_host(&mut self, node: Option<&Bytes>) {
        match self.hosts.iter().position(|h| h.node.as_ref() == node) {
            Some(0) => {}
            Some(at) => self.hosts[..=at].rotate_right(1),
            None => {
                let name = self.args.host.as_deref().map(str::as_bytes);
                let mut enricher = match name.or(node.map(|node| &node[..])) {
                    Some(name) => Enricher::of_host(name),
                    None => Enricher::new(),
                };
                enricher.ask(self.alerting.rules().interest());
                let host = Host {
                    node: node.map(|node| Bytes::copy_from_slice(node)),
                    processes: ProcessTable::new(self.args.keep_processes),
                    enricher,
                };
                self.hosts.insert(0, host);
                self.hosts.truncate(HOSTS);
            }
        }
    }

    fn conclude(mut self, start: Instant) -> Result<ExitCode> {
        let Counts {
            lines,
            events,
            malformed,
            cut,
            unreadable,
        } = self.counts;
        if malformed > SHOWN {
            log::warn!("{} more malformed lines", malformed - SHOWN);
        }
        let alerts = self.output.alerts;
        let seconds = start.elapsed().as_secs_f64();
        let rate = (events as f64 / seconds.max(1e-9)).round();
        self.output.summary(&json!({
            "type": "replayed", "lines": lines, "events": events, "malformed": malformed,
            "cut": cut, "unreadable": unreadable, "alerts": alerts, "seconds": seconds,
        }))?;
        let mut more = String::new();
        if cut > 0 {
            more.push_str(&format!(" cut={cut}"));
        }
        if self.output.as_logged > 0 {
            more.push_str(&format!(" records_as_logged={}", self.output.as_logged));
        }
        log::info!(
            "replay lines={lines} events={events} malformed={malformed} alerts={alerts} \
             seconds={seconds:.3} events_per_second={rate}{more}"
        );
        Ok(match (unreadable, malformed) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(MALFORMED),
            _ => ExitCode::FAILURE,
        })
    }
}

fn logged_lines(replayed: &Replayed) -> Vec<String> {
    let mut text = Vec::new();
    replayed.as_logged(&mut text);
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}
