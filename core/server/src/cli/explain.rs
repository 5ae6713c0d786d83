//! Why transfers wait, and what would become of a submission: what the gateway answers, for people
//! or as JSON.

use reqwest::Method;
use serde_json::{Value, json};

use super::args::ExplainArgs;
use super::output;
use super::remote::encode;
use crate::client::Client;

/// Transfers of a job that are explained at once.
const FILES: usize = 100;

/// Explains one transfer, or those of a job that wait.
///
/// # Errors
/// What the gateway refused.
pub(super) async fn explain(args: &ExplainArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote)?;
    let job = encode(&args.job);
    if let Some(file) = &args.file {
        let answer = ask(&client, &job, &encode(file)).await?;
        if args.remote.json {
            return output::print_json(&answer);
        }
        print(&answer);
        return Ok(());
    }
    let path = format!("/jobs/{job}/files");
    let files = client.json(Method::GET, &path, None).await?;
    let waiting: Vec<&Value> = files
        .as_array()
        .into_iter()
        .flatten()
        .filter(|it| waits(it))
        .collect();
    let mut answers = Vec::new();
    for file in waiting.iter().take(FILES) {
        answers.push(ask(&client, &job, &file["file_id"].to_string()).await?);
    }
    if args.remote.json {
        return output::print_json(&answers);
    }
    answers.iter().for_each(print);
    match waiting.len() {
        0 => println!("no transfer of the job waits"),
        all if all > FILES => println!("{} more wait", all - FILES),
        _ => {}
    }
    Ok(())
}

async fn ask(client: &Client, job: &str, file: &str) -> anyhow::Result<Value> {
    let path = format!("/jobs/{job}/files/{file}/explain");
    client.json(Method::GET, &path, None).await
}

fn waits(file: &Value) -> bool {
    let state = file["file_state"].as_str().unwrap_or_default();
    !(is_ended(state) || runs(state))
}

fn is_ended(state: &str) -> bool {
    matches!(state, "FINISHED" | "FAILED" | "CANCELED")
}

fn runs(state: &str) -> bool {
    matches!(state, "READY" | "ACTIVE")
}

fn print(answer: &Value) {
    let state = answer["file_state"].as_str().unwrap_or("-");
    println!("{} {state}", answer["file_id"]);
    let mut sentences = texts(&answer["waits"]);
    if sentences.is_empty() {
        sentences.push(nothing(state).to_owned());
    }
    for sentence in sentences {
        println!("  {sentence}");
    }
    if let Some(at) = answer["predicted_start"].as_str() {
        println!("  Likely to start at {at}.");
    }
    let credential = &answer["credential"];
    if credential["outlives"] == json!(false)
        && let Some(at) = credential["expires"].as_str()
    {
        println!("  The credential expires at {at}, perhaps before the copy is done.");
    }
}

/// What is said when there is no reason to wait.
fn nothing(state: &str) -> &'static str {
    match state {
        state if is_ended(state) => "It has ended.",
        state if runs(state) => "It runs.",
        _ => "It waits for nothing that is known.",
    }
}

fn texts(waits: &Value) -> Vec<String> {
    let waits = waits.as_array().into_iter().flatten();
    let texts = waits.filter_map(|it| it["text"].as_str());
    texts.map(str::to_owned).collect()
}

/// Prints what would become of a submission.
pub(super) fn print_plan(plan: &Value) {
    let files = plan["files"].as_array().map_or(&[][..], Vec::as_slice);
    println!(
        "{:<5}  {:<11}  {:<24}  {:<12}  transfer",
        "file", "state", "ways", "starts in"
    );
    for file in files {
        let text = |key: &str| file[key].as_str().unwrap_or("-");
        println!(
            "{:<5}  {:<11}  {:<24}  {:<12}  {} > {}",
            file["index"].to_string(),
            text("file_state"),
            ways(file),
            wait(file),
            text("source_surl"),
            text("dest_surl")
        );
        for sentence in texts(&file["waits"]) {
            println!("       {sentence}");
        }
        for warning in file["warnings"].as_array().into_iter().flatten() {
            println!("       warning: {}", warning.as_str().unwrap_or("-"));
        }
    }
    if let Some(number) = plan["deletions"].as_u64().filter(|it| *it > 0) {
        println!("{number} deletions");
    }
}

fn ways(file: &Value) -> String {
    let ways = file["ways"].as_array().into_iter().flatten();
    let ways: Vec<&str> = ways.filter_map(Value::as_str).collect();
    match ways.is_empty() {
        true => "none".to_owned(),
        false => ways.join(", "),
    }
}

fn wait(file: &Value) -> String {
    match file["predicted_wait"].as_f64() {
        Some(seconds) => format!("{seconds:.0} s"),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_sentence() {
        assert_eq!(nothing("CANCELED"), "It has ended.");
        assert_eq!(nothing("ACTIVE"), "It runs.");
        assert!(waits(&json!({"file_state": "SUBMITTED"})));
        assert!(!waits(&json!({"file_state": "FINISHED"})));
    }

    #[test]
    fn a_plan_is_a_table() {
        let file = json!({"ways": ["pull", "stream"], "predicted_wait": 12.4});
        assert_eq!(ways(&file), "pull, stream");
        assert_eq!(wait(&file), "12 s");
        assert_eq!(ways(&json!({"ways": []})), "none");
        assert_eq!(wait(&json!({"predicted_wait": null})), "unknown");
    }
}
