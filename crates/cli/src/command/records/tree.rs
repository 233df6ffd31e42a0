//! What an invocation caused, and what that caused, as a tree.

use super::view;
use crate::voice::{Voice, safe};
use model::InvocationId;
use model::api::Record;

/// How deep the tree is drawn. No budget lets one grow further unless somebody raised it.
const DEPTH_MAX: usize = 64;

/// Writes what hangs below `top`, each record with its asks.
pub(super) fn print(voice: &Voice, top: &Record, mut all: Vec<Record>) -> anyhow::Result<()> {
    all.sort_by_key(|record| (record.start_us, record.id));
    voice.line("  caused")?;
    for line in below(&top.id, &all, 0) {
        voice.line(format_args!("    {}", safe(&line)))?;
    }
    Ok(())
}

fn below(parent: &InvocationId, all: &[Record], depth: usize) -> Vec<String> {
    if depth >= DEPTH_MAX {
        return vec!["and more below".to_owned()];
    }
    let children: Vec<&Record> =
        all.iter().filter(|record| record.parent.as_ref() == Some(parent)).collect();
    let mut lines = Vec::new();
    for (at, child) in children.iter().enumerate() {
        let last = at + 1 == children.len();
        let (branch, trunk) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{branch}{}", headline(child)));
        let calls = child.calls.iter().map(|call| format!("{trunk}   {}", view::describe(call)));
        lines.extend(calls);
        let deeper = below(&child.id, all, depth + 1);
        lines.extend(deeper.into_iter().map(|line| format!("{trunk}{line}")));
    }
    lines
}

fn headline(record: &Record) -> String {
    format!(
        "{}@{} {}: {}, {}",
        record.function,
        record.revision,
        record.id,
        view::outcome(record),
        view::took(record)
    )
}
