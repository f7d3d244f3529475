//! `benches/RESULTS.md` and its plot, out of what was measured last. What people wrote there stays, and so does what was measured
//! elsewhere and not here: what lies in this machine's `target/` goes before what stands there, whichever is newer.

use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use plotters::prelude::*;

use crate::checkpoints::Waited;
use crate::growth::SIZES;
use crate::report::{Bound, Case, Report, Verdict, read};
use crate::server::Result;

/// Between these two lines stands what is measured.
const BEGIN: &str = "<!-- Measured: written by `cargo bench --bench http -- --results`. -->";
const END: &str = "<!-- Written by people, from here on. -->";

/// The titles of what is measured.
const AGAINST_BARE: &str = "Against bare Rocket";
const GROWTH: &str = "With more users";
const SECONDS: &str = "Second by second";

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

/// Writes both.
pub(crate) fn write() -> Result<()> {
    let path = benches().join("RESULTS.md");
    let old = fs::read_to_string(&path)?;
    let (measured, by_people) = old.split_once(END).ok_or(format!("no line {END}"))?;
    let mut text = format!("# How fast Saryno is\n\n{BEGIN}\n");
    if let Some(report) = read::<Vec<Case>>("http")? {
        head(&mut text, AGAINST_BARE, &report)?;
        let before = read::<Vec<Case>>("http-before")?;
        if let Some(before) = &before {
            writeln!(text, "*Before* is the run of {}.\n", before.date)?;
        }
        let before = before.map(|before| before.results).unwrap_or_default();
        verdicts(&mut text, &report.results, &before)?;
        standings(&mut text, &report.results)?;
    } else {
        text += &section(measured, AGAINST_BARE);
    }
    if let Some(report) = read::<Vec<Case>>("growth")? {
        head(&mut text, GROWTH, &report)?;
        growth(&mut text, &report.results)?;
        plot(&benches().join("growth.svg"), &report.results)?;
    } else {
        text += &section(measured, GROWTH);
    }
    if let Some(report) = read::<Vec<Waited>>("checkpoints")? {
        head(&mut text, SECONDS, &report)?;
        checkpoints(&mut text, &report.results)?;
    } else {
        text += &section(measured, SECONDS);
    }
    fs::write(&path, format!("{text}\n{END}{by_people}"))?;
    println!("{}", path.display());
    Ok(())
}

/// What stands under a title, with it and the empty line above.
fn section(measured: &str, title: &str) -> String {
    let Some(start) = measured.find(&format!("\n## {title}\n")) else {
        return String::new();
    };
    let rest = &measured[start + 1..];
    let own = rest.find("\n## ").map_or(rest, |end| &rest[..end]);
    format!("\n{}\n", own.trim_end())
}

fn head<T>(text: &mut String, title: &str, report: &Report<T>) -> Result<()> {
    let (date, machine) = (&report.date, &report.machine);
    let command = ["cargo bench --bench http"].into_iter();
    let arguments = report.arguments.iter().map(String::as_str);
    let command = match report.arguments.len() {
        0 => command.collect::<Vec<_>>(),
        _ => command.chain(["--"]).chain(arguments).collect(),
    };
    let command = command.join(" ");
    writeln!(text, "\n## {title}\n\n`{command}`, {date}; {machine}.\n")?;
    Ok(())
}

fn verdicts(text: &mut String, cases: &[Case], before: &[Case]) -> Result<()> {
    // Where there is no run before, there is no column for it.
    let column = |text: &str| match before {
        [] => String::new(),
        _ => format!(" {text} |"),
    };
    let (title, line) = (column("before"), column("---"));
    writeln!(text, "| case | what |{title} is | must be | |")?;
    writeln!(text, "| --- | --- |{line} --- | --- | --- |")?;
    for (number, case) in cases.iter().enumerate() {
        for verdict in &case.verdicts {
            let before = before.get(number).and_then(|case| {
                let same = |old: &&Verdict| old.what == verdict.what;
                case.verdicts.iter().find(same)
            });
            let before = before.map(|old| format!("{:.2}", old.value));
            let before = column(&before.unwrap_or_default());
            let (bound, met) = match (verdict.bound, verdict.met) {
                (Bound::None, _) => (String::new(), ""),
                (Bound::AtLeast(least), true) => (format!("{least} at least"), "met"),
                (Bound::AtLeast(least), false) => (format!("{least} at least"), "**not met**"),
                (Bound::AtMost(most), true) => (format!("{most} at most"), "met"),
                (Bound::AtMost(most), false) => (format!("{most} at most"), "**not met**"),
            };
            let (title, what, value) = (&case.title, &verdict.what, verdict.value);
            writeln!(
                text,
                "| {title} | {what} |{before} {value:.2} | {bound} | {met} |"
            )?;
        }
    }
    Ok(())
}

