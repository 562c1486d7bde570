//! Changes of packet filters: nf_tables over netlink (linux/netfilter/nf_tables.h), ip_tables by socket options
//! (linux/netfilter_ipv4/ip_tables.h). In a network namespace of their own, which ends with the child.

use libc::{AF_INET, AF_NETLINK, CLONE_NEWNET, SOCK_RAW, c_long};

use super::{
    as_nobody,
    call::{Word, call},
    closed, in_child,
    sockets::netlink,
};

const NETLINK_NETFILTER: i32 = 12;
/// NFNL_SUBSYS_NFTABLES
const NFTABLES: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// NFT_MSG_*
const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const DELETE_CHAIN: u16 = 5;
const NEW_SET: u16 = 9;
/// NFPROTO_*
const INET: u8 = 1;
const IPV4: u8 = 2;

/// An attribute, padded.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(0);
    let mut bytes = [length, kind].map(u16::to_ne_bytes).concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, format!("{value}\0").as_bytes())
}

/// nlmsghdr and nfgenmsg before attributes.
fn message(kind: u16, flags: u16, family: u8, resource: u16, attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + attributes.len()).unwrap_or(0);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([kind, 1 | flags].map(u16::to_ne_bytes).concat());
    bytes.extend([0; 8]);
    bytes.extend([family, 0]);
    bytes.extend(resource.to_be_bytes());
    bytes.extend(attributes);
    bytes
}

/// Changes as one batch: all or none.
fn batch(changes: &[(u16, u8, Vec<u8>)]) -> Vec<u8> {
    const CREATE: u16 = 0x400;
    let mut bytes = message(BATCH_BEGIN, 0, 0, NFTABLES, &[]);
    for (kind, family, attributes) in changes {
        let flags = match *kind {
            DELETE_TABLE | DELETE_CHAIN => 0,
            _ => CREATE,
        };
        bytes.extend(message(NFTABLES << 8 | kind, flags, *family, 0, attributes));
    }
    bytes.extend(message(BATCH_END, 0, 0, NFTABLES, &[]));
    bytes
}

fn send(fd: c_long, bytes: &[u8]) -> c_long {
    let kernel = &netlink(0, 0)[..];
    call!(SYS_sendto, fd, bytes, bytes.len(), 0, kernel, kernel.len())
}

pub(super) fn filters() {
    in_child(|| {
        call!(SYS_unshare, CLONE_NEWNET);
        tables();
        old_tables();
    });
}

fn tables() {
    let table = |kind, family, name| (kind, family, text(1, name));
    let chain = |kind, name: &str, chain| (kind, IPV4, [text(1, name), text(3, chain)].concat());
    // Of what can't be made, too: a set whose keys have no length.
    let set = |name| (NEW_SET, IPV4, [text(1, name), text(2, "set")].concat());
    let fd = call!(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    for changes in [
        &[table(NEW_TABLE, IPV4, "first")][..],
        &[table(NEW_TABLE, INET, "second")],
        &[chain(NEW_CHAIN, "first", "input")],
        &[
            chain(NEW_CHAIN, "first", "other"),
            chain(NEW_CHAIN, "first", "third"),
        ],
        &[
            table(NEW_TABLE, IPV4, "third"),
            chain(DELETE_CHAIN, "first", "other"),
            table(DELETE_TABLE, INET, "second"),
        ],
        &[chain(NEW_CHAIN, "missing", "input")],
        &[table(NEW_TABLE, IPV4, "fourth"), set("fourth")],
        &[table(DELETE_TABLE, IPV4, "missing")],
        &[table(DELETE_TABLE, IPV4, "first")],
        &[],
    ] {
        send(fd, &batch(changes));
    }
    let bytes = batch(&[table(NEW_TABLE, IPV4, "theirs")]);
    as_nobody(|| send(fd, &bytes));
    closed(fd);
}

/// IPT_SO_*: of the level SOL_IP.
const REPLACE: i32 = 64;
const INFO: i32 = 64;
const ENTRIES: i32 = 65;
/// XT_TABLE_MAXNAMELEN
const NAME: usize = 32;

/// The table of a name is made when it is first asked for; then it is replaced by itself.
fn old_tables() {
    let fd = call!(SYS_socket, AF_INET, SOCK_RAW, libc::IPPROTO_RAW);
    for name in [&b"filter"[..], b"filter", b"missing"] {
        // ipt_getinfo: hooks, five entries, five underflows, number, size.
        let mut info = vec![0_u8; NAME + 13 * 4];
        info[..name.len()].copy_from_slice(name);
        get(fd, INFO, &mut info);
        let size = u32::from_ne_bytes(info[info.len() - 4..].try_into().unwrap_or_default());
        // ipt_get_entries: size, padding.
        let mut entries = vec![0_u8; NAME + 8];
        entries[..NAME].copy_from_slice(&info[..NAME]);
        entries[NAME..NAME + 4].copy_from_slice(&size.to_ne_bytes());
        entries.resize(entries.len() + size as usize, 0);
        get(fd, ENTRIES, &mut entries);
        replace(fd, &info, &entries[NAME + 8..]);
    }
    closed(fd);
}

fn get(fd: c_long, option: i32, value: &mut [u8]) {
    let mut length = [u32::try_from(value.len()).unwrap_or(0)];
    let (value, length) = (Word::from(value), Word::from(&mut length[..]));
    call!(SYS_getsockopt, fd, libc::SOL_IP, option, value, length);
}

/// ipt_replace: name, hooks, number, size, entries and underflows, counters, then the entries.
fn replace(fd: c_long, info: &[u8], entries: &[u8]) {
    let at = |word: usize| &info[NAME + 4 * word..NAME + 4 * (word + 1)];
    let number = u32::from_ne_bytes(at(11).try_into().unwrap_or_default());
    // xt_counters: packets and bytes of each entry that there was.
    let mut counters = vec![0_u64; 2 * number as usize + 2];
    let mut bytes = info[..NAME].to_vec();
    bytes.extend([at(0), at(11), at(12)].concat());
    bytes.extend(&info[NAME + 4..NAME + 4 * 11]);
    bytes.extend(number.to_ne_bytes());
    let place = Word::from(&mut counters[..]);
    bytes.extend(place.value().to_ne_bytes());
    bytes.extend(entries);
    let length = bytes.len();
    let bytes = Word::from(&mut bytes[..]);
    call!(SYS_setsockopt, fd, libc::SOL_IP, REPLACE, bytes, length);
}
