//! Two charts over time, as SVG: the number, and the throughput. No fonts but the viewer's.

use std::fmt::Write;

use super::sim::run::Story;
use super::sim::scenario::Scenario;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 46.0;
const GAP: f64 = 42.0;
const COLOURS: [&str; 4] = ["#9aa5b1", "#d9822b", "#b83280", "#1f6feb"];
const POINTS: usize = 430;

/// Draws the runs of one scenario.
pub(crate) fn draw(scenario: &Scenario, stories: &[(&str, Story)]) -> String {
    let mut svg = String::new();
    let height = TOP + 2.0 * HEIGHT + GAP + 40.0;
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#ffffff\"/>\n",
            LEFT + WIDTH + 20.0
        ),
    );
    put(
        &mut svg,
        format_args!(
            "<text x=\"{LEFT}\" y=\"18\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
            scenario.name
        ),
    );
    for (index, (name, _)) in stories.iter().enumerate() {
        let x = LEFT + 150.0 + 90.0 * index as f64;
        put(
            &mut svg,
            format_args!(
                "<rect x=\"{x}\" y=\"9\" width=\"14\" height=\"9\" fill=\"{}\"/>\
             <text x=\"{:.0}\" y=\"18\">mode {name}</text>\n",
                COLOURS[index % COLOURS.len()],
                x + 19.0
            ),
        );
    }
    let numbers = |story: &Story| -> Vec<f64> {
        let sum = |it: &super::sim::run::Moment| it.limits.iter().map(|it| f64::from(*it)).sum();
        story.moments.iter().map(sum).collect()
    };
    let throughputs = |story: &Story| -> Vec<f64> {
        let sum = |it: &super::sim::run::Moment| it.rates.iter().sum::<f64>() / 1e6;
        smooth(&story.moments.iter().map(sum).collect::<Vec<_>>(), 30)
    };
    let series = |pick: &dyn Fn(&Story) -> Vec<f64>| -> Vec<Vec<f64>> {
        stories.iter().map(|(_, story)| pick(story)).collect()
    };
    chart(
        &mut svg,
        TOP,
        "transfers allowed, all links",
        &series(&numbers),
    );
    let below = TOP + HEIGHT + GAP;
    chart(&mut svg, below, "throughput, MB/s", &series(&throughputs));
    svg.push_str("</svg>\n");
    svg
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a string takes any text");
}

fn smooth(values: &[f64], span: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut smooth = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        sum += value;
        if index >= span {
            sum -= values[index - span];
        }
        smooth.push(sum / (index + 1).min(span) as f64);
    }
    smooth
}

fn chart(svg: &mut String, top: f64, title: &str, series: &[Vec<f64>]) {
    let highest = series.iter().flatten().copied().fold(1.0, f64::max);
    let unit = round_up(highest / 4.0);
    let ceiling = unit * (highest / unit).ceil();
    let seconds = series.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let y = |value: f64| top + HEIGHT * (1.0 - value / ceiling);
    let x = |second: f64| LEFT + WIDTH * second / seconds;
    put(
        svg,
        format_args!("<text x=\"{LEFT}\" y=\"{:.0}\">{title}</text>\n", top - 7.0),
    );
    for line in 0..=(ceiling / unit).round() as u32 {
        let value = unit * f64::from(line);
        let at = y(value);
        put(
            svg,
            format_args!(
                "<line x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#e1e4e8\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>\n",
                LEFT + WIDTH,
                LEFT - 6.0,
                at + 4.0
            ),
        );
    }
    for minute in (0..=(seconds / 60.0) as u32).step_by(10) {
        let at = x(f64::from(minute) * 60.0);
        put(
            svg,
            format_args!(
                "<text x=\"{at:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{minute} min</text>\n",
                top + HEIGHT + 16.0
            ),
        );
    }
    for (index, values) in series.iter().enumerate() {
        let step = (values.len() / POINTS).max(1);
        let points: Vec<String> = values
            .iter()
            .enumerate()
            .step_by(step)
            .map(|(second, value)| format!("{:.0},{:.1}", x(second as f64), y(*value)))
            .collect();
        put(
            svg,
            format_args!(
                "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" points=\"{}\"/>\n",
                COLOURS[index % COLOURS.len()],
                points.join(" ")
            ),
        );
    }
}

/// 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|it| it * power)
        .find(|it| *it >= value)
        .unwrap_or(value)
}
