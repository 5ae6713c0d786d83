//! Commands that talk to a gateway.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::args::{BanArgs, CancelArgs, DelegateArgs, JobArgs, ListArgs, RemoteArgs, SubmitArgs};
use super::explain;
use super::output::{self, JobBar};
use crate::client::{Client, Delegated, Refused, delegate};

/// A proxy with less life than this is delegated anew before a submission, in hours.
const RENEW_BELOW_HOURS: i64 = 2;

/// Submits, and follows the job when asked.
///
/// # Errors
/// What the gateway refused, or a job that did not end as FINISHED.
pub async fn submit(args: &SubmitArgs) -> anyhow::Result<()> {
    let body = job_body(args)?;
    if args.dry_run {
        return output::print_json(&body);
    }
    let client = Client::new(&args.remote)?;
    if args.plan {
        let plan = post_job(&client, "/plan", &body).await?;
        if args.remote.json {
            return output::print_json(&plan);
        }
        explain::print_plan(&plan);
        return Ok(());
    }
    let answer = post_job(&client, "/jobs", &body).await?;
    let id = answer["job_id"]
        .as_str()
        .context("the gateway gave no job id")?
        .to_owned();
    if !args.wait {
        if args.remote.json {
            return output::print_json(&answer);
        }
        println!("{id}");
        return Ok(());
    }
    let job = follow(&client, &id, args.interval, args.remote.json).await?;
    let files = client
        .json(Method::GET, &format!("/jobs/{id}/files"), None)
        .await?;
    if args.remote.json {
        output::print_json(&with_files(job.clone(), files))?;
    } else {
        output::job_result(&job, &files);
    }
    match job["job_state"].as_str() {
        Some("FINISHED") => Ok(()),
        state => bail!("job {id} ended as {}", state.unwrap_or("unknown")),
    }
}

/// Sends a job, and delegates first when the gateway asks for it.
async fn post_job(client: &Client, path: &str, body: &Value) -> anyhow::Result<Value> {
    match client.json(Method::POST, path, Some(body)).await {
        Err(error) if wants_delegation(&error) => {
            delegate(client, 12, RENEW_BELOW_HOURS, false).await?;
            client.json(Method::POST, path, Some(body)).await
        }
        other => other,
    }
}

fn wants_delegation(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Refused>()
        .is_some_and(|it| it.status == 419)
}

fn with_files(mut job: Value, files: Value) -> Value {
    job["files"] = files;
    job
}

fn job_body(args: &SubmitArgs) -> anyhow::Result<Value> {
    if let Some(path) = &args.file {
        let mut text = String::new();
        if path.as_os_str() == "-" {
            std::io::stdin()
                .read_to_string(&mut text)
                .context("read the job from standard input")?;
        } else {
            text = std::fs::read_to_string(path)
                .with_context(|| format!("read {}", path.display()))?;
        }
        return serde_json::from_str(&text).context("read the job: it is no JSON");
    }
    let mut file = Map::new();
    file.insert("sources".into(), json!([args.source]));
    file.insert("destinations".into(), json!([args.destination]));
    insert(&mut file, "checksum", args.checksum.as_deref());
    insert(&mut file, "activity", args.activity.as_deref());
    let mut params = Map::new();
    params.insert("overwrite".into(), json!(args.overwrite));
    let mode = args
        .compare_checksum
        .as_deref()
        .or(args.checksum.is_some().then_some("both"));
    insert(&mut params, "verify_checksum", mode);
    insert(&mut params, "retry", args.retry);
    insert(&mut params, "priority", args.priority);
    insert(&mut params, "timeout", args.timeout);
    Ok(json!({ "files": [file], "params": params }))
}

fn insert<T: serde::Serialize>(map: &mut Map<String, Value>, key: &str, value: Option<T>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), json!(value));
    }
}

async fn follow(client: &Client, id: &str, interval: f64, quiet: bool) -> anyhow::Result<Value> {
    let interval = Duration::from_secs_f64(interval.clamp(0.05, 3600.0));
    let bar = JobBar::new(quiet);
    loop {
        let job = client
            .json(Method::GET, &format!("/jobs/{id}"), None)
            .await?;
        let files = client
            .json(Method::GET, &format!("/jobs/{id}/files"), None)
            .await?;
        bar.show(&job, &files);
        if output::is_terminal(&job) {
            bar.finish();
            return Ok(job);
        }
        tokio::time::sleep(interval).await;
    }
}

/// Shows a job.
///
/// # Errors
/// What the gateway refused.
pub async fn status(args: &JobArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote)?;
    let job = client
        .json(Method::GET, &format!("/jobs/{}", args.job), None)
        .await?;
    if !args.files {
        return if args.remote.json {
            output::print_json(&job)
        } else {
            output::job_lines(&job)
        };
    }
    let files = client
        .json(Method::GET, &format!("/jobs/{}/files", args.job), None)
        .await?;
    if args.remote.json {
        return output::print_json(&with_files(job, files));
    }
    output::job_lines(&job)?;
    output::file_lines(&files);
    Ok(())
}

