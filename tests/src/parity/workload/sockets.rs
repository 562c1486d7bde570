//! Socket addresses as sys/socket.h, netinet/in.h, sys/un.h and linux/netlink.h lay them out, and calls that
//! take them.

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, MSG_DONTWAIT, SOCK_NONBLOCK, c_long};

use super::{
    call::{Word, call},
    closed,
};

fn family(number: i32) -> Vec<u8> {
    u16::try_from(number).unwrap_or(0).to_ne_bytes().into()
}

/// sockaddr_in
pub(super) fn inet(address: [u8; 4], port: u16) -> Vec<u8> {
    [&family(AF_INET)[..], &port.to_be_bytes(), &address, &[0; 8]].concat()
}

/// sockaddr_in6
pub(super) fn inet6(last: u8, port: u16) -> Vec<u8> {
    let mut address = [0; 16];
    address[15] = last;
    [
        &family(AF_INET6)[..],
        &port.to_be_bytes(),
        &[0; 4],
        &address,
        &[0; 4],
    ]
    .concat()
}

/// sockaddr_un, of its name's own length.
pub(super) fn unix(name: impl AsRef<[u8]>) -> Vec<u8> {
    [&family(AF_UNIX)[..], name.as_ref()].concat()
}

/// sockaddr_un with NULs up to its full size.
pub(super) fn unix_full(name: impl AsRef<[u8]>) -> Vec<u8> {
    let mut address = unix(name);
    address.resize(110, 0);
    address
}

/// sockaddr_nl
pub(super) fn netlink(pid: u32, groups: u32) -> Vec<u8> {
    let words = [
        0_u16.to_ne_bytes().to_vec(),
        pid.to_ne_bytes().into(),
        groups.to_ne_bytes().into(),
    ];
    [family(AF_NETLINK), words.concat()].concat()
}

/// Its descriptor, which nothing waits on.
pub(super) fn socket(family: i32, kind: i32) -> i32 {
    call!(SYS_socket, family, kind | SOCK_NONBLOCK, 0)
        .try_into()
        .unwrap_or(-1)
}

pub(super) fn close(fd: i32) {
    closed(fd.into());
}

pub(super) fn bind(fd: i32, address: &[u8]) -> c_long {
    call!(SYS_bind, fd, address, address.len())
}

pub(super) fn connect(fd: i32, address: &[u8]) -> c_long {
    call!(SYS_connect, fd, address, address.len())
}

pub(super) fn send_to(fd: i32, address: &[u8]) -> c_long {
    let data = &b"hello"[..];
    call!(
        SYS_sendto,
        fd,
        data,
        data.len(),
        MSG_DONTWAIT,
        address,
        address.len()
    )
}

/// A message header, linux/socket.h `user_msghdr`, of one buffer.
pub(super) struct Message {
    parts: [u64; 2],
    pub(super) header: [u64; 7],
}

impl Message {
    pub(super) fn new(address: &mut [u8], data: &mut [u8]) -> Self {
        let parts = [data.as_mut_ptr() as u64, data.len() as u64];
        let header = [
            address.as_mut_ptr() as u64,
            address.len() as u64,
            0,
            1,
            0,
            0,
            0,
        ];
        Self { parts, header }
    }

    pub(super) fn of(&mut self) -> Word<'_> {
        self.header[2] = self.parts.as_ptr() as u64;
        Word::from(&mut self.header[..])
    }
}

pub(super) fn send_message(fd: i32, address: &[u8]) -> c_long {
    let (mut address, mut data) = (address.to_vec(), *b"hello");
    let mut message = Message::new(&mut address, &mut data);
    call!(SYS_sendmsg, fd, message.of(), MSG_DONTWAIT)
}

pub(super) fn receive_message(fd: i32) -> c_long {
    let (mut address, mut data) = ([0_u8; 128], [0_u8; 64]);
    let mut message = Message::new(&mut address, &mut data);
    call!(SYS_recvmsg, fd, message.of(), MSG_DONTWAIT)
}

pub(super) fn receive_from(fd: i32, room: u32) -> c_long {
    let (mut address, mut data, mut length) = ([0_u8; 128], [0_u8; 64], [room]);
    let data = &mut data[..];
    let size = data.len();
    let (address, length) = (&mut address[..], &mut length[..]);
    call!(SYS_recvfrom, fd, data, size, MSG_DONTWAIT, address, length)
}
