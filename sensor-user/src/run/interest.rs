//! From what the rules ask for to what the kernel's filter lets through.

use auklet_rules::{Category, FileNames, Interest, analysis};
use sensor_ebpf::config::{AS_FILE, opens};

use crate::cli::Opens;

/// The open filter's settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KernelFilter {
    pub(super) opens: u32,
    pub(super) watched_names: Vec<(Vec<u8>, u32)>,
}

/// Sound: an open that a rule could match always passes.
pub(super) fn kernel_filter(choice: Opens, interest: &Interest) -> KernelFilter {
    let mut filter = KernelFilter::default();
    match choice {
        Opens::All => filter.opens = opens::ALL,
        Opens::Writes => filter.opens = opens::WRITES,
        Opens::None => {}
        Opens::Wanted => wanted(&mut filter, interest),
    }
    filter
}

fn wanted(filter: &mut KernelFilter, interest: &Interest) {
    let asks = |category| interest.categories.contains(&category);
    // Who made a file is told from the open that created it.
    let analysed = analysis::CATEGORIES.into_iter().any(asks);
    if asks(Category::FileEvent)
        || asks(Category::FileTimestamp)
        || analysed
        || interest.audit.paths
    {
        filter.opens |= opens::WRITES;
    }
    if super::wanted::all_opens(interest) {
        filter.opens = opens::ALL;
        return;
    }
    match &interest.reads {
        FileNames::Nothing => {}
        FileNames::All => filter.opens = opens::ALL,
        FileNames::Only(names) => {
            filter.opens |= opens::WATCHED;
            filter.watched_names = names.iter().map(|name| (name.clone(), AS_FILE)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_decide_unless_told_otherwise() {
        let mut interest = Interest::default();
        assert_eq!(
            kernel_filter(Opens::Wanted, &interest),
            KernelFilter::default()
        );
        interest.categories.insert(Category::FileTimestamp);
        assert_eq!(kernel_filter(Opens::Wanted, &interest).opens, opens::WRITES);
        interest.reads = FileNames::Only([b"shadow".to_vec()].into());
        let filter = kernel_filter(Opens::Wanted, &interest);
        assert_eq!(filter.opens, opens::WRITES | opens::WATCHED);
        assert_eq!(filter.watched_names, [(b"shadow".to_vec(), AS_FILE)]);
        interest.reads = FileNames::All;
        assert_eq!(kernel_filter(Opens::Wanted, &interest).opens, opens::ALL);
        assert_eq!(kernel_filter(Opens::None, &interest).opens, 0);
    }
}
