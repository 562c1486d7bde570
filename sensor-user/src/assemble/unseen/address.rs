//! Names in the addresses of unix sockets: unix_find_bsd looks one up, unix_bind_bsd makes one
//! (net/unix/af_unix.c).

use bytes::Bytes;

use super::{Argument, Story};
use crate::assemble::lookup::Start;

/// `sun_path` of struct sockaddr_un.
const NAME: usize = 2;

impl Story<'_> {
    pub(super) fn at_address(&mut self) -> Option<()> {
        let address = self
            .facts
            .sockaddr
            .as_ref()
            .filter(|_| self.facts.took_address())?;
        let family = u16::from_ne_bytes(address.get(..NAME)?.try_into().ok()?);
        if i32::from(family) != libc::AF_UNIX || address.len() > size_of::<libc::sockaddr_un>() {
            return None;
        }
        let end = address[NAME..].iter().position(|b| *b == 0);
        let end = end.map_or(address.len(), |at| NAME + at);
        let text: Bytes = address.slice(NAME..end);
        // Without a name, or of one that is no file's.
        if text.is_empty() {
            return None;
        }
        let name = Argument {
            text,
            start: Start {
                fd: None,
                base: None,
            },
        };
        let bind =
            self.facts.is("bind") || (self.facts.is("socketcall") && self.facts.call.args[0] == 2);
        // The socket is of another family; it has a name, or a connection, already.
        if self.failed(&[
            libc::EINVAL,
            libc::EAFNOSUPPORT,
            libc::EOPNOTSUPP,
            libc::EPIPE,
            libc::EDESTADDRREQ,
        ]) {
            return None;
        }
        if self.errno == libc::EISCONN && !self.facts.is("connect") {
            return None;
        }
        if bind {
            self.bound(&name)
        } else {
            self.look(&name, true, false).map(|_| ())
        }
    }

    /// A socket's name exists already: EADDRINUSE for EEXIST.
    fn bound(&mut self, name: &Argument<'_>) -> Option<()> {
        if self.errno == libc::EADDRINUSE {
            self.errno = libc::EEXIST;
        }
        self.created(name)
    }
}
