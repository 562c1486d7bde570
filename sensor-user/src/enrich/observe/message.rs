//! What programs tell audit of sign-ins and accounts: `op=PAM:authentication acct="root" …`
//! (audit-userspace's lib/audit_logging.c). Claims: whoever may send messages may say anything.

use auklet_rules::{Category, FieldId, Observation, Value, id};
use bytes::Bytes;

use super::bytes;
use crate::{
    event::Message,
    records::types,
    replay::fields::{Value as Word, fields},
};

/// Types of audit-userspace's lib/audit-records.h, by number.
fn category(kind: u16) -> Option<Category> {
    match kind {
        // USER_AUTH, USER_ACCT, CRED_ACQ, CRED_DISP, USER_START, USER_END, USER_ERR, CRED_REFR,
        // USER_LOGIN, USER_LOGOUT, USER_CMD, GRP_AUTH; ANOM_LOGIN_*
        1100 | 1101 | 1103..=1106 | 1109 | 1110 | 1112 | 1113 | 1123 | 1126 | 2100..=2104 => {
            Some(Category::Authentication)
        }
        // USER_MGMT, USER_CHAUTHTOK, ADD_USER … DEL_GROUP, CHGRP_ID, CHUSER_ID, GRP_MGMT,
        // GRP_CHAUTHTOK, ACCT_LOCK, ACCT_UNLOCK
        1102 | 1108 | 1114..=1117 | 1119 | 1125 | 1132 | 1133 | 1135 | 1136 => {
            Some(Category::AccountChange)
        }
        _ => None,
    }
}

pub(super) fn told(message: &Message) -> Option<Observation> {
    let mut observation = Observation::new(category(message.kind)?);
    let kind = types::name(message.kind);
    observation.set(id!("MessageType"), bytes(kind.as_bytes()));
    observation.set(id!("Message"), bytes(&message.text));
    if let Some(operation) = operation(&message.text) {
        observation.set(id!("Operation"), bytes(operation));
    }
    for (name, value) in fields(&message.text) {
        match name {
            b"acct" => text(id!("Account"), value, &message.text, &mut observation),
            b"id" => {
                if let Some(id) = value.id() {
                    observation.set(id!("AccountId"), Value::Int(id.into()));
                }
            }
            b"grp" => text(id!("Group"), value, &message.text, &mut observation),
            b"exe" => text(id!("ClaimedImage"), value, &message.text, &mut observation),
            b"cmd" => text(id!("Command"), value, &message.text, &mut observation),
            b"hostname" => plain(id!("SourceHostname"), value, &mut observation),
            b"addr" => plain(id!("SourceIp"), value, &mut observation),
            b"terminal" => plain(id!("ClaimedTerminal"), value, &mut observation),
            b"grantors" => plain(id!("Grantors"), value, &mut observation),
            b"res" => {
                let success = matches!(value.text(), b"success" | b"yes" | b"1");
                observation.set(id!("Success"), Value::Bool(success));
            }
            _ => {}
        }
    }
    Some(observation)
}

/// What `op=` says, up to the next `name=`: shadow's are of several words.
pub(super) fn operation(text: &[u8]) -> Option<&[u8]> {
    let at = text.windows(3).position(|w| w == b"op=")?;
    if at > 0 && text[at - 1] != b' ' {
        return None;
    }
    let rest = &text[at + 3..];
    let mut end = 0;
    for word in rest.split_inclusive(|b| *b == b' ') {
        if end > 0 && word.contains(&b'=') {
            break;
        }
        end += word.len();
    }
    Some(rest[..end].trim_ascii().trim_matches_quotes())
}

trait Unquoted {
    fn trim_matches_quotes(&self) -> &Self;
}

impl Unquoted for [u8] {
    fn trim_matches_quotes(&self) -> &Self {
        let inner = self.strip_prefix(b"\"").and_then(|s| s.strip_suffix(b"\""));
        inner.unwrap_or(self)
    }
}

/// A string that may be in hexadecimal.
fn text(field: FieldId, value: Word<'_>, home: &Bytes, observation: &mut Observation) {
    if let Some(text) = value.untrusted(home).filter(|text| &text[..] != b"?") {
        observation.set(field, bytes(&text));
    }
}

/// A word that is not; `?` says that the program does not know.
fn plain(field: FieldId, value: Word<'_>, observation: &mut Observation) {
    let text = value.text();
    if !matches!(text, b"?" | b"(null)" | b"") {
        observation.set(field, bytes(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, text: &'static str) -> Option<Observation> {
        told(&Message {
            kind,
            text: Bytes::from_static(text.as_bytes()),
        })
    }

    #[test]
    fn what_programs_say() {
        let login = "op=login acct=726F6F74 exe=\"/usr/sbin/sshd\" hostname=h addr=192.0.2.7 terminal=ssh res=failed";
        let seen = message(1112, login).expect("an observation");
        assert_eq!(seen.category, Category::Authentication);
        for (field, expect) in [
            (id!("MessageType"), "USER_LOGIN"),
            (id!("Operation"), "login"),
            (id!("Account"), "root"),
            (id!("ClaimedImage"), "/usr/sbin/sshd"),
            (id!("SourceIp"), "192.0.2.7"),
            (id!("SourceHostname"), "h"),
            (id!("Message"), login),
        ] {
            assert_eq!(
                seen.get(field),
                Some(&bytes(expect.as_bytes())),
                "{field:?}"
            );
        }
        assert_eq!(seen.get(id!("Success")), Some(&Value::Bool(false)));
    }

    #[test]
    fn operations_of_several_words() {
        let text =
            "op=adding user to group acct=\"eve\" grp=\"sudo\" id=7 hostname=? addr=? res=success";
        let seen = message(1132, text).expect("an observation");
        assert_eq!(seen.category, Category::AccountChange);
        assert_eq!(
            seen.get(id!("Operation")),
            Some(&bytes(b"adding user to group"))
        );
        assert_eq!(seen.get(id!("Group")), Some(&bytes(b"sudo")));
        assert_eq!(seen.get(id!("AccountId")), Some(&Value::Int(7)));
        assert_eq!(seen.get(id!("SourceIp")), None);
        assert!(message(1130, "unit=x").is_none());
        assert_eq!(operation(b"stop=1"), None);
        assert_eq!(operation(b"op="), Some(&b""[..]));
    }
}
