//! Tries the optimizer in simulated worlds and prints what each mode is worth.
//!
//! `cargo run --release -p causeway-engine --example optimizer_sim -- [--svg FOLDER] [--story
//! SCENARIO] [--seeds N]` prints the tables of docs/optimizer.md; with `--svg` it draws the plots
//! too, with `--story` it prints instead what mode 4 said in one scenario.

mod plot;
mod sim;

use causeway_engine::optimizer::Mode;
use sim::measure::{Figures, Reference, figures, reference};
use sim::run::{Policy, Story, run};
use sim::scenario::{Scenario, all, named};

const MODES: [(Mode, &str); 4] = [
    (Mode::Conservative, "1"),
    (Mode::Normal, "2"),
    (Mode::Aggressive, "3"),
    (Mode::Own, "4"),
];

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|it| it == name)?;
        arguments.get(at + 1)
    };
    if let Some(name) = value("--story") {
        tell(&named(name));
        return Ok(());
    }
    let seeds = value("--seeds").and_then(|it| it.parse().ok()).unwrap_or(5);
    for scenario in all() {
        let first = compare(&scenario, seeds);
        if let Some(folder) = value("--svg") {
            let path = std::path::Path::new(folder).join(format!("{}.svg", scenario.name));
            std::fs::write(path, plot::draw(&scenario, &first))?;
        }
    }
    Ok(())
}

/// What mode 4 said, and how its pipes did.
fn tell(scenario: &Scenario) {
    let story = run(scenario, Policy::Mode(Mode::Own), 1, scenario.lasts);
    for (second, link, active, rationale) in &story.said {
        let moment = &story.moments[(*second as usize).saturating_sub(1)];
        println!(
            "{second:6} link {link} -> {active:3}  ran {:3} at {:5.0} MB/s  {rationale}",
            moment.running[*link],
            moment.rates[*link] / 1e6
        );
    }
}

/// Prints the table of one scenario; gives the stories of the first seed.
fn compare(scenario: &Scenario, seeds: u64) -> Vec<(&'static str, Story)> {
    println!("### {}\n\n{}.\n", scenario.name, sentence(scenario.about));
    let references: Vec<Reference> = (1..=seeds)
        .map(|seed| reference(scenario, seed, scenario.lasts))
        .collect();
    let limits: Vec<u32> = references.iter().map(|it| it.limit).collect();
    println!("Best unchanging number for a link: {}.\n", span(&limits));
    println!(
        "| mode | goodput | to 90 % | to the knee | load | wobble | change/min | fairness | \
         reaction | recovery | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut first = Vec::new();
    for (mode, name) in MODES {
        let mut rows = Vec::new();
        for (seed, reference) in (1..).zip(&references) {
            let story = run(scenario, Policy::Mode(mode), seed, scenario.lasts);
            rows.push(figures(scenario, &story, reference));
            if seed == 1 {
                first.push((name, story));
            }
        }
        println!("| {name} | {} |", cells(&rows).join(" | "));
    }
    println!();
    first
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |it| {
        it.to_uppercase().collect::<String>() + letters.as_str()
    })
}

fn span(numbers: &[u32]) -> String {
    let (min, max) = (numbers.iter().min(), numbers.iter().max());
    match (min, max) {
        (Some(min), Some(max)) if min != max => format!("{min} to {max}, by seed"),
        (Some(min), _) => min.to_string(),
        _ => String::new(),
    }
}

/// The median of each figure.
fn cells(rows: &[Figures]) -> Vec<String> {
    let median = |pick: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = rows.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let seconds = |value: f64| {
        if value.is_finite() {
            format!("{value:.0} s")
        } else {
            "never".to_owned()
        }
    };
    let has_outage = rows
        .iter()
        .any(|it| it.recovery.is_some() || it.reaction.is_some());
    let during = |value: f64| {
        if has_outage {
            seconds(value)
        } else {
            String::new()
        }
    };
    vec![
        format!("{:.1} %", 100.0 * median(|it| it.goodput)),
        seconds(median(|it| it.to_90.unwrap_or(f64::INFINITY))),
        seconds(median(|it| it.to_knee.unwrap_or(f64::INFINITY))),
        format!("{:.2}", median(|it| it.load)),
        format!("{:.0} %", 100.0 * median(|it| it.wobble)),
        format!("{:.1}", median(|it| it.change)),
        format!("{:.3}", median(|it| it.fairness)),
        during(median(|it| it.reaction.unwrap_or(f64::INFINITY))),
        during(median(|it| it.recovery.unwrap_or(f64::INFINITY))),
        format!("{:.0}", median(|it| it.failed as f64)),
    ]
}
