//! SIGHUP: rules are read again; what is wrong with them changes nothing. And what is told how often.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::{
    harness::{Lone, LoneCtx, lone},
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[
    lone("reload/good, bad, exceptions", rules),
    lone("reload/correlations go on", correlations),
    lone("reload/what the kernel lets through follows", filter),
    lone("alerts/the same is told when its count doubles", again),
];

/// A rule that finds an argument of /bin/true.
fn rule(number: u32, title: &str, argument: &str) -> String {
    format!(
        "title: {title}\n\
         name: rule_{number}\n\
         id: 00000000-0000-4000-8000-{number:012}\n\
         logsource: {{product: linux, category: process_creation}}\n\
         detection:\n    \
             selection: {{CommandLine|contains: ' {argument}'}}\n    \
             condition: selection\n\
         level: high\n"
    )
}

fn exec(argument: &str) -> Result<()> {
    let status = Command::new("/bin/true").arg(argument).status()?;
    ensure!(status.success(), "/bin/true {argument}: {status}");
    Ok(())
}

fn start(ctx: &LoneCtx, rules: &Path) -> Result<Sensor> {
    let rules = rules.display().to_string();
    Sensor::start(&["--attach", &ctx.plan, "--json", "--rules", &rules])
}

fn alert(sensor: &mut Sensor, title: &str, argument: &str) -> Result<Value> {
    sensor.wait_for(&format!("the alert {title} of {argument}"), |v| {
        is_alert(v, title)
            && v["process"]["command_line"]
                .as_str()
                .is_some_and(|l| l.ends_with(argument))
    })
}

fn is_alert(line: &Value, title: &str) -> bool {
    line["type"] == "alert" && line["title"] == title
}

/// Reads the rules again and gives what the sensor says to them.
fn reload(sensor: &mut Sensor) -> Result<Value> {
    sensor.forget();
    sensor.signal(libc::SIGHUP);
    sensor.wait_for("the answer to SIGHUP", |v| v["type"] == "reload")
}

fn accepted(sensor: &mut Sensor) -> Result<Value> {
    let answer = reload(sensor)?;
    ensure!(answer["ok"] == true, "refused: {answer}");
    Ok(answer)
}

fn refused(sensor: &mut Sensor, why: &str) -> Result<()> {
    let answer = reload(sensor)?;
    let errors = answer["errors"].to_string();
    ensure!(
        answer["ok"] == false && errors.contains(why),
        "{why:?} is not in {answer}"
    );
    Ok(())
}

fn rules(ctx: &LoneCtx) -> Result<()> {
    let file = |name: &str| ctx.dir.join(name);
    fs::write(file("a.yml"), rule(1, "First", "first"))?;
    let mut sensor = start(ctx, &ctx.dir)?;
    exec("first-1")?;
    let first = alert(&mut sensor, "First", "first-1")?;
    let version = first["rule_version"]
        .as_str()
        .context("no version")?
        .to_owned();
    ensure!(version.len() == 64, "{version}");

    // Another rule.
    fs::write(file("b.yml"), rule(2, "Second", "second"))?;
    let answer = accepted(&mut sensor)?;
    exec("second-1")?;
    alert(&mut sensor, "Second", "second-1")?;
    let before = answer["rules"]["rules"].as_u64();

    // A mistake: with file and line, and everything is as it was.
    fs::write(
        file("c.yml"),
        rule(3, "Third", "third").replace("CommandLine", "CommandLime"),
    )?;
    refused(&mut sensor, "c.yml:6: unknown field CommandLime")?;
    exec("third-1")?;
    exec("second-2")?;
    alert(&mut sensor, "Second", "second-2")?;
    ensure!(
        sensor.all(|v| is_alert(v, "Third")).is_empty(),
        "a refused rule raised an alert"
    );

    // An exception and an override take effect.
    fs::write(
        file("c.yml"),
        "title: Not here\nlogsource: {category: process_creation}\nfilter:\n  rules: rule_1\n  selection: {CommandLine|contains: first-2}\n  condition: selection\n",
    )?;
    fs::write(
        file("d.yml"),
        "title: Not now\noverride:\n  rules: [00000000-0000-4000-8000-000000000002]\n  enabled: false\n",
    )?;
    let answer = accepted(&mut sensor)?;
    let counts = &answer["rules"];
    ensure!(
        counts["exceptions"] == 1 && counts["overridden"] == 1,
        "{counts}"
    );
    ensure!(
        counts["rules"].as_u64() == before.map(|n| n - 1),
        "{counts}, {before:?} before"
    );
    exec("first-2")?;
    exec("second-3")?;
    exec("first-3")?;
    alert(&mut sensor, "First", "first-3")?;
    let others = sensor.all(|v| {
        is_alert(v, "Second")
            || (is_alert(v, "First") && v["process"]["command_line"] != "/bin/true first-3")
    });
    ensure!(others.is_empty(), "{others:?}");
    let status = sensor.stop()?;
    let reloads = &status["reloads"];
    ensure!(
        reloads["count"] == 3 && reloads["refused"] == 1,
        "{reloads}"
    );
    ensure!(reloads["errors"] == serde_json::json!([]), "{reloads}");
    Ok(())
}

