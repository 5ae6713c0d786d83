//! The check itself: what stands between the plugin and its server is put there, the plugin is loaded, and
//! the suite runs.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use causeway_host::{Host, Manifest, PluginHandle, Wanted};
use causeway_sdk::Credential;
use causeway_testkit::{FaultProxy, Report, Suite};
use serde_json::Value;

use super::{CASE, CheckArgs, Verdict};
use crate::cli::local::credential;

/// Stands in base and options for the address of the server.
const ENDPOINT: &str = "{endpoint}";

/// Does it in this process.
///
/// # Errors
/// When nobody can be told what came of it.
pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let mut output = File::from(take_output().context("keep the output from the plugin")?);
    let cases = output
        .try_clone()
        .context("keep the output from the plugin")?;
    let verdict = match check(args, cases).await {
        Ok(report) => Verdict::Report(report),
        Err(error) => Verdict::Refused(format!("{error:#}")),
    };
    writeln!(output, "{}", serde_json::to_string(&verdict)?)?;
    // What the library does on its way out is not what it was asked for.
    causeway_host::leave()
}

async fn check(args: &CheckArgs, cases: File) -> anyhow::Result<Report> {
    let path = &args.path;
    match is_component(&library(path)?)? {
        true => component(args, path, cases).await,
        false => native(args, path, cases).await,
    }
}

/// Loads a file as it is, or an installed folder as a gateway does: what its manifest says of hash, limits,
/// permissions and options holds.
fn load(path: &Path, options: &Value) -> anyhow::Result<PluginHandle> {
    Ok(match path.is_dir() {
        true => Host::load_folder(path, &wanted(path, options)?)?,
        false => Host::load_file(path, options)?,
    })
}

/// The same with something between it and the network.
#[cfg(feature = "wasm")]
fn load_through(
    path: &Path,
    options: &Value,
    wire: Arc<dyn causeway_host::wire::Wire>,
) -> anyhow::Result<PluginHandle> {
    Ok(match path.is_dir() {
        true => Host::load_folder_through(path, &wanted(path, options)?, wire)?,
        false => Host::load_file_through(path, options, wire)?,
    })
}

/// The options under the name that the manifest has.
fn wanted(folder: &Path, options: &Value) -> anyhow::Result<Wanted> {
    let name = Manifest::read(folder)?.name;
    Ok(Wanted {
        options: [(name, options.clone())].into(),
        ..Wanted::default()
    })
}

/// A library makes its own connections: what it meets on the way can only be put before its server.
async fn native(args: &CheckArgs, path: &Path, cases: File) -> anyhow::Result<Report> {
    if args.record.is_some() || args.replay.is_some() {
        bail!("record or replay: a native library makes its own connections");
    }
    let (mut endpoint, mut proxy) = (args.endpoint.clone(), None);
    if args.faults {
        let told = [Some(&args.options), args.base.as_ref()];
        let told = told.into_iter().flatten().any(|it| it.contains(ENDPOINT));
        let Some(server) = endpoint.filter(|_| told) else {
            bail!(
                "let the network fail: name the server with --endpoint, and tell the library \
                 {ENDPOINT} in --base or --options"
            )
        };
        let started = FaultProxy::start(&server).await;
        let started = started.context("start a proxy before the server")?;
        endpoint = Some(started.address().to_string());
        proxy = Some(Arc::new(started));
    }
    let options = options(args, endpoint.as_deref())?;
    let handle = load(path, &options)?;
    let base = base(args, endpoint.as_deref(), &handle)?;
    let mut suite = Suite::new(handle.storage(), &base).credential(credential(&args.local)?);
    if let Some(proxy) = proxy {
        suite = suite.network(proxy);
    }
    Ok(suite.telling(teller(cases)).run().await)
}

#[cfg(not(feature = "wasm"))]
async fn component(_: &CheckArgs, _: &Path, _: File) -> anyhow::Result<Report> {
    bail!("load a component: this program was built without them")
}

/// The host does the requests of a component: what it meets is put there.
#[cfg(feature = "wasm")]
async fn component(args: &CheckArgs, path: &Path, cases: File) -> anyhow::Result<Report> {
    use super::wire::WireFaults;

    let endpoint = args.endpoint.as_deref();
    let options = options(args, endpoint)?;
    if let Some(tape) = &args.replay {
        return replayed(path, &options, tape, cases).await;
    }
    if let Some(tape) = &args.record {
        return recorded(args, path, &options, tape, cases).await;
    }
    if !args.faults {
        let handle = load(path, &options)?;
        let base = base(args, endpoint, &handle)?;
        let suite = Suite::new(handle.storage(), &base).credential(credential(&args.local)?);
        return Ok(suite.telling(teller(cases)).run().await);
    }
    let faults = Arc::new(WireFaults::default());
    let handle = load_through(path, &options, Arc::clone(&faults) as _)?;
    let base = base(args, endpoint, &handle)?;
    let suite = Suite::new(handle.storage(), &base)
        .credential(credential(&args.local)?)
        .network(faults);
    Ok(suite.telling(teller(cases)).run().await)
}

