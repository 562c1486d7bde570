//! Events that are written together: one write(2) for what came out of the ring at once.

/// Bytes that are held back at most.
const MOST: usize = 64 << 10;

/// Lines of whole events.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    text: Vec<u8>,
    /// Where each event ends.
    ends: Vec<usize>,
}

impl Gathered {
    /// One event more: what `lines` appends. True if it is time to write.
    pub(super) fn add(&mut self, lines: impl FnOnce(&mut Vec<u8>)) -> bool {
        lines(&mut self.text);
        self.ends.push(self.text.len());
        self.text.len() >= MOST
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// All of them.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// One by one.
    pub(super) fn events(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.text[*start..*end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_as_they_went_in() {
        let mut gathered = Gathered::default();
        let events = [&b"a\nb\n"[..], b"", b"c\n"];
        for event in events {
            assert!(!gathered.add(|out| out.extend_from_slice(event)));
        }
        assert_eq!(gathered.text(), b"a\nb\nc\n");
        assert_eq!(gathered.events().collect::<Vec<_>>(), events);
        assert!(gathered.add(|out| out.resize(MOST, b'.')));
        gathered.clear();
        assert_eq!((gathered.count(), gathered.events().count()), (0, 0));
    }
}