fn correlations(ctx: &LoneCtx) -> Result<()> {
    let correlation = "---\ntitle: Three times\nid: 00000000-0000-4000-8000-000000000009\nlevel: high\n\
        correlation:\n    type: event_count\n    rules: rule_1\n    group-by: [ParentProcessId]\n    timespan: 1h\n    condition: {gte: 3}\n";
    fs::write(ctx.dir.join("a.yml"), rule(1, "Once", "once") + correlation)?;
    let mut sensor = start(ctx, &ctx.dir)?;
    exec("once-1")?;
    exec("once-2")?;
    fs::write(ctx.dir.join("b.yml"), rule(2, "Another", "another"))?;
    accepted(&mut sensor)?;
    exec("once-3")?;
    let found = alert(&mut sensor, "Three times", "once-3")?;
    ensure!(found["found"] == "3 events in 1h", "{found}");
    ensure!(
        found["events"].as_array().map(Vec::len) == Some(3),
        "{found}"
    );
    ensure!(
        found["matched"][0]["value"].as_str() == Some(&std::process::id().to_string()),
        "{found}"
    );
    // A rule that only feeds a correlation is silent.
    ensure!(
        sensor.all(|v| is_alert(v, "Once")).is_empty(),
        "the rule spoke, too"
    );
    let status = sensor.stop()?;
    ensure!(
        status["correlations"]["rules"] == 1 && status["correlations"]["groups"] == 1,
        "{status}"
    );
    Ok(())
}

fn filter(ctx: &LoneCtx) -> Result<()> {
    let rules = ctx.dir.join("rules");
    fs::create_dir(&rules)?;
    fs::write(rules.join("a.yml"), rule(1, "First", "first"))?;
    let secret = ctx.dir.join("reload-secret");
    fs::write(&secret, "x")?;
    let mut sensor = start(ctx, &rules)?;
    // Reads of a name that no rule asked for when the sensor started.
    let text = "title: A read\nid: 00000000-0000-4000-8000-000000000003\nlevel: low\nlogsource: {category: file_access}\n\
        detection:\n    selection: {TargetFilename|cased|endswith: /reload-secret}\n    condition: selection\n";
    fs::write(rules.join("b.yml"), text)?;
    accepted(&mut sensor)?;
    fs::read(&secret)?;
    let title = "A read";
    let read = sensor.wait_for(title, |v| is_alert(v, title))?;
    ensure!(
        read["objects"]
            .as_array()
            .is_some_and(|o| o.contains(&read["object"])),
        "{read}"
    );
    // What would need hooks that are not there.
    let text = "title: A connection\nid: 00000000-0000-4000-8000-000000000004\nlevel: low\nlogsource: {category: network_connection}\n\
        detection:\n    selection: {DestinationPort: 1}\n    condition: selection\n";
    fs::write(rules.join("c.yml"), text)?;
    refused(
        &mut sensor,
        "hooks are not attached: accept, accept4, connect",
    )?;
    refused(&mut sensor, "restart the sensor")?;
    fs::write(
        rules.join("c.yml"),
        text.replace("network_connection", "file_access")
            .replace("DestinationPort: 1", "UserId: 1"),
    )?;
    refused(&mut sensor, "reads of every file")?;
    sensor.stop().map(drop)
}

fn again(ctx: &LoneCtx) -> Result<()> {
    fs::write(ctx.dir.join("a.yml"), rule(1, "Again", "again"))?;
    let mut sensor = start(ctx, &ctx.dir)?;
    for _ in 0..5 {
        exec("again")?;
    }
    exec("again-other")?;
    alert(&mut sensor, "Again", "again-other")?;
    let told = |sensor: &Sensor| {
        let told = sensor
            .all(|v| is_alert(v, "Again") && v["process"]["command_line"] == "/bin/true again");
        let told: Vec<_> = told
            .iter()
            .map(|v| (v["count"].as_u64(), v["update"].as_bool(), v["uid"].clone()))
            .collect();
        told
    };
    let before = told(&sensor);
    let counts: Vec<_> = before
        .iter()
        .map(|(count, update, _)| (*count, *update))
        .collect();
    let expect = [
        (Some(1), Some(false)),
        (Some(2), Some(true)),
        (Some(4), Some(true)),
    ];
    ensure!(counts == expect, "{counts:?}");
    let uid = &before[0].2;
    ensure!(
        before.iter().all(|(_, _, other)| other == uid),
        "{before:?}"
    );
    // At the end nothing is untold.
    sensor.signal(libc::SIGTERM);
    let last = sensor.wait_for("the last update", |v| {
        is_alert(v, "Again") && v["count"] == 5
    })?;
    if &last["uid"] != uid || last["first_seen"].as_str() >= last["last_seen"].as_str() {
        bail!("{last}");
    }
    let status = sensor.wait_for("the closing status", |v| v["type"] == "status")?;
    ensure!(status["throttle"]["found"].as_u64() >= Some(6), "{status}");
    Ok(())
}
