//! An alert as a block of text for a terminal.
//!
//! Every value in it is [`crate::Text`], so the colours and line ends below are the only control
//! characters that can come out.
use std::fmt::Write as _;

use crate::{
    alert::{Alert, Process},
    meta::Level,
};

/// Longest value shown in full; JSON has the rest.
const MAX_SHOWN_CHARS: usize = 400;

/// The alert as lines of text, ending in a line end.
pub fn render(alert: &Alert, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    let level = paint.level(alert.level);
    line(
        &mut out,
        format_args!(
            "{level} {}{}",
            paint.bold(alert.title.as_str()),
            seen(alert)
        ),
    );
    let alias = alert.alias.as_ref().map_or("", |alias| alias.as_str());
    let mut ids = vec![alert.time.as_str(), alert.host.as_str(), alias];
    ids.extend(alert.techniques.iter().map(|t| t.as_str()));
    ids.retain(|id| !id.is_empty());
    line(&mut out, format_args!("  {}", ids.join("  ")));
    let mut label = |name: &str, text: &str| {
        let name = paint.dim(&format!("{name:<9}"));
        line(&mut out, format_args!("  {name}{}", shortened(text)));
    };
    label("meaning", alert.description.as_str());
    label("who", &who(&alert.process));
    label("what", &what(&alert.process));
    if let Some(container) = &alert.container {
        label("container", container.as_str());
    }
    if let Some(object) = &alert.object {
        label("object", object.as_str());
    }
    for object in alert
        .objects
        .iter()
        .filter(|o| Some(*o) != alert.object.as_ref())
    {
        label("also", object.as_str());
    }
    if let Some(found) = &alert.found {
        label("found", found.as_str());
    }
    for matched in &alert.matched {
        label("why", &format!("{} = {}", matched.field, matched.value));
    }
    tree(&mut out, alert, &paint);
    if !alert.events.is_empty() {
        let events: Vec<String> = alert.events.iter().map(ToString::to_string).collect();
        let name = paint.dim("events   ");
        line(
            &mut out,
            format_args!("  {name}{}", shortened(&events.join(" "))),
        );
    }
    for record in &alert.records {
        line(&mut out, format_args!("  {} {record}", paint.dim("|")));
    }
    if let Some(next) = &alert.remediation {
        let name = paint.dim("next     ");
        line(&mut out, format_args!("  {name}{next}"));
    }
    out
}

/// ` [seen 4 times since …]`.
fn seen(alert: &Alert) -> String {
    if alert.count < 2 {
        return String::new();
    }
    let various = if alert.various {
        ", by or on various"
    } else {
        ""
    };
    format!(
        " [seen {} times since {}{various}]",
        alert.count, alert.first_seen
    )
}

fn who(process: &Process) -> String {
    let user = process.user.as_ref().map_or("?", |user| user.as_str());
    let mut who = format!("{user} (uid {}, euid {})", process.uid, process.euid);
    match process.auid {
        Some(auid) => _ = write!(who, ", signed in as uid {auid}"),
        None => who.push_str(", nobody signed in"),
    }
    if let Some(session) = process.ses {
        _ = write!(who, ", session {session}");
    }
    if let Some(tty) = &process.tty {
        _ = write!(who, ", terminal {tty}");
    }
    who
}

fn what(process: &Process) -> String {
    let Process {
        pid,
        exe,
        command_line,
        cwd,
        ..
    } = process;
    format!("{exe} (pid {pid}) in {cwd}: {command_line}")
}

/// The ancestors, oldest first, each below its parent, and the process itself at the end.
fn tree(out: &mut String, alert: &Alert, paint: &Paint) {
    let own = &alert.process;
    let above = alert.ancestors.iter().rev();
    let above = above.map(|a| (a.pid, &a.exe, &a.command_line));
    let all = above.chain([(own.pid, &own.exe, &own.command_line)]);
    for (depth, (pid, exe, command_line)) in all.enumerate() {
        let name = paint.dim(if depth == 0 { "tree     " } else { "         " });
        let branch = if depth == 0 { "" } else { "└─ " };
        let indent = " ".repeat(2 * depth.saturating_sub(1));
        let text = format!("{pid} {exe}  {command_line}");
        let text = shortened(&text);
        line(out, format_args!("  {name}{indent}{branch}{text}"));
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    _ = writeln!(out, "{text}");
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn wrap(&self, code: &str, text: &str) -> String {
        if self.colour {
            return format!("\x1b[{code}m{text}\x1b[0m");
        }
        text.to_owned()
    }

    fn bold(&self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn level(&self, level: Level) -> String {
        let code = match level {
            Level::Informational => "1;36",
            Level::Low => "1;32",
            Level::Medium => "1;33",
            Level::High | Level::Critical => "1;31",
        };
        self.wrap(code, &format!("[{}]", level.name().to_uppercase()))
    }
}
