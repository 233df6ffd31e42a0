//! What people and programs are told about examples, in the manner of `cargo test`.

use super::{Case, Difference, Outcome};
use crate::voice::{Tone, Voice, safe};
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

/// Counts and tells.
pub(crate) struct Report<'a> {
    voice: Voice,
    failed: Vec<(Case<'a>, Outcome)>,
    items: Vec<Value>,
    passed: usize,
    filtered: usize,
}

impl<'a> Report<'a> {
    /// Begins to tell about `count` examples; `filtered` are left out.
    pub(crate) fn begin(voice: Voice, count: usize, filtered: usize) -> anyhow::Result<Self> {
        if !voice.is_json() {
            let s = if count == 1 { "" } else { "s" };
            voice.line(format_args!("running {count} example{s}\n"))?;
        }
        Ok(Self { voice, failed: Vec::new(), items: Vec::new(), passed: 0, filtered })
    }

    /// Takes what came of one example.
    pub(crate) fn add(&mut self, case: Case<'a>, outcome: Outcome) -> anyhow::Result<()> {
        if self.voice.is_json() {
            self.items.push(item(&case, &outcome));
        } else {
            let (word, tone) =
                if outcome.is_good() { ("ok", Tone::Good) } else { ("FAILED", Tone::Bad) };
            let word = self.voice.paint(tone, word);
            let title = case.title();
            self.voice.line(format_args!(
                "{} ... {word} ({} ms)",
                safe(&title),
                outcome.took_ms
            ))?;
        }
        if outcome.is_good() {
            self.passed += 1;
        } else {
            self.failed.push((case, outcome));
        }
        Ok(())
    }

    /// The examples that failed.
    pub(crate) fn failed(&self) -> &[(Case<'a>, Outcome)] {
        &self.failed
    }

    /// Tells the rest.
    pub(crate) fn end(&self, took: &str) -> anyhow::Result<()> {
        let Self { voice, failed, passed, filtered, .. } = self;
        if voice.is_json() {
            return voice.document(&json!({
                "items": self.items, "passed": passed, "failed": failed.len(),
                "filtered": filtered,
            }));
        }
        for (case, outcome) in failed {
            self.failure(case, outcome)?;
        }
        let (word, tone) =
            if failed.is_empty() { ("ok", Tone::Good) } else { ("FAILED", Tone::Bad) };
        voice.line(format_args!(
            "\ntest result: {}. {passed} passed; {} failed; {filtered} filtered out; finished in {took}",
            voice.paint(tone, word),
            failed.len(),
        ))
    }

    fn failure(&self, case: &Case<'_>, outcome: &Outcome) -> anyhow::Result<()> {
        let voice = &self.voice;
        let example = case.example;
        voice.line(format_args!("\n---- {} ----", safe(&case.title())))?;
        let sent = format!("{} {}", example.method(), example.request.path);
        let at = example.time().map(|time| time.to_string()).unwrap_or_default();
        voice.line(format_args!("{} at {at}", safe(&sent)))?;
        for difference in &outcome.differences {
            self.difference(difference)?;
        }
        if let Some(problem) = &outcome.answer.problem {
            voice.line(format_args!("the platform says: {}", safe(&problem.to_string())))?;
            if let Some(reason) = &problem.internal {
                voice.line(format_args!("reason: {}", safe(reason)))?;
            }
        }
        if !outcome.answer.logs.is_empty() {
            voice.line("log:")?;
        }
        outcome
            .answer
            .logs
            .iter()
            .try_for_each(|line| voice.line(format_args!("  {}", safe(&line.text))))
    }

    fn difference(&self, difference: &Difference) -> anyhow::Result<()> {
        let voice = &self.voice;
        let Difference { what, expected, actual } = difference;
        match what.as_str() {
            "body" => {
                voice.line("body: (- expected, + came)")?;
                diff(expected, actual).into_iter().try_for_each(|(tag, line)| {
                    let line = safe(&line).into_owned();
                    let line = match tag {
                        ChangeTag::Delete => voice.paint(Tone::Bad, &format!("- {line}")),
                        ChangeTag::Insert => voice.paint(Tone::Good, &format!("+ {line}")),
                        ChangeTag::Equal => format!("  {line}"),
                    };
                    voice.line(format_args!("  {line}"))
                })
            }
            "contains" => {
                voice.line(format_args!("body does not contain: {}", safe(expected)))?;
                actual.lines().try_for_each(|line| voice.line(format_args!("    {}", safe(line))))
            }
            "expect" => {
                voice.line("nothing is said about the answer; what came:")?;
                actual.lines().try_for_each(|line| voice.line(format_args!("    {}", safe(line))))
            }
            "function" => voice.line(format_args!(
                "the path is `{actual}`'s, not `{expected}`'s: it takes another route"
            )),
            what => voice.line(format_args!(
                "{}: expected {}, came {}",
                safe(what),
                safe(expected),
                safe(actual)
            )),
        }
    }
}

/// Lines of a difference. A text that does not end with a line end says so.
fn diff(expected: &str, actual: &str) -> Vec<(ChangeTag, String)> {
    let diff = TextDiff::from_lines(expected, actual);
    let mut lines = Vec::new();
    for change in diff.iter_all_changes() {
        let text = change.value();
        let text =
            text.strip_suffix('\n').map_or_else(|| format!("{text} (no line end)"), str::to_owned);
        lines.push((change.tag(), text));
    }
    lines
}

fn item(case: &Case<'_>, outcome: &Outcome) -> Value {
    let answer = &outcome.answer;
    json!({
        "function": case.function, "example": case.example.name, "ok": outcome.is_good(),
        "took_ms": outcome.took_ms, "differences": outcome.differences,
        "status": answer.status,
        "problem": answer.problem.as_ref().map(|problem| problem.public_body(None)),
        "logs": answer.logs.iter().map(|line| &line.text).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_line_ends_and_what_stayed() {
        let shown = |expected, actual| {
            let lines = diff(expected, actual).into_iter();
            lines.map(|(tag, line)| format!("{tag}{line}")).collect::<Vec<_>>()
        };
        assert_eq!(shown("a\nb\n", "a\nc\n"), [" a", "-b", "+c"]);
        assert_eq!(shown("a\n", "a"), ["-a", "+a (no line end)"]);
        assert_eq!(shown("", "a\n"), ["+a"]);
    }
}
