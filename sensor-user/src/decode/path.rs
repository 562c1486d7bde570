//! A path as the programs walked it (sensor-ebpf/src/path.rs), printed as d_path does (fs/d_path.c).

use bytes::Bytes;
use sensor_ebpf::wire::flag;

/// Components of a walk, and how it ended.
#[derive(Clone, Debug, Default)]
pub struct RawPath {
    /// Leaf first, NUL-terminated each.
    pub components: Bytes,
    pub flags: u16,
}

impl RawPath {
    /// The path as `d_path` prints it.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut path = Vec::with_capacity(self.components.len() + 12);
        let body = self
            .components
            .strip_suffix(&[0])
            .unwrap_or(&self.components);
        if !body.is_empty() {
            for component in body.split(|b| *b == 0).rev() {
                if component != b"/" {
                    path.push(b'/');
                    path.extend_from_slice(component);
                }
            }
        }
        if path.is_empty() {
            path.push(b'/');
        }
        // A memfd's dentry is the root of its own tree; the kernel prints it as deleted, too.
        let nameless = self.flags & flag::DETACHED != 0 && body != b"/" && !body.contains(&0);
        if self.flags & flag::DELETED != 0 || nameless {
            path.extend_from_slice(b" (deleted)");
        }
        path.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(components: &'static [u8], flags: u16) -> Bytes {
        RawPath {
            components: Bytes::from_static(components),
            flags,
        }
        .to_bytes()
    }

    #[test]
    fn paths_read_as_d_path_prints_them() {
        assert_eq!(walked(b"", 0), "/");
        assert_eq!(walked(b"passwd\0etc\0", 0), "/etc/passwd");
        assert_eq!(walked(b"x\0tmp\0", flag::DELETED), "/tmp/x (deleted)");
        assert_eq!(
            walked(b"memfd:evil\0", flag::DETACHED),
            "/memfd:evil (deleted)"
        );
        assert_eq!(
            walked(b"a\nb\0\xff\0", 0),
            Bytes::from_static(b"/\xff/a\nb")
        );
        assert_eq!(walked(b"bash\0bin\0/\0", flag::DETACHED), "/bin/bash");
    }
}
