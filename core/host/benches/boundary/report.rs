//! Rounds of a measurement, and how their figures are printed. Knows nothing of what is measured.

const ROUNDS: usize = if cfg!(debug_assertions) { 1 } else { 41 };

/// Median and best of rounds that take turns: linked, native. One round of each goes before, to
/// warm up. The best is that of a moment when nobody else was at the machine.
pub(crate) async fn rounds(mut round: impl AsyncFnMut(bool) -> f64) -> [Times; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..2 * (ROUNDS + 1) {
        let time = round(turn % 2 == 1).await;
        if turn >= 2 {
            times[turn % 2].push(time);
        }
    }
    times.map(|mut it| {
        it.sort_by(f64::total_cmp);
        Times {
            median: it[it.len() / 2],
            best: it[0],
        }
    })
}

#[derive(Clone, Copy)]
pub(crate) struct Times {
    median: f64,
    best: f64,
}

impl Times {
    pub(crate) fn map(self, to: impl Fn(f64) -> f64) -> Self {
        Self {
            median: to(self.median),
            best: to(self.best),
        }
    }
}

/// Figures: name, unit, linked, native.
#[derive(Default)]
pub(crate) struct Report(Vec<(String, &'static str, [Times; 2])>);

impl Report {
    pub(crate) fn pair(&mut self, name: &str, unit: &'static str, values: [Times; 2]) {
        self.0.push((name.to_owned(), unit, values));
    }

    pub(crate) fn table(&self) {
        println!("{:26} {:^29} {:^29}", "", "median", "best");
        print!("{:26}", "");
        for _ in 0..2 {
            print!(" {:>9} {:>9} {:>9}", "linked", "native", "ratio");
        }
        println!();
        for (name, unit, [linked, native]) in &self.0 {
            print!("{name:26}");
            for (linked, native) in [(linked.median, native.median), (linked.best, native.best)] {
                print!(" {linked:9.1} {native:9.1} {:9.3}", native / linked);
            }
            println!("  {unit}");
        }
    }

    pub(crate) fn json(&self) {
        for (name, unit, values) in &self.0 {
            for (which, Times { median, best }) in ["linked", "native"].into_iter().zip(values) {
                println!(
                    "{{\"bench\":\"boundary\",\"name\":\"{name} {which}\",\"value\":{median:.3},\
                     \"unit\":\"{unit}\",\"best\":{best:.3}}}"
                );
            }
        }
    }
}
