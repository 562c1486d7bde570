//! Connections: connect and accept, with the address that the kernel took or gave.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auklet_rules::{Category, Observation, Value, id};

use super::{bytes, int, low32};
use crate::event::{Aux, Event, Syscall};

pub(super) const CALLS: &[&str] = &["connect", "accept", "accept4", "socketcall"];

/// SYS_CONNECT, SYS_ACCEPT and SYS_ACCEPT4 of include/uapi/linux/net.h: what a socketcall is for.
pub(crate) const SOCKETCALLS: [u32; 3] = [3, 5, 18];

/// AF_INET, AF_INET6.
const INET: u16 = 2;
const INET6: u16 = 10;

/// An address of the internet, and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) ip: IpAddr,
    pub(super) port: u16,
}

impl Address {
    /// From a `struct sockaddr`; `None` for another family, or too short a one.
    pub(super) fn parse(address: &[u8]) -> Option<Self> {
        let family = u16::from_le_bytes(*address.first_chunk()?);
        let port = u16::from_be_bytes(*address.get(2..)?.first_chunk()?);
        let ip = match family {
            INET => {
                let host: [u8; 4] = *address.get(4..)?.first_chunk()?;
                Ipv4Addr::from(host).into()
            }
            INET6 => {
                let host: [u8; 16] = *address.get(8..)?.first_chunk()?;
                // IPv4 in IPv6 is IPv4: ranges and equalities must hold for it.
                Ipv6Addr::from(host).to_canonical()
            }
            _ => return None,
        };
        Some(Self { ip, port })
    }
}

/// A connect, whatever came of it; an accept that succeeded.
pub(super) fn connection(event: &Event, call: &Syscall, name: &str) -> Option<Observation> {
    let operation = operation(call, name)?;
    let address = event.aux.iter().find_map(|aux| match aux {
        Aux::Sockaddr(address) => Address::parse(address),
        _ => None,
    })?;
    let initiated = operation == "connect";
    if !initiated && !call.success() {
        return None;
    }
    let ip = address.ip.to_string().into_bytes();
    let mut fields = Observation::new(Category::NetworkConnection);
    fields.set(id!("Operation"), bytes(operation.as_bytes()));
    fields.set(id!("Initiated"), Value::Bool(initiated));
    if initiated {
        fields.set(id!("DestinationIp"), Value::Bytes(ip));
        fields.set(id!("DestinationPort"), int(address.port));
        fields.set(id!("DestinationIsIpv6"), Value::Bool(address.ip.is_ipv6()));
    } else {
        fields.set(id!("SourceIp"), Value::Bytes(ip));
        fields.set(id!("SourcePort"), int(address.port));
    }
    Some(fields)
}

fn operation(call: &Syscall, name: &str) -> Option<&'static str> {
    match (name, low32(call.args[0])) {
        ("connect", _) | ("socketcall", 3) => Some("connect"),
        ("accept" | "accept4", _) | ("socketcall", 5 | 18) => Some("accept"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expect: Option<(&str, u16)>) {
        let bytes = hex::decode(address).expect("hexadecimal");
        let parsed = Address::parse(&bytes).map(|a| (a.ip.to_string(), a.port));
        assert_eq!(parsed, expect.map(|(ip, port)| (ip.to_owned(), port)));
        for len in 0..bytes.len() {
            let _shorter = Address::parse(&bytes[..len]);
        }
    }

    #[test]
    fn addresses() {
        check(
            "02000050c0a801020000000000000000",
            Some(("192.168.1.2", 80)),
        );
        let six = "0a0001bb00000000";
        check(
            &format!("{six}20010db800000000000000000000000100000000"),
            Some(("2001:db8::1", 443)),
        );
        check(
            &format!("{six}00000000000000000000ffff7f00000100000000"),
            Some(("127.0.0.1", 443)),
        );
        check("01002f746d702f78", None);
        check("0200", None);
        check("", None);
    }
}
