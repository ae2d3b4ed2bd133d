//! Tables in Markdown. Pure: what was measured goes in, text comes out.

use std::fmt::Write;

use crate::machine::Machine;
use crate::stats::Summary;
use crate::tools::Tool;

pub(crate) struct Table {
    pub(crate) title: String,
    /// How it was measured and how to read it.
    pub(crate) note: String,
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A number that the project promises, beside the one that was found.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) wanted: String,
    pub(crate) found: String,
    pub(crate) met: bool,
}

impl Goal {
    /// Met when `found` is at most `limit`.
    pub(crate) fn at_most(what: impl Into<String>, limit: f64, unit: &str, found: f64) -> Self {
        let (what, met) = (what.into(), found <= limit);
        Self { what, wanted: format!("≤ {limit}{unit}"), found: format!("{found:.3}{unit}"), met }
    }
}

/// `median (lower quartile–upper quartile)`, or a dash.
pub(crate) fn spread(sample: &[f64], digits: usize) -> String {
    Summary::of(sample).map_or_else(
        || "–".to_owned(),
        |Summary { lower_quartile, median, upper_quartile, .. }| {
            format!("{median:.digits$} ({lower_quartile:.digits$}–{upper_quartile:.digits$})")
        },
    )
}

pub(crate) fn megabytes(bytes: f64) -> String {
    format!("{:.2}", bytes / 1e6)
}

/// A ratio of two numbers that may be missing.
pub(crate) fn ratio(of: Option<f64>, to: Option<f64>) -> String {
    match (of, to) {
        (Some(of), Some(to)) if to > 0.0 => format!("{:.3}", of / to),
        _ => "–".to_owned(),
    }
}

pub(crate) fn render(
    remark: Option<&str>,
    machine: &Machine,
    missing: &[(Tool, String)],
    goals: &[Goal],
    tables: &[Table],
    failures: &[String],
) -> String {
    let mut text =
        "# casemate and its peers\n\nPrinted by `benchsuite/run`; ratios hold within this run only.\n"
            .to_owned();
    if let Some(remark) = remark {
        push(&mut text, &format!("\n**{remark}**\n"));
    }
    for failure in failures {
        push(&mut text, &format!("\n**FAILED: {failure}**\n"));
    }
    push(&mut text, "\n## Machine\n\n");
    for (name, value) in &machine.facts {
        push(&mut text, &format!("- {name}: {value}\n"));
    }
    for (tool, reason) in missing {
        push(&mut text, &format!("- {}: not measured ({})\n", tool.name(), cell(reason)));
    }
    if !goals.is_empty() {
        let rows = goals.iter().map(|goal| {
            let met = if goal.met { "yes" } else { "**no**" };
            vec![goal.what.clone(), goal.wanted.clone(), goal.found.clone(), met.to_owned()]
        });
        push(&mut text, "\n## Goals\n\n");
        push(&mut text, &grid(&["", "wanted", "found", "met"], &rows.collect::<Vec<_>>()));
    }
    for table in tables {
        push(&mut text, &format!("\n## {}\n\n{}\n\n", table.title, table.note));
        push(&mut text, &grid(&table.header, &table.rows));
    }
    text
}

fn grid(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", header.join(" | "), "---|".repeat(header.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        push(&mut text, &format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// Text of others must not break a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn push(text: &mut String, more: &str) {
    text.write_str(more).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_machine_missing_tools_and_failures() {
        let machine = Machine { facts: vec![("CPU", "a fast one".to_owned())] };
        let goal = Goal::at_most("burst", 1.05, " × script", 1.2);
        let table = Table {
            title: "Burst".to_owned(),
            note: "How.".to_owned(),
            header: vec!["tool", "wall"],
            rows: vec![vec!["script".to_owned(), spread(&[1.0, 2.0, 3.0], 1)]],
        };
        let missing = [(Tool::Tlog, "no such | program".to_owned())];
        let text = render(None, &machine, &missing, &[goal], &[table], &["LOST: 1 byte".to_owned()]);
        let expected = "\
# casemate and its peers

Printed by `benchsuite/run`; ratios hold within this run only.

**FAILED: LOST: 1 byte**

## Machine

- CPU: a fast one
- tlog-rec: not measured (no such \\| program)

## Goals

|  | wanted | found | met |
|---|---|---|---|
| burst | ≤ 1.05 × script | 1.200 × script | **no** |

## Burst

How.

| tool | wall |
|---|---|
| script | 2.0 (1.5–2.5) |
";
        assert_eq!(text, expected);
    }

    #[test]
    fn nothing_measured_is_a_dash() {
        assert_eq!(spread(&[], 2), "–");
        assert_eq!(ratio(Some(1.0), None), "–");
        assert_eq!(ratio(Some(1.0), Some(2.0)), "0.500");
    }
}
