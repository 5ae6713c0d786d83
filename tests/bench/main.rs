//! The benchmark suite of the whole program: `make bench`.
//!
//! Starts release gateways of its own, loads them over loopback, runs the peers beside them in the
//! same run, prints a table, and writes the same as JSON. Figures of one run on one machine; ratios
//! count more than absolute numbers. Every loop is bounded.

mod load;
mod movement;
mod report;

use report::Report;

fn main() {
    let path = std::env::args().nth(1).unwrap_or_else(|| "target/bench.json".to_owned());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let mut report = Report::default();
    runtime.block_on(async {
        load::run(&mut report).await;
        movement::run(&mut report);
    });
    report.print();
    report.write(std::path::Path::new(&path));
}
