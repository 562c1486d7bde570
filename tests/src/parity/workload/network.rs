//! socket, socketpair, bind, connect, listen, accept, accept4, sendto, sendmsg, sendmmsg, recvfrom, recvmsg,
//! getsockname, getpeername, setsockopt, getsockopt, shutdown: over inet, inet6, unix and netlink.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Result;
use libc::{
    AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, MSG_DONTWAIT, SHUT_RDWR, SO_REUSEADDR, SOCK_DGRAM,
    SOCK_NONBLOCK, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET, c_long,
};

use super::{
    as_nobody, c,
    call::{BAD, NULL, Word, call},
    closed, compat, in_child, renew,
    sockets::{
        Message, bind, close, connect, inet, inet6, netlink, receive_from, receive_message,
        send_message, send_to, socket, unix, unix_full,
    },
    unseen,
};

/// Nobody listens there: below the ports that are given out.
const CLOSED: u16 = 81;
/// Of this workload; in host order.
const PORT: u16 = 7747;

/// What the kernel answers with an address.
const NAMED: &[fn(i32, Word<'_>, Word<'_>) -> c_long] = &[
    |fd, address, length| call!(SYS_getsockname, fd, address, length),
    |fd, address, length| call!(SYS_getpeername, fd, address, length),
    |fd, address, length| call!(SYS_accept, fd, address, length),
    |fd, address, length| call!(SYS_accept4, fd, address, length, SOCK_NONBLOCK),
];

/// One of them, with room for any address, for some of it, for none.
fn named(fd: i32, op: fn(i32, Word<'_>, Word<'_>) -> c_long, room: u32) -> c_long {
    let mut address = [0_u8; 128];
    let mut length = [room];
    op(
        fd,
        Word::from(&mut address[..]),
        Word::from(&mut length[..]),
    )
}

pub(super) fn network(dir: &Path) -> Result<()> {
    sockets();
    for (here, kind) in [
        (inet([127, 0, 0, 1], PORT), AF_INET),
        (inet6(1, PORT), AF_INET6),
    ] {
        streams(kind, &here);
        datagrams(kind, &here);
    }
    refused();
    streams(AF_UNIX, &unix_full("stream"));
    fs::remove_file("stream")?;
    datagrams(AF_UNIX, &unix("datagram"));
    fs::remove_file("datagram")?;
    streams(AF_UNIX, &unix(b"\0parity-stream"));
    datagrams(AF_UNIX, &unix_full(b"\0parity-datagram"));
    paths(dir)?;
    unnamed();
    netlinks();
    bad_addresses();
    in_chroot(dir);
    super::filters::filters();
    compat::calls(dir, compat::NETWORK)?;
    renew(dir)
}

/// Every kind, and no kind.
fn sockets() {
    for (family, kind, protocol) in [
        (AF_INET, SOCK_STREAM, 0),
        (AF_INET, SOCK_RAW, 1),
        (AF_INET6, SOCK_DGRAM, 17),
        (AF_UNIX, SOCK_SEQPACKET, 0),
        (AF_NETLINK, SOCK_RAW, 0),
        (libc::AF_PACKET, SOCK_RAW, 0),
        (libc::AF_ALG, SOCK_SEQPACKET, 0),
        (libc::AF_VSOCK, SOCK_STREAM, 0),
        (AF_INET, 77, 0),
        (AF_INET, SOCK_STREAM, 17),
        (0, SOCK_STREAM, 0),
        (-1, SOCK_STREAM, 0),
        (AF_NETLINK, SOCK_RAW, 77),
    ] {
        closed(call!(SYS_socket, family, kind, protocol));
        as_nobody(|| call!(SYS_socket, family, kind, protocol));
    }
    for family in [AF_UNIX, AF_INET] {
        let mut pair = [-1_i32; 2];
        call!(SYS_socketpair, family, SOCK_STREAM, 0, &mut pair[..]);
        pair.into_iter().for_each(close);
    }
    call!(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD);
}

