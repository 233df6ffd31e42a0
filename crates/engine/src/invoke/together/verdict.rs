//! What a call says of each message that it was about, and the records of that.
//!
//! Invariant: a message is done only if it is certain that the function says so.

use super::Flown;
use crate::batch::Form;
use crate::content;
use crate::invoke::attempt::{asks_again, code_of, landed, short};
use crate::invoke::{Landed, Refusal};
use crate::reply::{Ending, Seen, code_number};
use crate::wiring::Engine;
use model::wire::v1::{Entry, Outcome, Record};
use model::wire::{Malformed, failed};
use model::{Code, Cost, InvocationId, Usage};
use std::collections::BTreeSet;

/// What became of one message.
pub(super) struct Verdict {
    pub(super) landed: Landed,
    pub(super) seen: Option<Seen>,
    /// What its record says; nothing if it was not tried.
    fate: Option<Fate>,
}

#[derive(Debug, Clone, Copy)]
struct Fate {
    outcome: Outcome,
    code: Option<Code>,
    status: u16,
}

/// What became of them, by what the function answered.
pub(super) fn judged(seen: Result<Seen, Ending>, flown: &[Flown], form: Form) -> Vec<Verdict> {
    let ids: Vec<InvocationId> = flown.iter().map(|own| own.start.id).collect();
    let status = seen.as_ref().map_or(0, |seen| seen.status);
    let bad = |code: Code| {
        let fate = Fate { outcome: Outcome::GuestError, code: Some(code), status };
        (Landed::Failed(code_of(&code.into())), fate)
    };
    // What failed of them, or why all of it did.
    let said = match &seen {
        Err(ending) => {
            let status = ending.code.map_or(0, |code| code.status());
            let fate = Fate { outcome: ending.outcome, code: ending.code, status };
            Err((Landed::Failed(short(ending)), fate))
        }
        Ok(seen) if asks_again(seen) => {
            let fate = Fate { outcome: Outcome::Ok, code: None, status };
            Err((Landed::Failed(format!("the function answered {status}")), fate))
        }
        Ok(seen) => reported(seen, &ids, form).map_err(|Malformed| bad(Code::BatchReply)),
    };
    // The reply is about all of them: whoever is told of one learns nothing of the others.
    let seen = seen.ok().map(|seen| Seen { kind: None, body: None, ..seen });
    let behind = Fate { outcome: Outcome::Interrupted, code: Some(Code::BatchBehind), status };
    let mut held: BTreeSet<[u8; 16]> = BTreeSet::new();
    let verdict = |own: &Flown| {
        let is_behind = own.order.is_some_and(|key| held.contains(&key));
        let (landed, fate) = match &said {
            _ if is_behind => (Landed::NotYet, behind),
            Err(why) => why.clone(),
            Ok(failed) if failed.contains(&own.start.id) => bad(Code::BatchItem),
            Ok(_) => (Landed::Done, Fate { outcome: Outcome::Ok, code: None, status }),
        };
        if landed != Landed::Done {
            held.extend(own.order);
        }
        Verdict { landed, seen: seen.clone(), fate: Some(fate) }
    };
    flown.iter().map(verdict).collect()
}

/// The messages that a reply says have failed.
fn reported(
    seen: &Seen,
    ids: &[InvocationId],
    form: Form,
) -> Result<BTreeSet<InvocationId>, Malformed> {
    let kind = seen.kind.as_deref().map(content::kind).unwrap_or_default();
    // What answers over HTTP says by its status that all was done, unless it says more in JSON.
    if form == Form::Events && !content::is_json(&kind) {
        return Ok(BTreeSet::new());
    }
    // What was too long to be kept says nothing that could be believed.
    failed(seen.body.as_deref().ok_or(Malformed)?, ids)
}

/// What became of them, if the call was not made.
pub(super) fn refused(refusal: &Refusal, flown: &[Flown]) -> Vec<Verdict> {
    let (landed, code) = (landed(refusal), refusal.problem.code);
    let outcome = if code.status() < 500 { Outcome::Interrupted } else { Outcome::Platform };
    let fate = Fate { outcome, code: Some(code), status: code.status() };
    let fate = matches!(landed, Landed::Failed(_)).then_some(fate);
    flown.iter().map(|_| Verdict { landed: landed.clone(), seen: None, fate }).collect()
}

impl Engine {
    /// Writes what became of each, and waits until that is on disk. Whether it is. What it took is in
    /// the record of the call.
    pub(super) async fn recorded(&self, flown: &[Flown], verdicts: &[Verdict]) -> bool {
        let (mut last, mut all) = (None, true);
        for (own, verdict) in flown.iter().zip(verdicts) {
            let Some(Fate { outcome, code, status }) = verdict.fate else { continue };
            let record = Record {
                start: own.start.clone(),
                policy: own.policy,
                end_us: self.parts.clock.wall(),
                outcome,
                status,
                code: code.and_then(code_number),
                reason: None,
                usage: Usage::default(),
                calls: Vec::new(),
                calls_omitted: 0,
                log_lines: 0,
                log_dropped: 0,
                labels: own.labels.clone(),
                cost: Cost::default(),
            };
            match self.parts.journal.append(Entry::End(Box::new(record))) {
                Ok(mark) => last = Some(mark),
                Err(error) => {
                    tracing::debug!(%error, "what became of a message of a batch is not recorded");
                    all = false;
                }
            }
        }
        let Some(mark) = last else { return all };
        let written = self.parts.journal.durable(mark).await;
        all && written.is_ok()
    }
}
