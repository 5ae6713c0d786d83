//! Figures: collected, printed, written.

use std::path::Path;

use serde_json::{Value, json};

/// The figures of a run.
#[derive(Default)]
pub(crate) struct Report(Vec<Value>);

impl Report {
    /// Adds a figure.
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &str) {
        eprintln!("{name}: {value:.3} {unit}");
        self.0
            .push(json!({ "name": name, "value": value, "unit": unit }));
    }

    /// Prints a table.
    pub(crate) fn print(&self) {
        println!("{:<58} {:>14} unit", "figure", "value");
        for figure in &self.0 {
            let (name, unit) = (
                figure["name"].as_str().unwrap_or(""),
                figure["unit"].as_str().unwrap_or(""),
            );
            println!(
                "{name:<58} {:>14.3} {unit}",
                figure["value"].as_f64().unwrap_or(f64::NAN)
            );
        }
    }

    /// Writes the JSON; what other benchmarks of the run have written stays.
    pub(crate) fn write(&self, path: &Path) {
        let mut all: Vec<Value> = std::fs::read(path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        all.extend(self.0.iter().cloned());
        let text = serde_json::to_vec_pretty(&all).expect("figures are plain JSON");
        std::fs::write(path, text).expect("the report can be written");
    }
}

/// The middle value.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