/// A server and its client in one process: nothing waits for the other.
fn streams(family: i32, here: &[u8]) {
    let (server, client) = (socket(family, SOCK_STREAM), socket(family, SOCK_STREAM));
    let one = &1_u32.to_ne_bytes()[..];
    call!(
        SYS_setsockopt,
        server,
        SOL_SOCKET,
        SO_REUSEADDR,
        one,
        one.len()
    );
    call!(SYS_listen, server, 1);
    bind(server, here);
    bind(server, here);
    call!(SYS_listen, server, 4);
    let second = socket(family, SOCK_STREAM);
    bind(second, here);
    // Nobody has come yet.
    named(server, NAMED[2], 128);
    connect(client, here);
    connect(client, here);
    let accepted = named(server, NAMED[2], 128);
    let accepted = i32::try_from(accepted).unwrap_or(-1);
    connect(second, here);
    closed(named(server, NAMED[3], 4));
    let third = socket(family, SOCK_STREAM);
    connect(third, here);
    closed(call!(SYS_accept, server, NULL, NULL));
    for op in &NAMED[..2] {
        for fd in [server, client, accepted] {
            named(fd, *op, 128);
            named(fd, *op, 1);
        }
    }
    exchange(client, accepted, here);
    for fd in [server, client, second, third, accepted] {
        close(fd);
    }
}

/// What is sent over a connection, and its end.
fn exchange(client: i32, accepted: i32, here: &[u8]) {
    let data = &b"hello"[..];
    call!(SYS_sendto, client, data, data.len(), MSG_DONTWAIT, NULL, 0);
    receive_from(accepted, 128);
    receive_from(accepted, 128);
    send_message(accepted, &[]);
    receive_message(client);
    send_to(client, here);
    let mut value = [0_u8; 4];
    let mut length = [4_u32];
    let (value, length) = (&mut value[..], &mut length[..]);
    call!(
        SYS_getsockopt,
        client,
        SOL_SOCKET,
        libc::SO_ERROR,
        value,
        length
    );
    call!(SYS_setsockopt, client, SOL_SOCKET, 9999, NULL, 0);
    call!(SYS_shutdown, client, SHUT_RDWR);
    call!(SYS_shutdown, client, 77);
    as_nobody(|| send_to(client, here));
}

fn datagrams(family: i32, here: &[u8]) {
    let (server, client) = (socket(family, SOCK_DGRAM), socket(family, SOCK_DGRAM));
    send_to(client, here);
    bind(server, here);
    send_to(client, here);
    receive_from(server, 128);
    send_message(client, here);
    receive_message(server);
    let mut messages = [0_u64; 8];
    let (mut address, mut data) = (here.to_vec(), *b"hello");
    let mut message = Message::new(&mut address, &mut data);
    let _filled = message.of();
    messages[..7].copy_from_slice(&message.header);
    call!(SYS_sendmmsg, client, &mut messages[..], 1, MSG_DONTWAIT);
    receive_from(server, 3);
    receive_from(server, 128);
    receive_message(server);
    connect(client, here);
    named(client, NAMED[1], 128);
    send_message(client, &[]);
    receive_from(server, 0);
    // To no family: the connection ends.
    connect(client, &[0; 16]);
    call!(SYS_listen, server, 1);
    named(server, NAMED[2], 128);
    close(server);
    send_to(client, here);
    close(client);
}

fn refused() {
    for (family, address) in [
        (AF_INET, inet([127, 0, 0, 1], CLOSED)),
        (AF_INET6, inet6(1, CLOSED)),
        (AF_INET, inet([203, 0, 113, 1], CLOSED)),
        (AF_INET, inet([255; 4], CLOSED)),
        (AF_INET, inet6(1, CLOSED)),
        (AF_INET6, inet([127, 0, 0, 1], CLOSED)),
        (AF_INET, unix("file")),
        (AF_UNIX, inet([127, 0, 0, 1], CLOSED)),
    ] {
        for kind in [SOCK_STREAM, SOCK_DGRAM] {
            let fd = socket(family, kind);
            connect(fd, &address);
            send_to(fd, &address);
            close(fd);
        }
        let fd = socket(family, SOCK_STREAM);
        as_nobody(|| bind(fd, &address));
        bind(
            fd,
            &[&address[..2], &[0, 0, 203, 0, 113, 1], &[0; 8]].concat(),
        );
        close(fd);
    }
}

/// A directory that is nobody else's.
fn locked() -> Result<()> {
    unseen(|| {
        fs::create_dir("locked")?;
        fs::set_permissions("locked", fs::Permissions::from_mode(0o700))?;
        Ok(())
    })
}

