//! The command line, as data. What commands without a gateway are told stands in `local`, what those
//! about plugins are told stands with them.

mod local;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::plugins::PluginsCommand;
pub use local::{CopyArgs, LocalArgs, MkdirArgs, MvArgs, SumArgs, UrlArgs};

/// Storage protocol gateway: moves files between storages of different protocols.
#[derive(Debug, Parser)]
#[command(
    name = "causeway",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "Try it:\n  causeway serve --dev\n  . var/env.sh\n  \
    causeway submit file:///$PWD/var/data/in/hello mock://demo/hello --wait\n\
    Exit status: 0 done, 1 the operation failed, 2 wrong usage.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway.
    #[command(
        after_help = "Examples:\n  causeway serve --dev --listen 127.0.0.1:8446\n  causeway serve --config /etc/causeway/causeway.toml"
    )]
    Serve(ServeArgs),
    /// Internal: run transfers and plugins for a gateway that started this process.
    #[command(hide = true)]
    Worker,
    /// Internal: try a plugin for a gateway, in a process that may die of it.
    #[command(hide = true)]
    TryPlugin,
    /// Submit a transfer, or a job from a file; prints the job id.
    #[command(
        after_help = "Examples:\n  causeway submit davs://a.example/f davs://b.example/f --wait\n  causeway submit --file job.json"
    )]
    Submit(Box<SubmitArgs>),
    /// Show a job.
    Status(JobArgs),
    /// Tell why transfers of a job wait.
    #[command(after_help = "Examples:\n  causeway explain JOB\n  causeway explain JOB 1234 --json")]
    Explain(ExplainArgs),
    /// List jobs; those that have not ended, unless states are named.
    List(ListArgs),
    /// Cancel jobs. `JOB:FILE,FILE` cancels some transfers of a job.
    Cancel(CancelArgs),
    /// Show how the gateway sees you.
    Whoami(RemoteArgs),
    /// Leave a proxy with the gateway, so that it can act for you.
    Delegate(DelegateArgs),
    /// Ban a storage or a user.
    Ban(BanArgs),
    /// Lift a ban.
    Unban(BanArgs),
    /// List the gateway's worker processes, and plugins that are out of service.
    Workers(RemoteArgs),
    /// Copy a file without a gateway: engine and plugins run in this process.
    #[command(
        after_help = "Example:\n  causeway copy --checksum adler32 davs://a.example/f file:///tmp/f"
    )]
    Copy(CopyArgs),
    /// Show metadata of a URL.
    Stat(UrlArgs),
    /// List a directory.
    Ls(UrlArgs),
    /// Make a directory.
    Mkdir(MkdirArgs),
    /// Remove an empty directory.
    Rmdir(UrlArgs),
    /// Remove a file.
    Rm(UrlArgs),
    /// Rename on one storage.
    Mv(MvArgs),
    /// Print a checksum.
    Sum(SumArgs),
    /// Plugins: what is there, and whether one is any good.
    #[command(subcommand)]
    Plugins(PluginsCommand),
    /// Print shell completions.
    #[command(
        after_help = "Example:\n  causeway completions bash > /etc/bash_completion.d/causeway"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Options of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Configuration file (TOML).
    #[arg(long, env = "CAUSEWAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Need no configuration: make certificates, a user and demo storages in the state directory.
    #[arg(long)]
    pub dev: bool,
    /// Where `--dev` keeps its things.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Address and port of the REST API; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Plain HTTP as well, on a loopback address, with every request as the dev user. Only with --dev.
    #[arg(long, value_name = "ADDR:PORT", requires = "dev")]
    pub dev_http: Option<SocketAddr>,
    #[command(flatten)]
    pub plugins: PluginDirs,
}

/// Where plugins are.
#[derive(Debug, Clone, Default, Args)]
pub struct PluginDirs {
    /// Directory with one folder per plugin; may be repeated, a later one wins.
    #[arg(long = "plugin-dir", value_name = "DIR")]
    pub plugin_dir: Vec<PathBuf>,
}

