//! The `auklet` command.
use auklet::load::{Sensor, Settings};
fn main() -> anyhow::Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let attach = std::env::args().nth(1).map(|a| a.parse().unwrap());
    let t = std::time::Instant::now();
    let s = Sensor::start(&Settings { attach, opens: 1, watched_names: vec![], ring_bytes: 1<<20, argv_bytes: 1<<19, slots: 512 })?;
    println!("attached {} in {:?}", s.plan.attach, t.elapsed());
    std::thread::sleep(std::time::Duration::from_secs(1));
    println!("{:?}", s.loss()?);
    Ok(())
}
