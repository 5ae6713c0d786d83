//! `causeway-componentize FOLDER [OUTPUT [CACHE]]`: what `causeway plugins build` does, for scripts that have
//! no gateway yet.

use std::path::PathBuf;
use std::process::ExitCode;

use causeway_componentize::Project;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: causeway-componentize FOLDER [OUTPUT [CACHE]]");
        return ExitCode::from(2);
    };
    let project = Project {
        folder,
        output: arguments.next(),
        cache: arguments.next(),
        native: false,
    };
    match project.build() {
        Ok(file) => {
            println!("{}", file.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to {error:#}");
            ExitCode::FAILURE
        }
    }
}