fn standings(text: &mut String, cases: &[Case]) -> Result<()> {
    writeln!(
        text,
        "\n| case | who | connections | a second | p50, ms | p99, ms | MiB |"
    )?;
    writeln!(text, "| --- | --- | --- | --- | --- | --- | --- |")?;
    for case in cases {
        for one in &case.standings {
            let (rate, p50, p99) = (one.rate, one.p50, one.p99);
            let (title, name) = (&case.title, &one.name);
            let (connections, mib) = (one.connections, one.mib);
            writeln!(
                text,
                "| {title} | {name} | {connections} | {rate:.0} | {p50:.2} | {p99:.2} | {mib} |"
            )?;
        }
    }
    Ok(())
}

/// How a case did at each size against the bare program.
fn of_bare(case: &Case) -> impl Iterator<Item = (usize, f64)> {
    SIZES.iter().filter_map(|(users, name)| {
        let what = format!("{name} : bare");
        let verdict = case.verdicts.iter().find(|verdict| verdict.what == what)?;
        Some((*users, verdict.value))
    })
}

fn growth(text: &mut String, cases: &[Case]) -> Result<()> {
    writeln!(text, "![The share of bare Rocket's speed](growth.svg)\n")?;
    writeln!(
        text,
        "| case | users | a second | of bare | p99, ms | MiB |"
    )?;
    writeln!(text, "| --- | --- | --- | --- | --- | --- |")?;
    for case in cases {
        for ((_, ratio), one) in of_bare(case).zip(&case.standings) {
            let (title, name) = (&case.title, &one.name);
            let (rate, p99, mib) = (one.rate, one.p99, one.mib);
            writeln!(
                text,
                "| {title} | {name} | {rate:.0} | {ratio:.2} | {p99:.2} | {mib} |"
            )?;
        }
    }
    Ok(())
}

fn checkpoints(text: &mut String, all: &[Waited]) -> Result<()> {
    writeln!(
        text,
        "| ms | answers | p50 | p99 | p99.9 | slowest | p99 of the middle second | of the worst |"
    )?;
    writeln!(text, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for waited in all {
        let [p50, p99, p999, most] = waited.all;
        let (what, answers) = (&waited.what, waited.answers);
        let (middle, worst) = (waited.middle(), waited.worst());
        writeln!(
            text,
            "| {what} | {answers} | {p50:.2} | {p99:.2} | {p999:.2} | {most:.2} | {middle:.2} | {worst:.2} |"
        )?;
    }
    Ok(())
}

/// A number of users as it is called.
fn grouped(users: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "ten million at most")]
    let size = SIZES
        .iter()
        .find(|(size, _)| (*size as f64 - users).abs() < 0.5);
    size.map_or_else(|| format!("{users:.0}"), |(_, name)| (*name).to_owned())
}

/// A line for each case: users against the share of the bare program's speed.
#[expect(clippy::cast_precision_loss, reason = "ten million at most")]
fn plot(path: &Path, cases: &[Case]) -> Result<()> {
    const SIZE: (u32, u32) = (800, 480);
    let first = SIZES[0].0 as f64;
    let last = SIZES[SIZES.len() - 1].0 as f64;
    let users: Range<f64> = first..last * 1.2;
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(users.log_scale(), 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_desc("users")
        .x_label_formatter(&|users| grouped(*users))
        .y_desc("of bare Rocket's speed")
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (number, case) in cases.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        let points: Vec<_> = of_bare(case)
            .map(|(users, ratio)| (users as f64, ratio))
            .collect();
        chart
            .draw_series(LineSeries::new(
                points.iter().copied(),
                color.stroke_width(2),
            ))?
            .label(&case.title)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        chart.draw_series(
            points
                .into_iter()
                .map(|at| Circle::new(at, 3, color.filled())),
        )?;
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    area.present()?;
    Ok(())
}
