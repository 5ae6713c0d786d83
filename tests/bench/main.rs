//! The benchmark suite of the whole program: `make bench`.
//!
//! Starts release gateways of its own, loads them over loopback, runs the peers beside them in the
//! same run, prints a table, and writes the same as JSON. Figures of one run on one machine; ratios
//! count more than absolute numbers. Every loop is bounded.

mod beside;
mod components;
mod flood;
mod gridftp;
mod history;
mod line;
mod load;
mod movement;
mod processes;
mod report;
mod states;
mod stores;

use report::Report;
use states::States;

fn main() {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target/bench.json".to_owned());
    // One part alone, to look closer: `causeway-bench FILE load`.
    let part = std::env::args().nth(2);
    let wanted = |name: &str| part.as_deref().is_none_or(|it| it == name);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let mut report = Report::default();
    let states = States::new();
    runtime.block_on(async {
        if wanted("load") {
            load::run(&mut report, &states).await;
        }
        if wanted("history") {
            history::run(&mut report, &states).await;
        }
        if wanted("movement") {
            movement::run(&mut report);
        }
        if wanted("components") {
            components::run(&mut report).await;
        }
        if wanted("stores") {
            stores::large(&mut report);
        }
        if wanted("stores-small") {
            stores::small(&mut report).await;
        }
        if wanted("gridftp") {
            gridftp::large(&mut report);
            gridftp::at_once(&mut report).await;
        }
        if wanted("gridftp-small") {
            gridftp::small(&mut report).await;
        }
    });
    report.print();
    report.write(std::path::Path::new(&path));
}
