//! `casemate doctor`: whether all is well.

use crate::context::Context;
use crate::local;
use crate::voice::{Failure, Tone, Voice, safe};
use clap::Args;
use model::Code;
use model::api::{Finding, Page};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  casemate doctor
  casemate doctor --home ./data
  casemate doctor --format json | jq '.items[] | select(.verdict == \"problem\")'

Exit codes: 0 if there is no problem, 1 if there is one. Warnings do not count.";

/// Look for what is wrong or will be
///
/// Checks this machine and the home, and, if the node runs, asks it about itself. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {}

impl Doctor {
    /// Lists the findings; the exit code says whether one is a problem.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let mut items = local::doctor(context.global.home.as_deref());
        items.extend(ask_node(context));
        let problems = items.iter().filter(|finding| finding.verdict == "problem").count();
        if context.voice.is_json() {
            context.voice.document(&Page { items, next: None })?;
        } else {
            print(&context.voice, &items)?;
        }
        Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What the node says, or why it says nothing. A node that does not run is no problem in itself.
fn ask_node(context: &Context) -> Vec<Finding> {
    let asked = context.client().map_err(Failure::from).and_then(|client| client.doctor());
    match asked {
        Ok(page) => page.items,
        Err(Failure { problem, .. }) => {
            let verdict = if problem.code == Code::NotRunning { "note" } else { "problem" };
            vec![Finding {
                check: "node".to_owned(),
                verdict: verdict.to_owned(),
                found: problem.to_string(),
                hint: Some(problem.hint.unwrap_or_else(|| problem.code.remedy().to_owned())),
            }]
        }
    }
}

fn print(voice: &Voice, findings: &[Finding]) -> anyhow::Result<()> {
    let wide = findings.iter().map(|finding| finding.check.chars().count()).max().unwrap_or(0);
    for finding in findings {
        let word = format!("{:<8}", safe(&finding.verdict));
        let word = match finding.verdict.as_str() {
            "ok" => voice.paint(Tone::Good, &word),
            "warning" => voice.paint(Tone::Warn, &word),
            "problem" => voice.paint(Tone::Bad, &word),
            _ => word,
        };
        let (check, found) = (safe(&finding.check), safe(&finding.found));
        voice.line(format_args!("{word} {check:<wide$}  {found}"))?;
        if let Some(hint) = &finding.hint {
            voice.line(format_args!("{:8} {:wide$}  -> {}", "", "", safe(hint)))?;
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (problems, warnings) = (count("problem"), count("warning"));
    voice.note(format_args!(
        "checks: {}, problems: {problems}, warnings: {warnings}",
        findings.len()
    ));
    Ok(())
}
