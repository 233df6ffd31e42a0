//! What to write instead: one change that is known to help, because the text was read with it.
//!
//! Changes that may have been meant are tried, the likeliest first. Of those the first is told
//! after which the manifest is right; else the first after which this complaint is not made again.
//!
//! Invariant: advice that is given was tried: it leads to a manifest that is right, or to another
//! complaint, never back to the same one.

mod edit;
mod entry;
mod names;
mod spot;
mod syntax;
mod values;

use super::document::Document;
use super::keys::Schema;
use super::reading::{Failure, Step, attempt};
use edit::Edit;
use model::Problem;
use std::ops::Range;

/// Larger texts get no advice: each change that is tried reads the whole text.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Changes that are tried.
const TRIED_MAX: usize = 400;

/// The problem, with a hint that says what to write instead.
pub(super) fn advised(file: &str, text: &str, failure: Failure) -> Problem {
    let advice = (text.len() <= TEXT_BYTES_MAX).then(|| advice(file, text, &failure)).flatten();
    let problem = failure.fault.problem;
    match (advice, problem.hint.clone()) {
        (Some(advice), Some(hint)) => problem.hint(format!("{hint}: {advice}")),
        (Some(advice), None) => problem.hint(advice),
        (None, _) => problem,
    }
}

fn advice(file: &str, text: &str, failure: &Failure) -> Option<String> {
    // What is left out takes other mistakes with it, so it would often seem to help most.
    let (removing, changing): (Vec<Edit>, Vec<Edit>) =
        candidates(text, failure).into_iter().partition(|edit| matches!(edit, Edit::Remove(..)));
    tried(file, text, failure, changing).or_else(|| first(file, text, failure, removing))
}

/// The first change that helps.
fn first(file: &str, text: &str, failure: &Failure, edits: Vec<Edit>) -> Option<String> {
    edits.into_iter().take(TRIED_MAX).find_map(|edit| tried(file, text, failure, vec![edit]))
}

/// The first change that makes the text right, else the first of those that lead furthest.
fn tried(file: &str, text: &str, failure: &Failure, edits: Vec<Edit>) -> Option<String> {
    let mut best: Option<(Step, String)> = None;
    for edit in edits.into_iter().take(TRIED_MAX) {
        let Some(said) = edit.said(text) else { continue };
        let changed = edit.applied(text);
        if changed == text {
            continue;
        }
        match attempt(file, &changed) {
            Ok(_) => return Some(said),
            Err(next) if leads_on(text, failure, &edit, &changed, &next) => {
                // How far only matters where the text could not be read at all.
                let step = next.step.min(Step::Keys);
                if best.as_ref().is_none_or(|(furthest, _)| *furthest < step) {
                    best = Some((step, said));
                }
            }
            Err(_) => {}
        }
    }
    best.map(|(_, said)| said)
}

fn candidates(text: &str, failure: &Failure) -> Vec<Edit> {
    if failure.step == Step::Text {
        return syntax::candidates(text, failure.fault.span.start);
    }
    let Ok(document) = Document::parse("", text) else { return Vec::new() };
    let schema = Schema::of_manifest();
    entry::candidates(text, &document.root, schema, failure)
}

/// Whether the next complaint is another one, further on.
fn leads_on(text: &str, failure: &Failure, edit: &Edit, changed: &str, next: &Failure) -> bool {
    if next.step != failure.step {
        return next.step > failure.step;
    }
    if failure.step == Step::Text {
        // Past the line that was changed, and past the place of the first complaint.
        let grown = changed.len().saturating_sub(text.len());
        let past = match edit {
            Edit::Write(range, _) => edit::line_at(changed, range.start).end,
            _ => 0,
        };
        return next.fault.span.start > past.max(failure.fault.span.start + grown);
    }
    if what(&next.fault.problem) != what(&failure.fault.problem) {
        let same_place = matches!(edit, Edit::Write(..))
            && way_of(changed, &next.fault.span) == way_of(text, &failure.fault.span);
        return !same_place;
    }
    way_of(changed, &next.fault.span) != way_of(text, &failure.fault.span)
}

/// A complaint without its line, which a change of other lines changes too.
fn what(problem: &Problem) -> Option<&str> {
    problem.detail.as_deref().and_then(|detail| detail.splitn(3, ':').nth(2))
}

fn way_of(text: &str, span: &Range<usize>) -> Vec<String> {
    let Ok(document) = Document::parse("", text) else { return Vec::new() };
    let schema = Schema::of_manifest();
    spot::way(&document.root, schema, span).into_iter().map(|level| level.name).collect()
}
