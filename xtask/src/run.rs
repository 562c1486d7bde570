//! `cargo xtask run`: the sensor, live.

use std::{os::unix::process::CommandExt as _, path::Path, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};

use crate::{
    apt::as_root,
    build,
    command::command,
    setup,
    setup::kernels::Kernel,
    setup::rootfs::Root,
    vm::{Clock, Guest, boot},
};

/// Here, as root; in the newest guest where that can't be.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    setup::for_build()?;
    let built = build::build()?;
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        println!("run: this kernel has no BTF; running in the bundled guest instead");
        return in_guest(args);
    }
    match as_root() {
        Ok(root) => {
            let mut words: Vec<&std::ffi::OsStr> = root.iter().map(std::ffi::OsStr::new).collect();
            words.push(built.auklet.as_os_str());
            let mut auklet = command(&words);
            auklet
                .arg("run")
                .args(args)
                .stdin(std::process::Stdio::inherit());
            Err(auklet.exec()).context("start auklet")
        }
        Err(reason) => {
            println!("run: {reason:#}; running in the bundled guest instead");
            in_guest(args)
        }
    }
}

fn in_guest(args: &[String]) -> Result<ExitCode> {
    setup::setup(false)?;
    let built = build::build()?;
    let kernel = Kernel::named("newest")?;
    let quoted: Vec<String> = args
        .iter()
        .map(|arg| format!("'{}'", arg.replace('\'', "'\\''")))
        .collect();
    // Something happens in the guest, so that there is something to see.
    let command = format!(
        "auklet run {} & sleep 20; ls /etc >/dev/null; touch -d 2001-01-01 /tmp/x; su -c id nobody -s /bin/sh; sleep 3; kill $!; wait $!",
        quoted.join(" ")
    );
    let timeout = Duration::from_secs(300);
    let guest = Guest {
        kernel: &kernel,
        root: Root::Base,
        built: &built,
        command: Some(&command),
        timeout,
        append: "",
        clock: Clock::Time,
    };
    Ok(ExitCode::from(
        boot(&guest, |line| println!("{line}"))?.code,
    ))
}
