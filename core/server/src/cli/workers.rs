//! `causeway workers` and `causeway plugins put-back`: what an operator asks of the gateway about its
//! processes and plugins.

use reqwest::Method;
use serde_json::{Value, json};

use super::args::RemoteArgs;
use super::output;
use super::remote::encode;
use crate::client::Client;

/// Lists worker processes, and plugins that are out of service, disabled, or refused.
///
/// # Errors
/// What the gateway refused.
pub(super) async fn list(args: &RemoteArgs) -> anyhow::Result<()> {
    let client = Client::new(args)?;
    let workers = client.json(Method::GET, "/engine/workers", None).await?;
    let plugins = client.json(Method::GET, "/engine/plugins", None).await?;
    if args.json {
        return output::print_json(&json!({ "workers": workers, "plugins": plugins }));
    }
    println!(
        "{:<8} {:<11} {:<9} {:>9} {:>6}  memory",
        "pid", "generation", "state", "attempts", "calls"
    );
    for worker in rows(&workers) {
        println!(
            "{:<8} {:<11} {:<9} {:>9} {:>6}  {}",
            worker["pid"].to_string(),
            worker["generation"].to_string(),
            text(worker, "state"),
            worker["attempts"].to_string(),
            worker["calls"].to_string(),
            output::bytes(worker["rss_bytes"].as_u64().unwrap_or(0))
        );
    }
    for plugin in rows(&plugins).filter(|it| !it["out_of_service"].is_null()) {
        let out = &plugin["out_of_service"];
        let coming = match out["returning"] == json!(true) {
            true => "; it is being loaded again",
            false => "",
        };
        let (name, reason) = (text(plugin, "name"), text(out, "reason"));
        println!("plugin {name} is out of service: {reason}{coming}");
    }
    for plugin in rows(&plugins) {
        let name = text(plugin, "name");
        if plugin["disabled"] == json!(true) {
            println!("plugin {name} is disabled");
        }
        if !plugin["refused"].is_null() {
            let reason = text(&plugin["refused"], "reason");
            println!(
                "plugin {name} as it lies in the plugin directory was refused: failed to {reason}"
            );
        }
    }
    Ok(())
}

/// Puts a plugin back that was taken out of service.
///
/// # Errors
/// What the gateway refused.
pub(super) async fn put_back(name: &str, args: &RemoteArgs) -> anyhow::Result<()> {
    let client = Client::new(args)?;
    let path = format!("/engine/plugins/{}/put-back", encode(name));
    let plugin = client.json(Method::POST, &path, None).await?;
    if args.json {
        return output::print_json(&plugin);
    }
    println!("{name} is back as soon as workers have loaded it");
    Ok(())
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("-")
}
