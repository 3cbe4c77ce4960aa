//! Completion curves, drawn as SVG.

use std::fmt::Write;

use starling_core::time::micros;

use super::figures::Figures;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 60.0;
const COLOURS: [&str; 4] = ["#1b6ca8", "#c8553d", "#3c7a3a", "#7a5195"];
/// Points of a curve at most.
const POINTS: usize = 500;

/// What share of all chunks is where it should be, and what share of the downloaders is done, over time: a thin and a
/// thick curve for each policy, and the least time that any schedule needs.
#[must_use]
pub(super) fn svg(runs: &[(&str, Figures)]) -> String {
    let bound = runs.iter().map(|(_, figures)| micros(figures.bound)).max().unwrap_or(1);
    let last = runs.iter().map(|(_, figures)| micros(figures.last())).max().unwrap_or(1).max(bound);
    let plane = Plane { micros: last as f64 * 1.02 };
    let mut svg = String::new();
    let out = &mut svg;
    _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">"#
    );
    _ = writeln!(out, r#"<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>"#);
    plane.axes(out, bound);
    for ((name, figures), colour) in runs.iter().zip(COLOURS.iter().cycle()) {
        let mut chunks: Vec<u64> =
            figures.courses.iter().flat_map(|course| &course.times).map(|at| at.as_micros()).collect();
        let mut done: Vec<u64> =
            figures.courses.iter().filter_map(|course| course.done).map(|at| at.as_micros()).collect();
        chunks.sort_unstable();
        done.sort_unstable();
        plane.curve(out, &chunks, colour, 1.0);
        plane.curve(out, &done, colour, 2.5);
        let place = runs.iter().position(|(other, _)| other == name).unwrap_or(0);
        let (x, y) = (MARGIN + 12.0, MARGIN + 16.0 * place as f64);
        let ratio = figures.ratio() as f64 / 10_000.0;
        _ = writeln!(out, r#"<text x="{x}" y="{y}" fill="{colour}">{name}: {ratio:.3} × D</text>"#);
    }
    svg.push_str("</svg>\n");
    svg
}

/// The plane on which curves are drawn: from nothing to everything, from the start to the end.
struct Plane {
    micros: f64,
}

impl Plane {
    fn x(&self, at: u64) -> f64 {
        MARGIN + at as f64 / self.micros * (WIDTH - 2.0 * MARGIN)
    }

    fn y(share: f64) -> f64 {
        HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN)
    }

    fn axes(&self, out: &mut String, bound: u64) {
        let (left, right) = (MARGIN, WIDTH - MARGIN);
        for tenth in 0..=10 {
            let (y, share) = (Plane::y(f64::from(tenth) / 10.0), tenth * 10);
            _ = writeln!(out, r##"<path d="M{left} {y:.1}H{right}" stroke="#ddd"/>"##);
            _ = writeln!(
                out,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{share} %</text>"#,
                left - 8.0,
                y + 4.0
            );
            let at = self.micros * f64::from(tenth) / 10.0;
            let x = left + (right - left) * f64::from(tenth) / 10.0;
            let below = HEIGHT - MARGIN + 20.0;
            _ = writeln!(
                out,
                r#"<text x="{x:.1}" y="{below:.1}" text-anchor="middle">{:.1} s</text>"#,
                at / 1e6
            );
        }
        let (x, top, bottom) = (self.x(bound), Plane::y(1.0), Plane::y(0.0));
        _ = writeln!(
            out,
            r##"<path d="M{x:.1} {top:.1}V{bottom:.1}" stroke="#888" stroke-dasharray="4 3"/>"##
        );
        _ = writeln!(
            out,
            r##"<text x="{x:.1}" y="{:.1}" text-anchor="middle" fill="#888">D</text>"##,
            top - 6.0
        );
    }

    /// The share of these instants that has passed, over time.
    fn curve(&self, out: &mut String, times: &[u64], colour: &str, width: f64) {
        let step = times.len().div_ceil(POINTS).max(1);
        let mut path = format!("M{:.1} {:.1}", self.x(0), Plane::y(0.0));
        for (place, at) in times.iter().enumerate() {
            if (place + 1) % step == 0 || place + 1 == times.len() {
                let share = (place + 1) as f64 / times.len() as f64;
                _ = write!(path, "L{:.1} {:.1}", self.x(*at), Plane::y(share));
            }
        }
        _ = writeln!(out, r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>"#);
    }
}
