//! The parameters of a job, read and defaulted, not yet judged together.

use causeway_model::{CopyParams, IpFamily};
use serde_json::value::RawValue;

use super::checksum::Verify;
use super::document::Object;
use super::ids::IdRule;
use super::overwrite::Flags;
use super::value::{integer, invalid, need_flag, need_integer, need_text, text};
use crate::error::ApiError;

/// All parameters that mean something.
#[derive(Clone, Debug)]
pub(super) struct Params<'a> {
    pub(super) verify: Verify,
    pub(super) overwrite: Flags,
    pub(super) reuse: Option<bool>,
    pub(super) multihop: bool,
    pub(super) bring_online: Option<i64>,
    pub(super) copy_pin_lifetime: i64,
    pub(super) archive_timeout: i64,
    pub(super) target_qos: Option<String>,
    pub(super) dst_file_report: bool,
    pub(super) job_metadata: Option<&'a RawValue>,
    pub(super) retry: i32,
    pub(super) retry_delay: i32,
    pub(super) priority: i32,
    /// Seconds from now.
    pub(super) max_time_in_queue: Option<i64>,
    pub(super) source_spacetoken: String,
    pub(super) spacetoken: String,
    pub(super) os_project_id: Option<String>,
    pub(super) unmanaged_tokens: bool,
    pub(super) copy: CopyParams,
    pub(super) id: IdRule,
}

impl<'a> Params<'a> {
    pub(super) fn read(object: &Object<'a>) -> Result<Self, ApiError> {
        let it = Reader(object);
        let copy_pin_lifetime = it.integer("copy_pin_lifetime")?.unwrap_or(-1);
        if copy_pin_lifetime < -1 {
            return Err(invalid("copy_pin_lifetime must be at least -1"));
        }
        let spacetoken = it.text("spacetoken")?.filter(|it| !it.is_empty());
        let spacetoken = match spacetoken {
            Some(token) => token,
            None => it.text("destination_spacetoken")?.unwrap_or_default(),
        };
        Ok(Self {
            verify: Verify::read(object.get("verify_checksum"))?,
            overwrite: Flags {
                always: it.flag("overwrite")?,
                on_retry: it.flag("overwrite_on_retry")?,
                only_on_disk: it.flag("overwrite_when_only_on_disk")?,
                hop: it.flag("overwrite_hop")?,
            },
            reuse: it.optional_flag("reuse")?,
            multihop: it.flag("multihop")?,
            bring_online: it.integer("bring_online")?,
            copy_pin_lifetime,
            archive_timeout: it.integer("archive_timeout")?.unwrap_or(-1),
            target_qos: it.text("target_qos")?.filter(|it| !it.is_empty()),
            dst_file_report: it.flag("dst_file_report")?,
            job_metadata: object.get("job_metadata"),
            retry: it.small("retry")?.unwrap_or(0),
            retry_delay: it.small("retry_delay")?.unwrap_or(0),
            priority: priority(it.integer("priority")?.unwrap_or(3)),
            max_time_in_queue: object
                .get("max_time_in_queue")
                .map(queue_seconds)
                .transpose()?
                .flatten(),
            source_spacetoken: it.text("source_spacetoken")?.unwrap_or_default(),
            spacetoken,
            os_project_id: it.text("os_project_id")?,
            unmanaged_tokens: it.flag("unmanaged_tokens")?,
            copy: it.copy()?,
            id: IdRule::read(object)?,
        })
    }

    /// True when files shall be brought online first.
    pub(super) fn stages(&self) -> bool {
        self.bring_online.is_some_and(|it| it > 0) || self.copy_pin_lifetime > 0
    }
}

/// A priority within its bounds.
pub(super) fn priority(given: i64) -> i32 {
    given.clamp(1, 5) as i32
}

/// Hours, or a number with a unit behind it; nothing for 0 and less.
fn queue_seconds(raw: &RawValue) -> Result<Option<i64>, ApiError> {
    let wrong = || invalid("max_time_in_queue must be a number of hours, or end in s, m, h or d");
    let seconds = match text(raw)? {
        None => integer(raw).ok_or_else(wrong)?.checked_mul(3600),
        Some(text) => {
            let text = text.trim().to_ascii_lowercase();
            let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
                Some(number) => (number.trim_end(), text.chars().last().unwrap_or('h')),
                None => (text.as_str(), 'h'),
            };
            let number: i64 = number.parse().map_err(|_| wrong())?;
            number.checked_mul(match unit {
                's' => 1,
                'm' => 60,
                'd' => 86_400,
                _ => 3600,
            })
        }
    };
    // A century is more than anybody waits, and stays far from overflow.
    match seconds {
        Some(seconds) if seconds <= 3_153_600_000 => Ok((seconds > 0).then_some(seconds)),
        _ => Err(wrong()),
    }
}

struct Reader<'r, 'a>(&'r Object<'a>);

impl Reader<'_, '_> {
    fn flag(&self, name: &str) -> Result<bool, ApiError> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    fn optional_flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.0.get(name).map(|raw| need_flag(raw, name)).transpose()
    }

    fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.0
            .get(name)
            .map(|raw| need_integer(raw, name))
            .transpose()
    }

    fn small(&self, name: &str) -> Result<Option<i32>, ApiError> {
        let number = self.integer(name)?;
        let small = number.map(|it| i32::try_from(it).map_err(|_| out_of_range(name)));
        small.transpose()
    }

    /// A number that only means something when it is positive.
    fn positive<T: TryFrom<i64>>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let number = self.integer(name)?.filter(|it| *it > 0);
        let fitting = number.map(|it| T::try_from(it).map_err(|_| out_of_range(name)));
        fitting.transpose()
    }

    fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self
            .0
            .get(name)
            .map(|raw| need_text(raw, name))
            .transpose()?;
        Ok(text.map(|it| it.into_owned()))
    }

    fn copy(&self) -> Result<CopyParams, ApiError> {
        let ip = match (self.flag("ipv4")?, self.flag("ipv6")?) {
            (true, _) => Some(IpFamily::V4),
            (false, true) => Some(IpFamily::V6),
            (false, false) => None,
        };
        Ok(CopyParams {
            streams: self.positive("nostreams")?,
            timeout_seconds: self.positive("timeout")?,
            buffer_bytes: self.positive("buffer_size")?,
            strict: self.flag("strict_copy")?,
            disable_cleanup: self.flag("disable_cleanup")?,
            ip,
            s3_alternate: self.flag("s3alternate")?,
        })
    }
}

fn out_of_range(name: &str) -> ApiError {
    invalid(format!("{name} is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_queue() {
        let of = |text: &str| {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            queue_seconds(&raw).ok()
        };
        assert_eq!(of("168"), Some(Some(604_800)));
        assert_eq!(of("\"2\""), Some(Some(7200)));
        assert_eq!(of("\"30s\""), Some(Some(30)));
        assert_eq!(of("\"5M\""), Some(Some(300)));
        assert_eq!(of("\"1d\""), Some(Some(86_400)));
        assert_eq!(of("0"), Some(None));
        assert_eq!(of("\"soon\""), None);
        assert_eq!(of("9223372036854775807"), None);
        assert_eq!(of("[]"), None);
    }
}
