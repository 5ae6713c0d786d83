//! An attempt at a transfer is over.
//!
//! The engine notes how long each step took, not when it began. The points in time of steps are
//! laid out from the beginning of the attempt in the order in which steps come, so their differences
//! are exact and the gaps between them are not shown.

use causeway_model::events::AttemptEnded;
use causeway_model::observe::Step;
use causeway_model::{Job, JobType, Overwrite, Rung, Timestamp, Transfer};

use super::{Body, attempt_name, channel, metadata, user_dn};
use crate::Voice;

/// Longest error text, in characters.
const MESSAGE_MAX: usize = 1024;
/// A code that was not found out.
const UNKNOWN: i64 = -1;

/// The body of a complete message.
pub fn complete(voice: &Voice, job: &Job, file: &Transfer, end: &AttemptEnded) -> String {
    let mut body = Body::default();
    identity(&mut body, voice, job, file, end);
    times(&mut body, end);
    outcome(&mut body, job, end);
    parameters(&mut body, job, file, end);
    body.text()
}

fn begun(end: &AttemptEnded) -> Timestamp {
    end.started.unwrap_or(end.at)
}

/// Which attempt, between whom, whose.
fn identity(body: &mut Body, voice: &Voice, job: &Job, file: &Transfer, end: &AttemptEnded) {
    let (source, destination) = (&file.source_surl, &file.dest_surl);
    let name = attempt_name(begun(end), (source, destination), file.file_id, file.job_id);
    body.put("tr_id", name)
        .put("job_id", file.job_id.to_string())
        .put("file_id", file.file_id.0)
        .put("endpnt", voice.endpoint())
        .put("src_srm_v", "")
        .put("dest_srm_v", "")
        .put("vo", job.vo_name.as_ref())
        .put("user_dn", user_dn(voice, job))
        .put("src_url", source.as_str())
        .put("dst_url", destination.as_str())
        .put("src_hostname", source.host())
        .put("dst_hostname", destination.host())
        .put("src_se", file.source_se.as_ref())
        .put("dst_se", file.dest_se.as_ref())
        .put("src_site_name", "")
        .put("dst_site_name", "")
        .put("t_channel", channel(source, destination))
        .put("channel_type", "urlcopy")
        .put("protocol", destination.scheme())
        .put("src_protocol", source.scheme())
        .put("dst_protocol", destination.scheme())
        .put("src_transfer_protocol", source.scheme())
        .put("dst_transfer_protocol", destination.scheme())
        .put("protocol_translation", false)
        .put("final_destination", "")
        .put("activity", file.activity.as_ref())
        .put("file_metadata", metadata(file.file_metadata.as_ref()))
        .put("job_metadata", metadata(job.job_metadata.as_ref()));
}

/// Milliseconds of a step; 0 when it did not come.
fn took(end: &AttemptEnded, step: Step) -> i64 {
    let micros = end.steps.0[step as usize];
    i64::try_from(micros.div_ceil(1000)).unwrap_or(i64::MAX)
}

/// When steps began and ended.
fn times(body: &mut Body, end: &AttemptEnded) {
    let mut at = begun(end).0;
    let mut span = |step| {
        let took = took(end, step);
        let from = at;
        at += took;
        match took {
            0 => (0, 0),
            _ => (from, at),
        }
    };
    let prepare = span(Step::Prepare);
    let source_checksum = span(Step::SourceChecksum);
    let copy = span(Step::Copy);
    let verify = span(Step::Verify);
    let clean_up = span(Step::CleanUp);
    let process = (begun(end).0, end.at.0);
    for (from, to, (began, ended)) in [
        ("timestamp_tr_st", "timestamp_tr_comp", copy),
        (
            "timestamp_chk_src_st",
            "timestamp_chk_src_ended",
            source_checksum,
        ),
        (
            "timestamp_checksum_dest_st",
            "timestamp_checksum_dest_ended",
            verify,
        ),
        ("time_srm_prep_st", "time_srm_prep_end", prepare),
        ("time_srm_fin_st", "time_srm_fin_end", clean_up),
        ("tr_timestamp_start", "tr_timestamp_complete", process),
    ] {
        body.put(from, began).put(to, ended);
    }
    let length = |(began, ended): (i64, i64)| ended - began;
    let (preparing, finishing) = (length(prepare), length(clean_up));
    let (overhead, whole) = (preparing + finishing, length(process));
    let share = match whole > 0 {
        true => overhead as f64 * 100.0 / whole as f64,
        false => UNKNOWN as f64,
    };
    body.put("transfer_time", length(copy))
        .put("operation_time", whole)
        .put("throughput", throughput(end))
        .put("srm_preparation_time", preparing)
        .put("srm_finalization_time", finishing)
        .put("srm_overhead_time", overhead)
        .put("srm_overhead_percentage", share)
        .put("timestamp_checksum_src_diff", length(source_checksum))
        .put("timestamp_checksum_dst_diff", length(verify));
}

/// Bytes per second of the copy.
fn throughput(end: &AttemptEnded) -> f64 {
    match end.transferred {
        Some(bytes) if end.copy_seconds > 0.0 => bytes as f64 / end.copy_seconds,
        _ => UNKNOWN as f64,
    }
}

