//! SOCKADDR's address in words: audit-userspace's auparse/interpret.c (print_sockaddr), with the
//! family names of auparse/famtab.h.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::encode::{hexadecimal, is_control, plain};

/// Longest path: sockaddr_un's sun_path.
const PATH: usize = 108;

/// AF_* of include/linux/socket.h, by number.
const FAMILIES: [&str; 46] = [
    "",
    "local",
    "inet",
    "ax25",
    "ipx",
    "appletalk",
    "netrom",
    "bridge",
    "atmpvc",
    "x25",
    "inet6",
    "rose",
    "decnet",
    "netbeui",
    "security",
    "key",
    "netlink",
    "packet",
    "ash",
    "econet",
    "atmsvc",
    "rds",
    "sna",
    "irda",
    "pppox",
    "wanpipe",
    "llc",
    "ib",
    "mpls",
    "can",
    "tipc",
    "bluetooth",
    "iucv",
    "rxrpc",
    "isdn",
    "phonet",
    "ieee802154",
    "caif",
    "alg",
    "nfc",
    "vsock",
    "kcm",
    "qipcrtr",
    "smc",
    "xdp",
    "mctp",
];

/// Appends what the hexadecimal `value` of `saddr=` is.
pub(super) fn decode(value: &[u8], out: &mut Vec<u8>) {
    let Ok(address) = hex::decode(value) else {
        let value = value.escape_ascii();
        return plain(out, format_args!("malformed-host({value})"));
    };
    let family = match address.first_chunk() {
        Some(family) => u16::from_le_bytes(*family),
        None => 0,
    };
    let name = FAMILIES
        .get(usize::from(family))
        .filter(|name| !name.is_empty());
    let Some(name) = name else {
        return plain(out, format_args!("unknown-family({family})"));
    };
    plain(out, format_args!("{{ saddr_fam={name} "));
    match *name {
        "local" => local(&address, out),
        "inet" => inet(&address, out),
        "inet6" => inet6(&address, out),
        "netlink" => netlink(&address, out),
        // auparse also knows four families that no current kernel speaks by default.
        _ => out.extend_from_slice(b"(unsupported)"),
    }
    out.extend_from_slice(b" }");
}

/// auparse prints what the caller passed; whatever could end the line or the braces is in hexadecimal
/// here, as in audit's other strings. The first byte of an abstract name is a NUL, which no one prints.
fn local(address: &[u8], out: &mut Vec<u8>) {
    if address.len() == 2 {
        return out.extend_from_slice(b"unnamed socket");
    }
    if address.len() < 4 {
        return out.extend_from_slice(b"sockaddr len too short");
    }
    let path = &address[2..address.len().min(2 + PATH)];
    let path = path.strip_prefix(&[0]).unwrap_or(path);
    let path = path.split(|b| *b == 0).next().unwrap_or_default();
    out.extend_from_slice(b"path=");
    if path.iter().any(|b| is_control(*b) || b"{}".contains(b)) {
        hexadecimal(out, path);
    } else {
        out.extend_from_slice(path);
    }
}

/// `N` bytes at `at`.
fn part<const N: usize>(address: &[u8], at: usize) -> Option<[u8; N]> {
    address.get(at..)?.first_chunk().copied()
}

fn inet(address: &[u8], out: &mut Vec<u8>) {
    match (part(address, 2), part::<4>(address, 4), address.len() >= 16) {
        (Some(port), Some(host), true) => plain(
            out,
            format_args!(
                "laddr={} lport={}",
                Ipv4Addr::from(host),
                u16::from_be_bytes(port)
            ),
        ),
        _ => out.extend_from_slice(b"sockaddr len too short"),
    }
}

fn inet6(address: &[u8], out: &mut Vec<u8>) {
    let parts = (part(address, 2), part::<16>(address, 8), part(address, 24));
    let (Some(port), Some(host), Some(scope)) = parts else {
        return out.extend_from_slice(b"sockaddr6 len too short");
    };
    let host = Ipv6Addr::from(host);
    out.extend_from_slice(b"laddr=");
    match host.segments() {
        // ::1.2.3.4, as inet_ntop(3) writes it and Rust does not.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            let host = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
            plain(out, format_args!("::{host}"));
        }
        _ => plain(out, format_args!("{host}")),
    }
    let scope = u32::from_le_bytes(scope);
    if scope != 0 {
        plain(out, format_args!("%{scope}"));
    }
    plain(out, format_args!(" lport={}", u16::from_be_bytes(port)));
}

fn netlink(address: &[u8], out: &mut Vec<u8>) {
    match (part(address, 4), address.len() >= 12) {
        (Some(pid), true) => {
            let pid = u32::from_le_bytes(pid);
            plain(out, format_args!("nlnk-fam=16 nlnk-pid={pid}"));
        }
        _ => out.extend_from_slice(b"len too short"),
    }
}
