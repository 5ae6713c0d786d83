//! Conditions that come as text.

use std::str::FromStr;

use causeway_model::Timestamp;

use crate::error::ApiError;

/// The answer when conditions contradict what the caller may see.
pub(crate) const NOTHING: &[u8] = &[];

/// States of a comma list; names that nobody knows match nothing.
pub(crate) fn states_in<S: FromStr>(list: &str) -> Vec<S> {
    list.split(',')
        .filter_map(|it| it.trim().parse().ok())
        .collect()
}

/// Begin of a window of `hours[:minutes]` that ends now.
pub(crate) fn time_window(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let wrong = || ApiError::bad_request("Invalid time_window value, expecting hours[:minutes]");
    let (hours, minutes) = text.trim().split_once(':').unwrap_or((text.trim(), "0"));
    let hours: u32 = hours.parse().map_err(|_| wrong())?;
    let minutes: u32 = minutes.parse().map_err(|_| wrong())?;
    let millis = (i64::from(hours) * 60 + i64::from(minutes)) * 60_000;
    Ok(now.plus_millis(-millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_model::JobState;

    #[test]
    fn windows_and_states() {
        let now = Timestamp(10_000_000);
        assert_eq!(time_window("1:30", now).unwrap(), Timestamp(4_600_000));
        assert_eq!(time_window("2", now).unwrap(), Timestamp(2_800_000));
        for text in ["x", "-1", "1:x", "", "1:2:3", "99999999999"] {
            assert!(time_window(text, now).is_err(), "{text}");
        }
        assert_eq!(
            states_in::<JobState>("ACTIVE, nothing,FINISHED"),
            [JobState::Active, JobState::Finished]
        );
    }
}