/// How it ended.
fn outcome(body: &mut Body, job: &Job, end: &AttemptEnded) {
    let fault = end.fault.as_ref();
    let is_abort = end.canceled || fault.is_some_and(|it| it.is_cancellation());
    let (word, flag) = match fault {
        None => ("Ok", 1),
        Some(_) if is_abort => ("Abort", UNKNOWN),
        Some(_) => ("Error", 0),
    };
    let number = fault.map_or(0, |it| it.errno);
    let kind = fault.map_or_else(String::new, |it| category(it.errno));
    let text = fault.map_or_else(String::new, |it| plain(&it.message));
    let (scope, phase) = fault.map_or(("", ""), |it| (it.scope.name(), it.phase.name()));
    body.put("t_final_transfer_state", word)
        .put("t_final_transfer_state_flag", flag)
        .put("t_error_code", number)
        .put("tr_error_scope", scope)
        .put("t_failure_phase", phase)
        .put("tr_error_category", kind)
        .put("t__error_message", text)
        .put(
            "is_recoverable",
            fault.is_some_and(|it| it.is_recoverable()),
        )
        .put("retry", end.retry)
        .put("retry_max", job.retry.max(0))
        .put("job_m_replica", job.job_type == Some(JobType::MultiReplica))
        .put("job_multihop", job.job_type == Some(JobType::Multihop))
        .put("transfer_lasthop", end.last_hop)
        .put("is_archiving", job.archive_timeout > -1 && end.last_hop)
        .put("job_state", job_state(job, end));
}

/// What the attempt says about its job: nothing where transfers are independent of each other.
fn job_state(job: &Job, end: &AttemptEnded) -> &'static str {
    match job.job_type {
        Some(JobType::MultiReplica | JobType::Multihop) if end.job_state.is_terminal() => {
            end.job_state.name()
        }
        Some(JobType::MultiReplica | JobType::Multihop) => "ACTIVE",
        _ => "UNKNOWN",
    }
}

/// The system's name of an errno as one word: `NO_SUCH_FILE_OR_DIRECTORY`.
fn category(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_uppercase().replace(' ', "_")
}

/// One line without quotes, not too long.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(|it| !matches!(it, '\'' | '"' | '\n'));
    let kept = kept.map(|it| if (' '..='~').contains(&it) { it } else { ' ' });
    kept.take(MESSAGE_MAX).collect()
}

/// With which parameters it ran, and what it moved.
fn parameters(body: &mut Body, job: &Job, file: &Transfer, end: &AttemptEnded) {
    let given = |name: &str| parameter(end.params.as_deref().unwrap_or(""), name);
    let buffer = given("buffersize");
    let size = end.size.unwrap_or(0);
    let method = match metadata(job.job_metadata.as_ref()) {
        serde_json::Value::Object(all) => all.get("auth_method").cloned(),
        _ => None,
    };
    let on_disk = matches!(
        job.overwrite,
        Overwrite::WhenOnlyOnDisk | Overwrite::HopAndOnlyOnDisk
    );
    body.put("t_timeout", given("timeout"))
        .put("chk_timeout", 0)
        .put("tr_bt_transfered", end.transferred.unwrap_or(0))
        .put("nstreams", given("nostreams"))
        .put("buf_size", buffer)
        .put("tcp_buf_size", buffer)
        .put("block_size", 0)
        .put("scitag", file.scitag.unwrap_or(0))
        .put("f_size", size)
        .put("file_size", size)
        .put("srm_space_token_src", job.source_space_token.as_str())
        .put("srm_space_token_dst", job.space_token.as_str())
        .put("ipver", "unknown")
        .put("eviction_code", UNKNOWN)
        .put("cleanup_code", UNKNOWN)
        .put("transfer_type", way(end.rung))
        .put(
            "auth_method",
            method.unwrap_or_else(|| "certificate".into()),
        )
        .put("overwrite_on_disk_flag", on_disk)
        .put("overwrite_on_disk_deletion_code", UNKNOWN);
}

/// A number of `name:number,name:number`; 0 when it is not there.
fn parameter(all: &str, name: &str) -> i64 {
    let pairs = all.split(',').filter_map(|it| it.split_once(':'));
    let mut found = pairs.filter(|(key, _)| *key == name);
    found.find_map(|(_, it)| it.parse().ok()).unwrap_or(0)
}

fn way(rung: Option<Rung>) -> &'static str {
    match rung {
        Some(Rung::Pull) => "3rd pull",
        Some(Rung::Push) => "3rd push",
        Some(Rung::Stream) => "streamed",
        None => "n/a",
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn texts_are_one_plain_line() {
        let text = "it's \"gone\"\nfor ever\u{e9}\t!";
        assert_eq!(plain(text), "its gonefor ever  !");
        assert_eq!(plain(&"x".repeat(3000)).len(), MESSAGE_MAX);
    }

    #[test]
    fn parameters_are_found_by_name() {
        let all = "nostreams:4,timeout:3600,buffersize:0";
        assert_eq!(parameter(all, "nostreams"), 4);
        assert_eq!(parameter(all, "timeout"), 3600);
        assert_eq!(parameter(all, "other"), 0);
        assert_eq!(parameter("", "nostreams"), 0);
    }

    #[test]
    fn an_errno_is_a_word() {
        assert_eq!(category(2), "NO_SUCH_FILE_OR_DIRECTORY");
        assert_eq!(category(17), "FILE_EXISTS");
    }
}
