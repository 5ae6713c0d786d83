//! `POST /plan`: what would become of a submission. It is read, judged and refused by the very
//! code of `POST /jobs`; nothing is stored.
//!
//! What only storing can find, that a destination is taken by a live transfer of another job, is
//! not found here.

use causeway_model::explain::{Side, Wait};
use causeway_model::ports::JobView;
use causeway_model::{AuthMethod, FileState, Forecast, Job, Rung, Timestamp, Transfer};
use serde_json::{Value, json};

use super::shape::{self, Means};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::routes::jobs::submit::judged;
use crate::fts::wire;

/// `POST /plan`
pub async fn plan(mut call: Call) -> Outcome {
    let body = call.take_object().await?;
    // Numbered from 0: a plan takes no numbers away from others.
    let view = judged(&call, &body).await?.into_view(0);
    let job = view.job.clone();
    if call.state.store.job(job.job_id).await?.is_some() {
        return Err(causeway_model::ports::StoreError::DuplicateJob.into());
    }
    let mut means = Means::of(&call.state, &job).await?;
    // As for a submission: others than certificate users need not delegate.
    means.needed &= call.principal().method == AuthMethod::Certificate;
    let now = call.state.clock.now();
    let forecasts = call.state.insight.forecast(view.clone()).await?;
    let files = view.files.iter().zip(forecasts);
    let files = files.map(|(row, forecast)| file(row, forecast, means, now));
    let files: Vec<Value> = files.collect::<Result<_, _>>()?;
    wire::json(&answer(&view, &job, means, files))
}

fn answer(view: &JobView, job: &Job, means: Means, files: Vec<Value>) -> Value {
    json!({
        "job_state": job.state.name(),
        "job_type": job.job_type.map(|it| it.letter()),
        "vo_name": job.vo_name,
        "priority": job.priority,
        "credential": {"expires": shape::time(means.expires)},
        "deletions": view.deletions.len(),
        "files": files,
    })
}

fn file(
    row: &Transfer,
    mut forecast: Forecast,
    means: Means,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let warnings = warnings(row, &forecast, means, now);
    shape::join(&mut forecast.waits, means.obstacle(now));
    let wait = forecast.predicted_start.map(|it| it.seconds_since(now));
    Ok(json!({
        "index": forecast.file_id.0,
        "source_surl": row.source_surl.as_str(),
        "dest_surl": row.dest_surl.as_str(),
        "file_state": row.state.name(),
        "ways": forecast.ways,
        "avoided": forecast.avoided,
        "waits": shape::waits(&forecast.waits)?,
        "predicted_start": shape::time(forecast.predicted_start),
        "predicted_wait": wait.map(|it| it.max(0.0)),
        "copy_seconds": forecast.copy_seconds,
        "warnings": warnings,
    }))
}

/// What will make trouble although the submission is taken.
fn warnings(row: &Transfer, forecast: &Forecast, means: Means, now: Timestamp) -> Vec<String> {
    let mut warnings: Vec<String> = forecast
        .unserved
        .iter()
        .map(|side| {
            let (word, url) = match side {
                Side::Outbound => ("source", &row.source_surl),
                Side::Inbound => ("destination", &row.dest_surl),
            };
            format!("No plugin serves the {word}, {}:.", url.scheme())
        })
        .collect();
    if forecast.unserved.is_empty() && forecast.ways.is_empty() {
        warnings.push("There is no way to copy between these storages.".to_owned());
    }
    let is_ban = |it: &&Wait| matches!(it, Wait::Ban { .. });
    warnings.extend(forecast.waits.iter().filter(is_ban).map(Wait::to_string));
    let fails = |it: &&Wait| matches!(it, Wait::NoShare { .. });
    warnings.extend(forecast.waits.iter().filter(fails).map(Wait::to_string));
    if matches!(
        row.state,
        FileState::QosTransition | FileState::QosRequestSubmitted
    ) {
        warnings.push("Changes of the quality of service are not carried out.".to_owned());
    }
    let end = shape::latest_end(now, forecast.predicted_start, forecast.copy_seconds);
    if !means.outlives(end) {
        warnings.push(match means.expires {
            Some(expires) => {
                format!("The credential expires at {expires}; the copy may take until {end}.")
            }
            None => "There is no credential to run it with.".to_owned(),
        });
    }
    let direct = |it: &Rung| it.is_third_party();
    if forecast.ways.iter().any(direct) && forecast.ways.first() == Some(&Rung::Stream) {
        let text = "No third-party copy worked on this link lately: bytes go through the gateway.";
        warnings.push(text.to_owned());
    }
    warnings
}
