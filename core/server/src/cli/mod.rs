//! The command line: what was typed, and which command runs it.

pub mod args;
mod copy;
mod explain;
mod local;
mod output;
mod plugins;
mod remote;
mod workers;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};

/// Understands the command line and runs it. 0 done, 1 failed with one line on standard error,
/// 2 wrong usage.
pub fn main() -> ExitCode {
    causeway_sdk::secret::mask_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("start the runtime")),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    let text = format!("{error:#}").replace('\n', " ");
    eprintln!("causeway: {text}");
    ExitCode::FAILURE
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => crate::serve::serve(&args).await,
        Command::Worker => crate::worker::work().await,
        Command::TryPlugin => crate::plugins::try_plugin().await,
        Command::Submit(args) => remote::submit(&args).await,
        Command::Status(args) => remote::status(&args).await,
        Command::Explain(args) => explain::explain(&args).await,
        Command::List(args) => remote::list(&args).await,
        Command::Cancel(args) => remote::cancel(&args).await,
        Command::Whoami(args) => remote::whoami(&args).await,
        Command::Delegate(args) => remote::delegate_command(&args).await,
        Command::Ban(args) => remote::ban(&args).await,
        Command::Unban(args) => remote::unban(&args).await,
        Command::Workers(args) => workers::list(&args).await,
        Command::Copy(args) => copy::copy(&args).await,
        Command::Stat(args) => local::stat(&args).await,
        Command::Ls(args) => local::ls(&args).await,
        Command::Mkdir(args) => local::mkdir(&args).await,
        Command::Rmdir(args) => local::rmdir(&args).await,
        Command::Rm(args) => local::rm(&args).await,
        Command::Mv(args) => local::mv(&args).await,
        Command::Sum(args) => local::sum(&args).await,
        Command::Plugins(command) => plugins::run(&command).await,
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "causeway",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