/// Lists jobs.
///
/// # Errors
/// What the gateway refused.
pub async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let mut query = BTreeMap::new();
    let mut add = |key, value: &Option<String>| {
        if let Some(value) = value {
            query.insert(key, value.clone());
        }
    };
    add("state_in", &args.state);
    add("vo_name", &args.vo);
    add("source_se", &args.source_se);
    add("dest_se", &args.dest_se);
    add("limit", &args.limit.map(|limit| limit.to_string()));
    let query: Vec<String> = query
        .iter()
        .map(|(key, value)| format!("{key}={}", encode(value)))
        .collect();
    let client = Client::new(&args.remote)?;
    let jobs = client
        .json(Method::GET, &format!("/jobs?{}", query.join("&")), None)
        .await?;
    if args.remote.json {
        output::print_json(&jobs)
    } else {
        output::job_table(&jobs)
    }
}

/// Cancels jobs or transfers.
///
/// # Errors
/// What the gateway refused.
pub async fn cancel(args: &CancelArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote)?;
    let mut answers = Vec::new();
    for job in &args.jobs {
        let path = match job.split_once(':') {
            Some((job, files)) => format!("/jobs/{}/files/{}", encode(job), files),
            None => format!("/jobs/{}", encode(job)),
        };
        let answer = client.json(Method::DELETE, &path, None).await?;
        if !args.remote.json {
            let state = answer["job_state"]
                .as_str()
                .map_or_else(|| answer.to_string(), str::to_owned);
            println!("{job} {state}");
        }
        answers.push(answer);
    }
    if args.remote.json {
        output::print_json(&Value::Array(answers))
    } else {
        Ok(())
    }
}

/// Shows how the gateway sees the caller.
///
/// # Errors
/// What the gateway refused.
pub async fn whoami(args: &RemoteArgs) -> anyhow::Result<()> {
    let client = Client::new(args)?;
    let answer = client.json(Method::GET, "/whoami", None).await?;
    if args.json {
        return output::print_json(&answer);
    }
    output::pairs(
        &answer,
        &[
            "user_dn",
            "method",
            "vos",
            "roles",
            "level",
            "delegation_id",
        ],
    );
    Ok(())
}

/// Leaves a proxy with the gateway.
///
/// # Errors
/// What the gateway refused, or credentials that cannot delegate.
pub async fn delegate_command(args: &DelegateArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote)?;
    let done = delegate(&client, args.hours, RENEW_BELOW_HOURS, args.force).await?;
    if args.remote.json {
        return output::print_json(&json!({
            "delegation_id": done.id(),
            "renewed": matches!(done, Delegated::Renewed { .. }),
        }));
    }
    match done {
        Delegated::Renewed { id } => println!("delegated a proxy of {} hours as {id}", args.hours),
        Delegated::StillGood { id, until } => {
            println!("a proxy until {until} is there already as {id}; --force renews it")
        }
    }
    Ok(())
}

/// Bans a storage or a user.
///
/// # Errors
/// What the gateway refused.
pub async fn ban(args: &BanArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote)?;
    let (path, body) = if args.who.starts_with('/') {
        (
            "/ban/dn",
            json!({ "user_dn": args.who, "message": args.message }),
        )
    } else {
        let status = if args.wait { "wait" } else { "cancel" };
        (
            "/ban/se",
            json!({ "storage": args.who, "status": status, "message": args.message }),
        )
    };
    let affected = client.json(Method::POST, path, Some(&body)).await?;
    if args.remote.json {
        return output::print_json(&affected);
    }
    println!(
        "banned {}; {} jobs affected",
        args.who,
        affected.as_array().map_or(0, Vec::len)
    );
    Ok(())
}

/// Lifts a ban.
///
/// # Errors
/// What the gateway refused.
pub async fn unban(args: &BanArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote)?;
    let path = if args.who.starts_with('/') {
        format!("/ban/dn?user_dn={}", encode(&args.who))
    } else {
        format!("/ban/se?storage={}", encode(&args.who))
    };
    client.json(Method::DELETE, &path, None).await?;
    if !args.remote.json {
        println!("lifted the ban of {}", args.who);
    }
    Ok(())
}

pub(super) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn body_of(line: &[&str]) -> Value {
        let cli = Cli::try_parse_from(["causeway", "submit"].iter().chain(line)).unwrap();
        match cli.command {
            Command::Submit(args) => job_body(&args).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_checksum_asks_for_both_sides() {
        let body = body_of(&[
            "mock://a/f",
            "mock://b/f",
            "-K",
            "ADLER32:1234",
            "--retry",
            "2",
        ]);
        assert_eq!(body["files"][0]["sources"][0], "mock://a/f");
        assert_eq!(body["files"][0]["checksum"], "ADLER32:1234");
        assert_eq!(body["params"]["verify_checksum"], "both");
        assert_eq!(body["params"]["retry"], 2);
        assert!(body["params"].get("priority").is_none());
    }

    #[test]
    fn source_without_destination_is_wrong_usage() {
        assert!(Cli::try_parse_from(["causeway", "submit", "mock://a/f"]).is_err());
        assert!(Cli::try_parse_from(["causeway", "submit"]).is_err());
        assert!(Cli::try_parse_from(["causeway", "serve", "--dev-http", "127.0.0.1:1"]).is_err());
    }
}
