//! `casemate budget propose`: caps from what the records show, as a manifest has them.

use crate::clock::{self, Since};
use crate::context::Context;
use clap::Args;
use model::FunctionName;
use model::api::Proposal;
use model::cap::CapMode;

const EXAMPLES: &str = "\
Examples:
  casemate budget propose
  casemate budget propose --function orders --since 7d
  casemate budget propose --function orders --observe >> casemate.toml

What is printed belongs behind the `[[function]]` that it names.";

/// Propose caps from what functions used, in the form of a manifest
///
/// Reads the flight records since then. With `--observe` the caps refuse nothing and say in records
/// what they would have refused: a way to try them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Propose {
    /// Of this function only
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    /// From invocations that began then or later: how long ago, such as `7d`, or a time in RFC 3339
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: Since,
    /// Propose caps that only observe
    #[arg(long)]
    observe: bool,
}

impl Propose {
    /// Prints the proposals.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let since = self.since.resolve(clock::now());
        let mut proposals = context.client()?.proposals(self.function.as_ref(), since)?;
        if self.observe {
            let caps = proposals.items.iter_mut().flat_map(|item| &mut item.caps);
            caps.for_each(|cap| cap.mode = CapMode::Observe);
        }
        if voice.is_json() {
            return voice.document(&proposals);
        }
        if proposals.partial {
            voice.note("the records do not go back that far: this is what is left of them");
        }
        if proposals.items.is_empty() {
            voice.note("nothing was called since then, so there is nothing to propose");
            return Ok(());
        }
        voice.line(format_args!("# {}", proposals.rule))?;
        proposals.items.iter().try_for_each(|item| voice.line(block(item)?.trim_end()))
    }
}

/// The caps of one function, to stand behind its `[[function]]`.
fn block(proposal: &Proposal) -> anyhow::Result<String> {
    let Proposal { function, invocations, days, caps } = proposal;
    let mut text = format!("\n# function `{function}`: {invocations} invocations on {days} days\n");
    for cap in caps {
        text.push_str("[[function.cap]]\n");
        text.push_str(&toml::to_string(cap)?);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::cap::{Amounts, MemoryTime, Per};
    use model::limit::Ceiling;
    use model::manifest::{Cap, CapOf};
    use model::unit::{Duration, Size};

    #[test]
    fn what_is_printed_is_a_part_of_a_manifest() {
        let amounts = Amounts {
            invocations: Some(15),
            cpu: Some(Duration { ms: 1900 }),
            memory_time: Some(MemoryTime { mib_s: 20 }),
            host_calls: Some(2),
            egress: Some(Size::kib(15)),
            units: Some(11),
            money: None,
        };
        let caps = vec![
            Cap::new(CapOf::Function, Per::Day, CapMode::Enforce, amounts.clone()),
            Cap::new(CapOf::Caller, Per::Day, CapMode::Observe, amounts),
        ];
        let function = FunctionName::parse("hello").expect("a name");
        let proposal = Proposal { function, invocations: 10, days: 1, caps: caps.clone() };
        let text = block(&proposal).expect("TOML");
        let manifest =
            format!("manifest = 1\napplication = \"a\"\n[[function]]\nname = \"hello\"\n{text}");
        let manifest: model::Manifest = toml::from_str(&manifest).expect(&manifest);
        manifest.check(&Ceiling::DEFAULT).expect("a manifest");
        assert_eq!(manifest.functions[0].caps, caps);
    }
}
