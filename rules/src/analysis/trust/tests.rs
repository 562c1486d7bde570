use std::collections::HashMap;

use super::*;

/// Path → owner, group, mode.
struct Host(HashMap<&'static str, (u32, u32, u32)>);

impl Owners for Host {
    fn access(&mut self, path: &[u8]) -> Option<Access> {
        let path = std::str::from_utf8(path).ok()?;
        let (user, group, mode) = *self.0.get(path)?;
        Some(Access {
            owner: (user, group),
            mode,
        })
    }
}

fn host() -> Host {
    Host(HashMap::from([
        ("/", (0, 0, 0o040_755)),
        ("/usr", (0, 0, 0o040_755)),
        ("/usr/bin", (0, 0, 0o040_755)),
        ("/usr/bin/dpkg", (0, 0, 0o100_755)),
        ("/usr/bin/link", (0, 0, 0o120_777)),
        ("/usr/bin/open", (0, 0, 0o100_757)),
        ("/usr/bin/staff", (0, 50, 0o100_775)),
        ("/usr/bin/wheel", (0, 0, 0o100_775)),
        ("/usr/lib", (0, 0, 0o040_755)),
        ("/usr/lib/libeatmydata.so", (0, 0, 0o100_644)),
        ("/tmp", (0, 0, 0o041_777)),
        ("/tmp/dpkg", (0, 0, 0o100_755)),
        ("/opt", (0, 0, 0o040_755)),
        ("/opt/dpkg", (1000, 0, 0o100_755)),
    ]))
}

const ALIVE: &dyn Fn(Id) -> bool = &|_| true;

#[test]
fn a_program_is_trusted_for_where_it_is() {
    for (exe, expect) in [
        ("/usr/bin/dpkg", Ok(())),
        ("/usr/bin/wheel", Ok(())),
        // Replaced while it ran.
        ("/usr/bin/dpkg (deleted)", Ok(())),
        ("/usr/bin/gone (deleted)", Err(Distrust::NoFile)),
        ("/usr/bin/link", Err(Distrust::NotRegular)),
        ("/usr/bin", Err(Distrust::NotRegular)),
        ("/usr/bin/dpkg/x", Err(Distrust::NotRegular)),
        ("/usr/bin/open", Err(Distrust::Writable)),
        ("/usr/bin/staff", Err(Distrust::Writable)),
        ("/tmp/dpkg", Err(Distrust::Writable)),
        ("/opt/dpkg", Err(Distrust::Writable)),
        ("/memfd:dpkg (deleted)", Err(Distrust::NoFile)),
        ("dpkg", Err(Distrust::NoFile)),
        ("", Err(Distrust::NoProgram)),
    ] {
        let answer = Trust::default().process((1, 1), Some(exe.as_bytes()), false, 0, &mut host());
        assert_eq!(answer, expect, "{exe}");
    }
    let mut trust = Trust::default();
    let dpkg = Some(&b"/usr/bin/dpkg"[..]);
    let answer = trust.process((1, 1), dpkg, true, 0, &mut host());
    assert_eq!(answer, Err(Distrust::OtherRoot));
}

#[test]
fn who_is_reached_into_loses_trust_until_he_ends() {
    let mut trust = Trust::default();
    let ask =
        |trust: &mut Trust, id| trust.process(id, Some(b"/usr/bin/dpkg"), false, 0, &mut host());
    trust.traced((7, 1), ALIVE);
    assert_eq!(ask(&mut trust, (7, 1)), Err(Distrust::Traced));
    // The same number, another process.
    assert_eq!(ask(&mut trust, (7, 2)), Ok(()));
    trust.ended((7, 1));
    assert_eq!(ask(&mut trust, (7, 1)), Ok(()));
}

#[test]
fn libraries_that_others_can_write_take_trust_away() {
    for (environment, expect) in [
        ("PATH=/bin\0LD_PRELOAD=/usr/lib/libeatmydata.so\0", Ok(())),
        ("LD_PRELOAD=libeatmydata.so", Ok(())),
        ("LD_PRELOAD=libx.so:/tmp/evil.so", Err(Distrust::Preloaded)),
        ("A=1\0LD_AUDIT=./evil.so", Err(Distrust::Preloaded)),
        ("LD_LIBRARY_PATH=/usr/lib", Ok(())),
        ("LD_LIBRARY_PATH=/usr/lib:/tmp", Err(Distrust::Preloaded)),
        ("LD_LIBRARY_PATH=/usr/lib:", Err(Distrust::Preloaded)),
        ("LD_LIBRARY_PATH=", Ok(())),
        ("XLD_PRELOAD=/tmp/evil.so", Ok(())),
        ("LD_PRELOAD", Ok(())),
    ] {
        let mut trust = Trust::default();
        trust.started((7, 1), environment.as_bytes(), 0, &mut host(), ALIVE);
        let answer = trust.process((7, 1), Some(b"/usr/bin/dpkg"), false, 0, &mut host());
        assert_eq!(answer, expect, "{environment}");
        // The next image is another question.
        trust.started((7, 1), b"PATH=/bin", 0, &mut host(), ALIVE);
        let answer = trust.process((7, 1), Some(b"/usr/bin/dpkg"), false, 0, &mut host());
        assert_eq!(answer, Ok(()));
    }
}

/// Whoever makes a lot of noise does not get trust back for one that lost it.
#[test]
fn noise_gives_nobody_trust_back() {
    let mut trust = Trust::default();
    for pid in 0..10_000 {
        trust.traced((pid, 1), ALIVE);
    }
    assert_eq!(trust.counts(), (TAINTED, true));
    let mut ask = |id| trust.process(id, Some(b"/usr/bin/dpkg"), false, 0, &mut host());
    assert!(ask((0, 1)).is_err() && ask((9999, 1)).is_err() && ask((77_777, 1)).is_err());
    // Once the noise has ended the rest is as before.
    trust.traced((20_000, 1), &|_| false);
    assert_eq!(trust.counts(), (1, false));
}

#[test]
fn answers_hold_for_a_while_and_are_bounded() {
    let mut trust = Trust::default();
    let mut host = host();
    assert_eq!(trust.path(b"/usr/bin/dpkg", 0, &mut host), Ok(()));
    host.0.insert("/usr/bin", (0, 0, 0o040_777));
    assert_eq!(
        trust.path(b"/usr/bin/dpkg", HOLDS_NS - 1, &mut host),
        Ok(())
    );
    let later = trust.path(b"/usr/bin/dpkg", HOLDS_NS, &mut host);
    assert_eq!(later, Err(Distrust::Writable));
    for n in 0..2 * PATHS {
        let path = format!("/usr/lib/{n}");
        assert!(trust.path(path.as_bytes(), 0, &mut host).is_err());
        assert!(trust.paths.len() <= PATHS);
    }
}
