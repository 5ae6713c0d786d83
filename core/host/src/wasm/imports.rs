//! What a component may import. Its type says what it needs before it runs, so whatever is not
//! listed here is a reason to refuse it.

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::state::State;
use super::v0_1;

/// What languages with a runtime of their own import. They get clocks, random numbers, a place
/// to print to, and empty everything else.
const RUNTIMES: [&str; 6] = [
    "wasi:io/",
    "wasi:clocks/",
    "wasi:random/",
    "wasi:cli/",
    "wasi:filesystem/",
    "wasi:sockets/",
];

/// What a component imports, in kinds.
pub(super) struct Needs {
    /// A language's runtime is in it.
    pub(super) runtime: bool,
}

/// Looks through the imports; an error names the first that no component may have.
pub(super) fn check(engine: &Engine, component: &Component) -> Result<Needs, String> {
    let mut needs = Needs { runtime: false };
    for (name, _) in component.component_type().imports(engine) {
        if is_runtime(name) {
            needs.runtime = true;
        } else if let Some(rest) = name.strip_prefix(v0_1::PACKAGE) {
            let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
            if version != v0_1::VERSION {
                return Err(format!(
                    "it imports {interface} of version {version} of the contract, and this gateway knows {}",
                    v0_1::VERSION
                ));
            }
        } else {
            return Err(format!("it imports {name}, which no plugin may have"));
        }
    }
    Ok(needs)
}

fn is_runtime(name: &str) -> bool {
    let second = name
        .split_once('@')
        .is_some_and(|(_, version)| version.starts_with("0.2."));
    second && RUNTIMES.iter().any(|prefix| name.starts_with(prefix))
}

/// Everything a component may import, by name.
pub(super) fn linker(engine: &Engine, needs: &Needs) -> Result<Linker<State>, String> {
    let mut linker = Linker::new(engine);
    let failed = |source: wasmtime::Error| format!("{source:#}");
    v0_1::add_to_linker(&mut linker).map_err(failed)?;
    if needs.runtime {
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(failed)?;
    }
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_second_preview_is_known() {
        assert!(is_runtime("wasi:io/streams@0.2.6"));
        for name in [
            "wasi:http/types@0.2.6",
            "wasi:io/streams@0.3.0",
            "wasi:io/streams",
            "x:y/z@0.2.0",
        ] {
            assert!(!is_runtime(name), "{name}");
        }
    }
}
