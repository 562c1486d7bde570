//! A run that differs is repeated. What differs in each run is Auklet's, and fails; what differed in one and not
//! in another is a race of the emulated guest, and is told and counted.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

/// Where two logs differ, in words that another run would use for the same: family, call, record, field.
pub(super) type Differences = BTreeSet<String>;

/// What one run gave.
pub(super) enum Run {
    Compared(Differences),
    /// The kernel skipped so many programs (it skips one that another task interrupted on the same CPU, and
    /// counts it) that whole records are missing: nothing is compared.
    Skipped(u64),
}

/// Of all runs together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) same: bool,
    /// How often the workload ran again.
    pub(super) repeated: u32,
}

/// Runs until nothing is left that differed in every run, at most so often; prints what was left out, or what is
/// left.
pub(super) fn until_agreed(
    plan: &str,
    runs: u32,
    mut run: impl FnMut() -> Result<Run>,
) -> Result<Verdict> {
    let (mut always, mut ever) = (None::<Differences>, Differences::new());
    for n in 0..runs {
        match run()? {
            Run::Skipped(programs) => {
                println!(
                    "parity {plan}: run {}: {programs} programs were skipped",
                    n + 1
                );
            }
            Run::Compared(now) => {
                ever.extend(now.iter().cloned());
                let left = match always.take() {
                    Some(before) => before.intersection(&now).cloned().collect(),
                    None => now,
                };
                if left.is_empty() {
                    for once in &ever {
                        println!("repeated {plan}: not in every run: {once}");
                    }
                    return Ok(Verdict {
                        same: true,
                        repeated: n,
                    });
                }
                always = Some(left);
            }
        }
    }
    let Some(always) = always else {
        bail!("programs were skipped in each of {runs} runs: nothing was compared");
    };
    for difference in &always {
        println!("differs {plan}, in each run: {difference}");
    }
    Ok(Verdict {
        same: false,
        repeated: runs - 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs that differ so, one after the other; `None` is a skipped one. How many ran, and the verdict.
    fn after(runs: &[Option<&[&str]>]) -> (usize, Result<Verdict>) {
        let mut ran = 0;
        let verdict = until_agreed("test", 3, || {
            let run = runs[ran];
            ran += 1;
            Ok(match run {
                Some(run) => Run::Compared(run.iter().map(|what| (*what).to_owned()).collect()),
                None => Run::Skipped(1),
            })
        });
        (ran, verdict)
    }

    #[track_caller]
    fn check(runs: &[Option<&[&str]>], same: bool) {
        let (ran, verdict) = after(runs);
        let repeated = u32::try_from(runs.len() - 1).expect("few runs");
        assert_eq!(verdict.expect("compared"), Verdict { same, repeated });
        assert_eq!(ran, runs.len());
    }

    #[test]
    fn only_what_differs_in_each_run_fails() {
        check(&[Some(&[])], true);
        check(&[Some(&["a"]), Some(&[])], true);
        check(&[Some(&["a"]), Some(&["b"])], true);
        check(&[Some(&["a", "b"]), Some(&["b", "c"]), Some(&["c"])], true);
        check(&[Some(&["a"]), Some(&["a", "b"]), Some(&["a"])], false);
        check(&[None, Some(&["a"]), Some(&["a"])], false);
        check(&[None, None, Some(&[])], true);
    }

    #[test]
    fn runs_of_which_none_was_compared_are_an_error() {
        let (ran, verdict) = after(&[None; 3]);
        assert_eq!(ran, 3);
        assert!(verdict.is_err());
    }
}
