//! `|minute` to `|year`: a number out of a date, in UTC.
//!
//! "Warning: It is not designed to handle timezone or format conversions." A number is a time in
//! Unix seconds; a text is one of ISO 8601, like `2026-11-30T20:15:00`, with `T` or a space, and is in
//! UTC where it has no offset.
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::sigma::modifier::Modifier;

/// The part of the date that a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Minute,
    Hour,
    Day,
    /// Of ISO 8601: the first one has the year's first Thursday.
    Week,
    Month,
    Year,
}

impl Part {
    pub(crate) fn of(modifier: Modifier) -> Option<Self> {
        Some(match modifier {
            Modifier::Minute => Self::Minute,
            Modifier::Hour => Self::Hour,
            Modifier::Day => Self::Day,
            Modifier::Week => Self::Week,
            Modifier::Month => Self::Month,
            Modifier::Year => Self::Year,
            _ => return None,
        })
    }

    /// Of Unix seconds; none for a time that no calendar has.
    pub(crate) fn of_seconds(self, seconds: i64) -> Option<i64> {
        let time = Timestamp::from_second(seconds).ok()?;
        Some(self.take(TimeZone::UTC.to_datetime(time)))
    }

    /// Of a text that is a date.
    pub(crate) fn of_text(self, text: &[u8]) -> Option<i64> {
        let text = std::str::from_utf8(text).ok()?;
        if let Ok(time) = text.parse::<Timestamp>() {
            return Some(self.take(TimeZone::UTC.to_datetime(time)));
        }
        Some(self.take(text.parse().ok()?))
    }

    fn take(self, time: DateTime) -> i64 {
        match self {
            Self::Minute => time.minute().into(),
            Self::Hour => time.hour().into(),
            Self::Day => time.day().into(),
            Self::Week => time.date().iso_week_date().week().into(),
            Self::Month => time.month().into(),
            Self::Year => time.year().into(),
        }
    }
}