/// Names in the file system.
fn paths(dir: &Path) -> Result<()> {
    locked()?;
    let mut names: Vec<Vec<u8>> = [
        "socket",
        "sub/socket",
        "dirlink/socket",
        "file",
        "sub",
        "link",
        "dangling",
        "missing/socket",
        "file/below",
        "locked/socket",
        "socket/",
        "with space",
        "with\nnewline",
        "caf\u{e9}",
    ]
    .map(|name| name.as_bytes().to_vec())
    .into();
    names.push(b"\xff\xfe".to_vec());
    names.push(dir.join("absolute").into_os_string().into_encoded_bytes());
    names.extend([107, 108].map(|length| vec![b's'; length]));
    for name in names {
        for full in [false, true] {
            let address = if full { unix_full(&name) } else { unix(&name) };
            let (server, client) = (socket(AF_UNIX, SOCK_STREAM), socket(AF_UNIX, SOCK_STREAM));
            connect(client, &address);
            as_nobody(|| bind(server, &address));
            bind(server, &address);
            connect(client, &address);
            call!(SYS_listen, server, 4);
            as_nobody(|| connect(client, &address));
            connect(client, &address);
            bind(client, &address);
            close(server);
            close(client);
        }
        renew(dir)?;
        locked()?;
    }
    Ok(())
}

/// Of no name, and of a name that the kernel gives.
fn unnamed() {
    let fd = socket(AF_UNIX, SOCK_STREAM);
    named(fd, NAMED[0], 128);
    named(fd, NAMED[1], 128);
    bind(fd, &unix(""));
    connect(fd, &unix(""));
    close(fd);
    let mut pair = [-1_i32; 2];
    call!(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, &mut pair[..]);
    send_message(pair[0], &[]);
    receive_from(pair[1], 128);
    named(pair[0], NAMED[1], 128);
    pair.into_iter().for_each(close);
}

fn netlinks() {
    let fd = socket(AF_NETLINK, SOCK_RAW);
    bind(fd, &netlink(0, 0));
    bind(fd, &netlink(77, 0));
    connect(fd, &netlink(0, 0));
    // RTM_GETLINK, to be dumped, without more: linux/netlink.h `nlmsghdr`.
    let request = [20_u32, 0x301 << 16 | 18, 1, 0, 0]
        .map(u32::to_ne_bytes)
        .concat();
    let (request, kernel) = (&request[..], &netlink(0, 0)[..]);
    call!(
        SYS_sendto,
        fd,
        request,
        request.len(),
        0,
        kernel,
        kernel.len()
    );
    receive_from(fd, 128);
    send_to(fd, &netlink(0, 1));
    close(fd);
}

fn bad_addresses() {
    let address = inet([127, 0, 0, 1], CLOSED);
    let here = &address[..];
    let ops: [fn(i32, Word<'_>, Word<'_>) -> c_long; 3] = [
        |fd, address, length| call!(SYS_bind, fd, address, length),
        |fd, address, length| call!(SYS_connect, fd, address, length),
        |fd, address, length| call!(SYS_sendto, fd, c"hello", 5, MSG_DONTWAIT, address, length),
    ];
    let file = call!(SYS_openat, libc::AT_FDCWD, c"file", libc::O_RDWR);
    let file = i32::try_from(file).unwrap_or(-1);
    for kind in [AF_INET, AF_INET6, AF_UNIX, AF_NETLINK] {
        let fd = socket(kind, SOCK_DGRAM);
        for op in ops {
            for length in [0, 1, 2, 3, 15] {
                op(fd, Word::from(here), Word::from(length));
            }
            op(fd, Word::from(here), Word::from(129));
            op(fd, Word::from(here), Word::from(-1));
            op(fd, NULL, Word::from(16));
            op(fd, BAD, Word::from(16));
        }
        close(fd);
    }
    let stream = socket(AF_INET, SOCK_STREAM);
    for fd in [9999, -1, file, stream] {
        for op in NAMED {
            named(fd, *op, 128);
            op(fd, BAD, BAD);
        }
        for op in ops {
            op(fd, Word::from(here), Word::from(here.len()));
        }
        send_message(fd, here);
        receive_message(fd);
        receive_from(fd, 128);
        call!(SYS_listen, fd, 1);
        call!(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, BAD, 4);
        call!(SYS_shutdown, fd, SHUT_RDWR);
        call!(SYS_sendmsg, fd, BAD, 0);
    }
    close(stream);
    close(file);
}

fn in_chroot(dir: &Path) {
    let root = c(dir);
    in_child(|| {
        call!(SYS_chroot, &root);
        call!(SYS_chdir, c"/sub");
        for name in ["/rooted", "rooted"] {
            let (server, client) = (socket(AF_UNIX, SOCK_STREAM), socket(AF_UNIX, SOCK_STREAM));
            bind(server, &unix_full(name));
            call!(SYS_listen, server, 1);
            connect(client, &unix_full(name));
            connect(client, &unix_full("/missing"));
        }
    });
}
