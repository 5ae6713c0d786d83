//! The row of a transfer that ended: what clients read.

use causeway_model::{Timestamp, Transfer};

use crate::messages::{AttemptFailure, AttemptResult, DstFile};
use crate::retry;

const MIB: f64 = 1_048_576.0;

pub(crate) fn finish(row: &mut Transfer, result: &AttemptResult, now: Timestamp) {
    let size = result.size.or(row.filesize);
    row.filesize = size;
    row.transferred = size;
    row.tx_duration = Some(result.duration_seconds);
    let mib = size.unwrap_or(0) as f64 / MIB;
    row.throughput = Some(match result.duration_seconds > 0.0 {
        true => mib / result.duration_seconds,
        false => mib,
    });
    row.finish_time = Some(now);
    row.recoverable = Some(false);
    row.reason = None;
    row.dest_surl_uuid = None;
    retry::forget_announcements(row);
}

pub(crate) fn fail(row: &mut Transfer, failure: &AttemptFailure, now: Timestamp) {
    row.reason = Some(failure.fault.to_string());
    row.recoverable = Some(failure.fault.is_recoverable());
    row.finish_time = Some(now);
    row.dest_surl_uuid = None;
    if failure.duration_seconds > 0.0 {
        row.tx_duration = Some(failure.duration_seconds);
    }
    if let Some(file) = &failure.dst_file {
        row.file_metadata = Some(with_dst_file(row.file_metadata.as_ref(), file));
    }
    retry::forget_announcements(row);
}

/// The user's metadata with a description of what stands at the destination.
fn with_dst_file(
    metadata: Option<&causeway_model::JsonText>,
    file: &DstFile,
) -> causeway_model::JsonText {
    use serde_json::{Map, Value, json};
    let known = metadata.map(|it| serde_json::from_str::<Value>(&it.0));
    let mut all = match known {
        Some(Ok(Value::Object(map))) => map,
        None | Some(Ok(Value::Null)) => Map::new(),
        // The field of free text, as at submission.
        Some(Ok(other)) => Map::from_iter([("label".to_owned(), other)]),
        Some(Err(_)) => Map::new(),
    };
    all.insert("dst_file".to_owned(), json!(file));
    causeway_model::JsonText(Value::Object(all).to_string())
}

#[cfg(test)]
mod tests {
    use causeway_model::JsonText;

    use super::*;

    #[test]
    fn the_report_joins_the_users_metadata() {
        let file = DstFile {
            file_size: Some(7),
            file_on_disk: Some(true),
            ..DstFile::default()
        };
        let own = JsonText(r#"{"a":1}"#.into());
        let all: serde_json::Value =
            serde_json::from_str(&with_dst_file(Some(&own), &file).0).unwrap();
        assert_eq!(all["a"], 1);
        assert_eq!(all["dst_file"]["file_size"], 7);
        assert_eq!(all["dst_file"]["file_on_disk"], true);
        assert!(all["dst_file"]["file_on_tape"].is_null());
        let all: serde_json::Value = serde_json::from_str(&with_dst_file(None, &file).0).unwrap();
        assert_eq!(all["dst_file"]["file_size"], 7);
    }
}
