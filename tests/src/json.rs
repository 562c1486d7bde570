//! Reading the sensor's JSON: byte strings, and comparisons that say what differs.

use anyhow::{Result, bail};
use serde_json::Value;

/// A byte string: a JSON string, or `{"hex": …}`.
pub(crate) fn bytes(value: &Value) -> Option<Vec<u8>> {
    if let Some(text) = value.as_str() {
        return Some(text.as_bytes().to_vec());
    }
    let hex = value.get("hex")?.as_str()?;
    let digit = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Fails unless a field has this number.
pub(crate) fn same_number(value: &Value, pointer: &str, expect: i64) -> Result<()> {
    let got = value.pointer(pointer).and_then(Value::as_i64);
    if got != Some(expect) {
        bail!("{pointer}: expected {expect}, got {got:?}");
    }
    Ok(())
}

/// Fails unless a field has these bytes.
pub(crate) fn same_bytes(value: &Value, pointer: &str, expect: &[u8]) -> Result<()> {
    let got = value.pointer(pointer).and_then(bytes);
    if got.as_deref() != Some(expect) {
        bail!(
            "{pointer}: expected {:?}, got {:?}",
            shown(expect),
            got.map(|g| shown(&g))
        );
    }
    Ok(())
}

/// Fails unless a field is this truth.
pub(crate) fn same_bool(value: &Value, pointer: &str, expect: bool) -> Result<()> {
    let got = value.pointer(pointer).and_then(Value::as_bool);
    if got != Some(expect) {
        bail!("{pointer}: expected {expect}, got {got:?}");
    }
    Ok(())
}

/// Fails unless a field is missing or null.
pub(crate) fn absent(value: &Value, pointer: &str) -> Result<()> {
    match value.pointer(pointer) {
        None | Some(Value::Null) => Ok(()),
        Some(got) => bail!("{pointer}: expected nothing, got {got}"),
    }
}

fn shown(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    if text.len() > 200 {
        format!("{}… ({} bytes)", &text[..200], bytes.len())
    } else {
        text
    }
}
