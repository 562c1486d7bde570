//! Rules against io_uring_enter and the operations that ended inside it.

use bytes::Bytes;

use super::{events::enter, load};

#[test]
fn operations_inside_a_call() {
    let check = |rules: &str, record: bool, expect: &[Option<&str>]| {
        let verdict = load(rules).decide(&enter(&[(18, -11), (19, 0)]));
        assert_eq!(verdict.record, record, "{rules}");
        let shown = |(recorded, key): &(bool, Option<Bytes>)| {
            let key = key.as_deref().unwrap_or_default();
            recorded.then(|| String::from_utf8_lossy(key).into_owned())
        };
        let keys: Vec<_> = verdict.operations.iter().map(shown).collect();
        let keys: Vec<_> = keys.iter().map(Option::as_deref).collect();
        assert_eq!(keys, expect, "{rules}");
    };
    let enter = "-a always,exit -F arch=b64 -S io_uring_enter -k e";
    let close = "-a always,io_uring -S close -k c";
    check("", false, &[None, None]);
    check(enter, true, &[Some("e"), Some("e")]);
    check(close, true, &[None, Some("c")]);
    // Once found, a rule gives way to none that was loaded after it, and to one before only if that is asked.
    check(&format!("{close}\n{enter}"), true, &[Some("e"), Some("e")]);
    check(&format!("{enter}\n{close}"), true, &[Some("e"), Some("e")]);
    // The operation's result is the call's at that time.
    check(
        &format!("{enter} -F success=0"),
        true,
        &[Some("e"), Some("e")],
    );
    check(&format!("{enter} -F exit=7"), false, &[None, None]);
    let never = "-a never,io_uring -S openat";
    check(&format!("{never}\n{close}"), false, &[None, None]);
    check(&format!("{close}\n{never}"), true, &[None, Some("c")]);
}
