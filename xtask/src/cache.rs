//! Where downloaded and built things are kept between runs, outside the checkout.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result};

/// `$AUKLET_CACHE`, else `$XDG_CACHE_HOME/auklet`, else `~/.cache/auklet`.
pub(crate) fn dir() -> Result<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let dir = from("AUKLET_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|dir| dir.join("auklet")))
        .or_else(|| from("HOME").map(|dir| dir.join(".cache/auklet")))
        .context("none of AUKLET_CACHE, XDG_CACHE_HOME and HOME is set")?;
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

/// The checkout.
pub(crate) fn checkout() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Does a step and says what and how long; nothing to do is said as `cached`.
pub(crate) fn step(what: &str, done: bool, work: impl FnOnce() -> Result<()>) -> Result<()> {
    if done {
        println!("setup: {what}: cached");
        return Ok(());
    }
    println!("setup: {what} ...");
    let start = Instant::now();
    work().with_context(|| what.to_owned())?;
    println!("setup: {what}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Makes a file by way of a temporary one, so that a broken run leaves nothing half done.
pub(crate) fn atomically(target: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let temporary = target.with_extension("part");
    make(&temporary)?;
    fs::rename(&temporary, target).with_context(|| format!("rename to {}", target.display()))
}

/// Holds the cache for one process at a time.
pub(crate) fn lock() -> Result<fs::File> {
    let path = dir()?.join("lock");
    let file = fs::File::create(&path).with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        println!("setup: another setup runs; waiting for it");
        file.lock()
            .with_context(|| format!("lock {}", path.display()))?;
    }
    Ok(file)
}