/// How to reach the gateway.
#[derive(Debug, Clone, Args)]
pub struct RemoteArgs {
    /// The gateway [default: $CAUSEWAY_ENDPOINT, $FTS_ENDPOINT, https://localhost:8446].
    #[arg(short = 's', long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Certificate or proxy, PEM [default: $X509_USER_PROXY, /tmp/x509up_uUID, $X509_USER_CERT].
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Key, PEM; the certificate's file when it holds both.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Trusted CAs [default: $X509_CERT_DIR, /etc/grid-security/certificates].
    #[arg(long, value_name = "DIR")]
    pub capath: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(short = 'j', long)]
    pub json: bool,
}

/// Options of `submit`.
#[derive(Debug, Clone, Args)]
pub struct SubmitArgs {
    /// From here.
    #[arg(required_unless_present = "file", requires = "destination")]
    pub source: Option<String>,
    /// To there.
    pub destination: Option<String>,
    /// A job as JSON, as for POST /jobs; `-` for standard input.
    #[arg(short, long, value_name = "JOB.json", conflicts_with_all = ["source", "destination"])]
    pub file: Option<PathBuf>,
    /// Follow the job with a progress bar until it ends.
    #[arg(short = 'b', long, alias = "blocking")]
    pub wait: bool,
    /// Seconds between looks while waiting.
    #[arg(short = 'i', long, default_value_t = 0.5, value_name = "SECONDS")]
    pub interval: f64,
    /// Replace an existing destination.
    #[arg(short = 'o', long)]
    pub overwrite: bool,
    /// Checksum of the file, `ALGORITHM:VALUE` or `ALGORITHM`.
    #[arg(short = 'K', long, value_name = "ALG[:VALUE]")]
    pub checksum: Option<String>,
    /// What to verify.
    #[arg(long, value_parser = ["none", "source", "target", "both"], value_name = "MODE")]
    pub compare_checksum: Option<String>,
    /// Attempts after the first.
    #[arg(long, value_name = "N")]
    pub retry: Option<i32>,
    /// 1 to 5, 5 first.
    #[arg(long, value_name = "N")]
    pub priority: Option<i32>,
    /// Seconds for the copy.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Activity, for shares.
    #[arg(long, value_name = "NAME")]
    pub activity: Option<String>,
    /// Print what would be sent, and stop.
    #[arg(long)]
    pub dry_run: bool,
    /// Let the gateway check it and tell what would become of it, and submit nothing.
    #[arg(long, conflicts_with_all = ["wait", "dry_run"])]
    pub plan: bool,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `status`.
#[derive(Debug, Clone, Args)]
pub struct JobArgs {
    /// Id of the job.
    pub job: String,
    /// Show its transfers too.
    #[arg(short = 'l', long)]
    pub files: bool,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Id of the job.
    pub job: String,
    /// Id of the transfer [default: all that wait, at most 100].
    pub file: Option<String>,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// States, separated by commas.
    #[arg(long, value_name = "STATES")]
    pub state: Option<String>,
    /// VO.
    #[arg(long, value_name = "VO")]
    pub vo: Option<String>,
    /// Source storage.
    #[arg(long, value_name = "SE")]
    pub source_se: Option<String>,
    /// Destination storage.
    #[arg(long, value_name = "SE")]
    pub dest_se: Option<String>,
    /// At most so many, newest first.
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `cancel`.
#[derive(Debug, Clone, Args)]
pub struct CancelArgs {
    /// Jobs, or `JOB:FILE,FILE`.
    #[arg(required = true)]
    pub jobs: Vec<String>,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `delegate`.
#[derive(Debug, Clone, Args)]
pub struct DelegateArgs {
    /// Life of the delegated proxy, in hours.
    #[arg(short = 'H', long, default_value_t = 12, value_name = "HOURS")]
    pub hours: u32,
    /// Even when a good one is there.
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `ban` and `unban`.
#[derive(Debug, Clone, Args)]
pub struct BanArgs {
    /// A storage (`scheme://host`) or a DN (begins with `/`).
    pub who: String,
    /// Let queued work wait instead of cancelling it. Storages only.
    #[arg(long)]
    pub wait: bool,
    /// Why.
    #[arg(long, default_value = "")]
    pub message: String,
    #[command(flatten)]
    pub remote: RemoteArgs,
}
