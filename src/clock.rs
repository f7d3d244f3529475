//! Moments: milliseconds since the Unix epoch inside, RFC 3339 in UTC where a person or a client sees them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::error::Problem;

/// A moment in milliseconds since the Unix epoch (1970-01-01T00:00:00Z).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(as = Time, description = "A moment (RFC 3339, UTC).", value_type = String, format = DateTime, example = "2030-01-31T12:00:00Z")]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The wall clock. A clock before 1970 reads as 1970.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// This moment, later by a duration.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment, earlier by a duration.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with milliseconds, in UTC; the year 9999 at most, which is where RFC 3339 ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST: i64 = 253_402_300_799_999;
        let nanoseconds = i128::from(self.0.clamp(0, LAST)) * 1_000_000;
        let moment =
            OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
            Problem::wrong_type("This must be a time like 2030-01-31T12:00:00Z (RFC 3339).")
        })?;
        let milliseconds = moment.unix_timestamp_nanos() / 1_000_000;
        Ok(Self(i64::try_from(milliseconds).unwrap_or(i64::MAX)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_what_it_writes() {
        for milliseconds in [0, 1_601_074_153_000, 1_790_000_000_123] {
            let moment = Timestamp(milliseconds);
            assert_eq!(moment.to_string().parse(), Ok(moment));
        }
        assert_eq!(
            Timestamp(1_601_074_153_000).to_string(),
            "2020-09-25T22:49:13Z"
        );
        assert_eq!(Timestamp(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_time_is_told_so() {
        for text in ["", "tomorrow", "2030-01-31", "1790000000"] {
            assert_eq!(
                text.parse::<Timestamp>().unwrap_err().code,
                "wrong_type",
                "{text}"
            );
        }
    }
}