#[cfg(feature = "wasm")]
async fn recorded(
    args: &CheckArgs,
    path: &Path,
    options: &Value,
    tape: &Path,
    cases: File,
) -> anyhow::Result<Report> {
    use super::wire::{Current, Head, Recorder, Redactor};

    // The head of the file tells what only the plugin knows; loading it sends nothing.
    let asked = load(path, options)?;
    let credential = credential(&args.local)?;
    let base = base(args, args.endpoint.as_deref(), &asked)?;
    let run = format!("causeway-check-{}", uuid::Uuid::new_v4().simple());
    let redactor = Redactor::new(&credential, options);
    let kind = credential.kind();
    let head = Head::new(asked.name(), &redactor.uri(&base), &run, kind);
    let current = Current::default();
    let recorder = Recorder::create(tape, &head, Arc::clone(&current), redactor)?;
    let recorder = Arc::new(recorder);
    let handle = load_through(path, options, Arc::clone(&recorder) as _)?;
    let suite = Suite::new(handle.storage(), &base)
        .credential(credential)
        .recorded(&run)
        .telling(noting(current, cases));
    let report = suite.run().await;
    recorder.finish()?;
    Ok(report)
}

#[cfg(feature = "wasm")]
async fn replayed(
    path: &Path,
    options: &Value,
    tape: &Path,
    cases: File,
) -> anyhow::Result<Report> {
    use super::wire::{Current, Recording, Redactor, Replay};

    let recording = Recording::read(tape)?;
    let head = recording.head.clone();
    let current = Current::default();
    let redactor = Redactor::new(&Credential::None, options);
    let replay = Replay::new(recording, Arc::clone(&current), redactor);
    let handle = load_through(path, options, Arc::new(replay))?;
    if handle.name() != head.plugin {
        bail!(
            "replay {}: it is of the plugin {}",
            tape.display(),
            head.plugin
        );
    }
    let suite = Suite::new(handle.storage(), &head.base)
        .credential(stand_in(head.credential))
        .replayed(&head.run)
        .telling(noting(current, cases));
    Ok(suite.run().await)
}

/// A credential of a kind, for whom there is nobody to show it to.
#[cfg(feature = "wasm")]
fn stand_in(kind: causeway_sdk::capability::CredentialKind) -> Credential {
    use causeway_sdk::Secret;
    use causeway_sdk::capability::CredentialKind;

    match kind {
        CredentialKind::None => Credential::None,
        CredentialKind::Bearer => Credential::Bearer(Secret::new("replayed")),
        CredentialKind::X509 => Credential::X509(Secret::new("replayed")),
        CredentialKind::Keys => Credential::Keys {
            access: "replayed".to_owned(),
            secret: Secret::new("replayed"),
            token: None,
            region: None,
        },
    }
}

fn options(args: &CheckArgs, endpoint: Option<&str>) -> anyhow::Result<Value> {
    let text = with_endpoint(&args.options, endpoint);
    serde_json::from_str(&text).context("understand --options: it is no JSON")
}

fn base(args: &CheckArgs, endpoint: Option<&str>, handle: &PluginHandle) -> anyhow::Result<String> {
    if let Some(base) = &args.base {
        return Ok(with_endpoint(base, endpoint));
    }
    let scheme = handle.schemes().first();
    let scheme = scheme.context("the plugin serves no scheme")?;
    Ok(format!("{scheme}://localhost/"))
}

fn with_endpoint(text: &str, endpoint: Option<&str>) -> String {
    endpoint.map_or_else(|| text.to_owned(), |it| text.replace(ENDPOINT, it))
}

/// Tells whoever started this process which case begins.
fn teller(mut cases: File) -> impl FnMut(&str) + Send + 'static {
    move |case| {
        // Whoever listens has gone, and takes this process with it.
        drop(writeln!(cases, "{CASE}{case}"));
    }
}

/// The same, and notes it for what stands before the network.
#[cfg(feature = "wasm")]
fn noting(current: super::wire::Current, cases: File) -> impl FnMut(&str) + Send + 'static {
    let mut tell = teller(cases);
    move |case| {
        case.clone_into(&mut current.lock());
        tell(case);
    }
}

#[cfg(feature = "wasm")]
fn is_component(path: &Path) -> anyhow::Result<bool> {
    Ok(Host::is_component(path)?)
}

#[cfg(not(feature = "wasm"))]
fn is_component(_: &Path) -> anyhow::Result<bool> {
    Ok(false)
}

/// The library itself, or the one of a folder with a manifest.
fn library(path: &Path) -> anyhow::Result<PathBuf> {
    Ok(match path.is_dir() {
        true => Manifest::read(path)?.library(path),
        false => path.to_owned(),
    })
}

/// Standard output, moved to where a plugin that prints does not find it.
fn take_output() -> std::io::Result<OwnedFd> {
    let output = std::io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok(output)
}
