//! Times of files that a call set.

use auklet_rules::{Category, Observation, Value, id};

use super::{Enricher, bytes, file, int64};
use crate::event::{Event, FileFacts, Utime};

pub(super) fn set(enricher: &mut Enricher, event: &Event, utime: &Utime) -> Option<Observation> {
    if !event.success() {
        return None;
    }
    let target = utime.target.as_ref()?;
    let mut fields = Observation::new(Category::FileTimestamp);
    fields.set(id!("TargetFilename"), bytes(target.resolved.as_ref()?));
    file::describe(target, &mut fields);
    let now = i64::try_from(event.time_ns / 1_000_000_000).unwrap_or(i64::MAX);
    fields.set(id!("ExplicitMtime"), Value::Bool(utime.set_mtime));
    if let Some(old) = &utime.old {
        fields.set(id!("OldMtime"), Value::Int(old.mtime.0));
        fields.set(id!("OldAtime"), Value::Int(old.atime.0));
        fields.set(
            id!("ChangedSecondsAgo"),
            Value::Int(now.saturating_sub(old.ctime.0)),
        );
    }
    if let Some(new) = &utime.new {
        fields.set(id!("NewMtime"), Value::Int(new.mtime.0));
        fields.set(id!("NewAtime"), Value::Int(new.atime.0));
        fields.set(
            id!("MtimeAgeSeconds"),
            Value::Int(now.saturating_sub(new.mtime.0)),
        );
        let path: &[u8] = target.resolved.as_deref().unwrap_or_default();
        if let Some(reference) = utime
            .set_mtime
            .then(|| enricher.references.find(new.mtime, path))
            .flatten()
        {
            fields.set(id!("ReferencePath"), bytes(reference));
        }
    }
    creator_fields(enricher, event, target.file.as_ref(), &mut fields);
    Some(fields)
}

fn creator_fields(
    enricher: &Enricher,
    event: &Event,
    file: Option<&FileFacts>,
    fields: &mut Observation,
) {
    let creation = file.and_then(|file| enricher.creators.of(file));
    let by_actor =
        creation.is_some_and(|c| c.pid == event.who.pid && c.start_ns == event.who.start_ns);
    fields.set(id!("CreatorKnown"), Value::Bool(creation.is_some()));
    fields.set(id!("CreatedByActor"), Value::Bool(by_actor));
    let ago = creation.map(|c| event.time_ns.saturating_sub(c.time_ns) / 1_000_000_000);
    fields.set(id!("CreatedSecondsAgo"), ago.map_or(Value::Int(-1), int64));
    if let Some(creation) = creation {
        fields.set(id!("CreatorImage"), bytes(&creation.exe));
        fields.set(id!("CreatorCommandLine"), bytes(&creation.command_line));
    }
}
