//! What consumers read, and in which type.

use causeway_model::{Fault, FileState, Job, JobState, JobType, Phase, Scope, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::world::{ended, typed, view, voice, with_metadata};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn names(text: &str) -> Vec<String> {
    parsed(text).as_object().unwrap().keys().cloned().collect()
}

fn sorted(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn every_member_of_a_complete_message() {
    let view = view(9);
    let text = complete(&voice(), &view.job, &view.files[0], &ended(&view));
    let expected = "tr_id job_id file_id endpnt src_srm_v dest_srm_v vo src_url dst_url \
        src_hostname dst_hostname src_se dst_se protocol src_site_name dst_site_name t_channel \
        timestamp_tr_st timestamp_tr_comp timestamp_chk_src_st timestamp_chk_src_ended \
        timestamp_checksum_dest_st timestamp_checksum_dest_ended t_timeout chk_timeout \
        t_error_code tr_error_scope t_failure_phase tr_error_category t_final_transfer_state \
        t_final_transfer_state_flag tr_bt_transfered nstreams buf_size tcp_buf_size block_size \
        scitag f_size file_size time_srm_prep_st time_srm_prep_end time_srm_fin_st \
        time_srm_fin_end srm_space_token_src srm_space_token_dst t__error_message \
        tr_timestamp_start tr_timestamp_complete transfer_time operation_time throughput \
        srm_preparation_time srm_finalization_time srm_overhead_time srm_overhead_percentage \
        timestamp_checksum_src_diff timestamp_checksum_dst_diff channel_type user_dn \
        file_metadata job_metadata activity retry retry_max job_m_replica job_multihop \
        transfer_lasthop is_archiving job_state is_recoverable ipver eviction_code cleanup_code \
        final_destination transfer_type auth_method overwrite_on_disk_flag \
        overwrite_on_disk_deletion_code src_protocol dst_protocol src_transfer_protocol \
        dst_transfer_protocol protocol_translation";
    assert_eq!(names(&text), sorted(expected));
}

#[test]
fn every_member_of_the_other_messages() {
    let view = view(9);
    let (job, file) = (&view.job, &view.files[0]);
    let expected = "transfer_id job_id file_id endpnt timestamp src_srm_v dest_srm_v vo src_url \
        dst_url src_hostname dst_hostname src_site_name dst_site_name t_channel \
        srm_space_token_src srm_space_token_dst user_dn is_archiving file_metadata job_metadata";
    assert_eq!(
        names(&start(&voice(), job, file, Timestamp(5))),
        sorted(expected)
    );
    let expected = "user_dn src_url dst_url vo_name source_se dest_se job_id file_id job_state \
        file_state retry_counter retry_max user_filesize timestamp submit_time staging_start \
        staging_finished staging archiving_start archiving_finished archiving reason job_metadata \
        file_metadata";
    let mut now = State {
        job: JobState::Active,
        file: FileState::Ready,
        retry: 0,
        at: Timestamp(5),
        is_new: false,
    };
    assert_eq!(names(&state(&voice(), job, file, now)), sorted(expected));
    now.is_new = true;
    let expected = format!("{expected} endpnt");
    assert_eq!(names(&state(&voice(), job, file, now)), sorted(&expected));
}

#[test]
fn what_the_receiver_of_rucio_reads() {
    let view = view(9);
    let all = parsed(&complete(
        &voice(),
        &view.job,
        &view.files[0],
        &ended(&view),
    ));
    assert_eq!(all["vo"], "atlas");
    assert_eq!(all["job_metadata"]["issuer"], "rucio");
    assert_eq!(all["file_metadata"]["request_id"], "r-1");
    assert_eq!(
        (&all["job_m_replica"], &all["job_multihop"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(all["job_state"], "UNKNOWN");
    assert_eq!(all["endpnt"], "https://gateway.example:8446");
    let name = all["tr_id"].as_str().unwrap();
    assert_eq!(
        name,
        format!(
            "2026-11-22-0315__a.example__b.example__9__{}",
            view.job.job_id
        )
    );
    assert_eq!(
        name.rsplit("__").next(),
        Some(view.job.job_id.to_string().as_str())
    );
    assert_eq!(all["t_final_transfer_state"], "Ok");
    assert_eq!(all["t__error_message"], "");
    assert_eq!(all["tr_timestamp_start"], 1_795_317_300_000_i64);
    assert_eq!(all["tr_timestamp_complete"], 1_795_317_302_000_i64);
    assert_eq!(
        (&all["src_url"], &all["dst_url"]),
        (
            &json!("mock://a.example/f"),
            &json!("mock://b.example:99/g")
        )
    );
}

#[test]
fn times_and_parameters_of_an_attempt() {
    let view = view(9);
    let all = parsed(&complete(
        &voice(),
        &view.job,
        &view.files[0],
        &ended(&view),
    ));
    assert_eq!(all["timestamp_chk_src_st"], 1_795_317_300_100_i64);
    assert_eq!(all["timestamp_tr_st"], 1_795_317_300_300_i64);
    assert_eq!(all["timestamp_tr_comp"], 1_795_317_301_300_i64);
    assert_eq!(all["timestamp_checksum_dst_diff"], 300);
    assert_eq!(
        (&all["time_srm_fin_st"], &all["time_srm_fin_end"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        (&all["transfer_time"], &all["operation_time"]),
        (&json!(1000), &json!(2000))
    );
    assert_eq!(
        (&all["throughput"], &all["srm_overhead_percentage"]),
        (&json!(1000.0), &json!(5.0))
    );
    assert_eq!(
        (&all["nstreams"], &all["t_timeout"], &all["tcp_buf_size"]),
        (&json!(4), &json!(3600), &json!(65536))
    );
    assert_eq!(
        (&all["transfer_type"], &all["auth_method"]),
        (&json!("streamed"), &json!("oauth2"))
    );
    assert_eq!(
        (&all["scitag"], &all["retry"], &all["retry_max"]),
        (&json!(77), &json!(1), &json!(2))
    );
}

#[test]
fn failures_and_cancellations() {
    let view = view(9);
    let mut end = ended(&view);
    end.fault = Some(Fault::new(
        Scope::Destination,
        Phase::Preparation,
        17,
        "Destination 'x' exists\nnow",
    ));
    end.transferred = None;
    let body = |end: &_| parsed(&complete(&voice(), &view.job, &view.files[0], end));
    let all = body(&end);
    assert_eq!(
        (
            &all["t_final_transfer_state"],
            &all["t_final_transfer_state_flag"]
        ),
        (&json!("Error"), &json!(0))
    );
    assert_eq!(
        (&all["t_error_code"], &all["tr_error_category"]),
        (&json!(17), &json!("FILE_EXISTS"))
    );
    assert_eq!(
        (&all["tr_error_scope"], &all["t_failure_phase"]),
        (&json!("DESTINATION"), &json!("TRANSFER_PREPARATION"))
    );
    assert_eq!(all["t__error_message"], "Destination x existsnow");
    assert_eq!(
        (&all["throughput"], &all["is_recoverable"]),
        (&json!(-1.0), &json!(false))
    );
    end.canceled = true;
    let all = body(&end);
    assert_eq!(
        (
            &all["t_final_transfer_state"],
            &all["t_final_transfer_state_flag"]
        ),
        (&json!("Abort"), &json!(-1))
    );
}

#[test]
fn jobs_whose_transfers_depend_on_each_other_have_a_state() {
    let view = view(9);
    let state = |job: &Job, state| {
        let mut end = ended(&view);
        end.job_state = state;
        let all = parsed(&complete(&voice(), job, &view.files[0], &end));
        (
            all["job_state"].clone(),
            all["job_multihop"].clone(),
            all["job_m_replica"].clone(),
        )
    };
    let hops = typed(&view, JobType::Multihop);
    assert_eq!(
        state(&hops, JobState::Submitted),
        (json!("ACTIVE"), json!(true), json!(false))
    );
    let replicas = typed(&view, JobType::MultiReplica);
    assert_eq!(
        state(&replicas, JobState::Finished),
        (json!("FINISHED"), json!(false), json!(true))
    );
}

#[test]
fn users_are_named_only_where_that_is_wanted() {
    let view = view(9);
    let mut job = Job::clone(&view.job);
    let dn =
        |job: &Job| parsed(&start(&voice(), job, &view.files[0], Timestamp(5)))["user_dn"].clone();
    assert_eq!(dn(&job), "");
    job.vo_name = "open".into();
    assert_eq!(dn(&job), "/CN=somebody");
}

#[test]
fn metadata_are_values_or_null() {
    let view = view(9);
    let body = |text: &str| {
        let file = with_metadata(&view, text);
        parsed(&start(&voice(), &view.job, &file, Timestamp(5)))["file_metadata"].clone()
    };
    assert_eq!(body(r#"{"a":[1]}"#), json!({"a": [1]}));
    assert_eq!(body(""), json!(null));
    assert_eq!(body("no json"), json!("no json"));
}
