//! `casemate explain`: what an error code means.

use crate::context::Context;
use crate::voice::{Table, safe, usage};
use clap::Args;
use model::Code;
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  casemate explain E0203
  casemate explain           every code";

/// Explain an error code: what happened, the likely cause, what to do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// The code; every code is listed if absent
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

impl Explain {
    /// Explains the code, or lists all.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match &self.code {
            None => list(context),
            Some(text) => match Code::parse(text) {
                Some(code) => explain(context, code),
                None => Err(unknown(text)),
            },
        }
    }
}

fn list(context: &Context) -> anyhow::Result<()> {
    let voice = &context.voice;
    if voice.is_json() {
        let items: Vec<Value> = Code::ALL.iter().map(|code| as_json(*code)).collect();
        return voice.document(&json!({ "items": items }));
    }
    let mut table = Table::new(["CODE", "MEANING"]);
    for code in Code::ALL {
        table.row([code.to_string(), code.title().to_owned()]);
    }
    table.print(voice)
}

fn explain(context: &Context, code: Code) -> anyhow::Result<()> {
    let voice = &context.voice;
    if voice.is_json() {
        return voice.document(&as_json(code));
    }
    voice.line(format_args!("{code}: {}", code.title()))?;
    voice.line(format_args!("\nLikely cause: {}", code.cause()))?;
    voice.line(format_args!("What to do: {}", code.remedy()))?;
    voice.line(format_args!("HTTP status: {}", code.status()))
}

fn as_json(code: Code) -> Value {
    json!({
        "code": code.text(), "title": code.title(), "status": code.status(),
        "cause": code.cause(), "remedy": code.remedy(),
    })
}

/// Names the codes that differ in few characters.
fn unknown(text: &str) -> anyhow::Error {
    let shown = text.trim().to_uppercase();
    let mut near: Vec<(usize, Code)> = Code::ALL
        .iter()
        .map(|code| (strsim::damerau_levenshtein(&shown, code.text()), *code))
        .filter(|(distance, _)| *distance <= 1)
        .collect();
    near.sort_by_key(|(distance, code)| (*distance, code.text()));
    let near: Vec<String> = near.iter().map(|(_, code)| code.to_string()).collect();
    let advice = match near.as_slice() {
        [] => "`casemate explain` lists every code".to_owned(),
        near => format!("near ones are {}", near.join(", ")),
    };
    usage(format!("`{}` is no error code; {advice}", safe(text)))
}
