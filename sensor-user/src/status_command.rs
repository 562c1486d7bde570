//! `auklet status`: asks the running sensor what it received, lost and wrote.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::run::socket::{DEFAULT, STATUS};

/// Of the command line.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// The sensor's socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT)]
    pub socket: PathBuf,
    /// Print the answer as it came: a JSON object.
    #[arg(long)]
    pub json: bool,
}

const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer taken.
const LONGEST: u64 = 1 << 20;

/// Asks and prints.
///
/// # Errors
/// No sensor answers.
pub fn status(args: &StatusArgs) -> Result<()> {
    let answer = ask(&args.socket)?;
    let text = if args.json {
        format!("{answer}\n")
    } else {
        render(&answer)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

pub(crate) fn ask(socket: &Path) -> Result<Value> {
    let shown = socket.display();
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            bail!("no sensor listens on {shown}: is `auklet run` running, with this --socket?")
        }
        Err(error) => return Err(error).with_context(|| format!("connect to {shown}")),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut answer = Vec::new();
    stream
        .write_all(STATUS)
        .and_then(|()| stream.take(LONGEST).read_to_end(&mut answer))
        .with_context(|| format!("ask the sensor on {shown}"))?;
    let answer: Value = serde_json::from_slice(&answer)
        .with_context(|| format!("the sensor on {shown} did not answer (only root may ask)"))?;
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => bail!("the sensor says: {}", error.escape_debug()),
        None => Ok(answer),
    }
}

/// A line for each fact, `name: value`; nested ones as `a.b`.
fn render(answer: &Value) -> String {
    let mut text = String::new();
    walk("", answer, &mut text);
    text
}

fn walk(name: &str, value: &Value, out: &mut String) {
    let below = |key: &str| {
        let dot = if name.is_empty() { "" } else { "." };
        format!("{name}{dot}{}", key.escape_debug())
    };
    match value {
        Value::Object(facts) => {
            for (key, value) in facts.iter().filter(|(key, _)| *key != "type") {
                walk(&below(key), value, out);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                walk(&below(&n.to_string()), item, out);
            }
        }
        Value::Null => out.push_str(&format!("{name}: no\n")),
        Value::String(text) => out.push_str(&format!("{name}: {}\n", text.escape_debug())),
        Value::Bool(_) | Value::Number(_) => out.push_str(&format!("{name}: {value}\n")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_fact_is_a_line_and_no_terminal_obeys_it() {
        let answer = json!({
            "type": "status",
            "received": {"execve": 3},
            "logs": [{"path": "/x\u{1b}[2J\ny", "suspended": null}],
        });
        assert_eq!(
            render(&answer),
            "logs.0.path: /x\\u{1b}[2J\\ny\nlogs.0.suspended: no\nreceived.execve: 3\n"
        );
    }
}
