//! The queries: records, one flight, log lines.

use super::core::Core;
use super::facts::{END, LOG, START, Wanted};
use super::position::{self, List};
use super::scan::{Order, Scan};
use super::stream::Stream;
use model::wire::v1::{Entry, LogLine, Record, Start};
use model::{FunctionName, FunctionRef, InvocationId, Scope};
use ports::journal::{Error, Flight, LogQuery, Page, RecordQuery};
use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};

/// Most items of a page, whatever was asked for.
const PAGE_MAX: usize = 10_000;

fn fits(function: &FunctionRef, scope: &Scope, name: Option<&FunctionName>) -> bool {
    function.scope == *scope && name.is_none_or(|name| function.name == *name)
}

/// Finished records, newest first.
pub(super) fn records(
    core: &Core,
    stream: &Stream,
    query: &RecordQuery,
) -> Result<Page<Record>, Error> {
    let RecordQuery { scope, function, outcome, before, limit, .. } = query;
    let before = before.as_deref().map(|text| position::parse(List::Records, &stream.name, text));
    let before = before.transpose()?.unwrap_or(u64::MAX);
    let limit = (*limit).min(PAGE_MAX);
    let wanted = Wanted::kinds(&[END]).of(&scope.environment, function.as_ref());
    let wanted = wanted.ended(*outcome).since(query.since.max(query.ended_since));
    let scan = Scan { core, stream, range: 0..before, wanted, order: Order::Backward };
    let (mut items, mut last, mut more) = (Vec::new(), before, false);
    scan.run(|number, entry| {
        let Entry::End(record) = entry else { return ControlFlow::Continue(()) };
        if !query.fits(&record) {
            return ControlFlow::Continue(());
        }
        if items.len() == limit {
            more = true;
            return ControlFlow::Break(());
        }
        items.push(*record);
        last = number;
        ControlFlow::Continue(())
    });
    let next = more.then(|| position::print(List::Records, &stream.name, last));
    Ok(Page { items, next })
}

/// What is on disk about one invocation.
///
/// # Errors
/// [`Error::Damaged`] if it was not found and could lie in what is damaged.
pub(super) fn flight(
    core: &Core,
    stream: &Stream,
    scope: &Scope,
    id: InvocationId,
) -> Result<Option<Flight>, Error> {
    let wanted = Wanted::kinds(&[END, START]).of(&scope.environment, None).about(Some(id));
    let scan = Scan { core, stream, range: 0..u64::MAX, wanted, order: Order::Backward };
    let mut found: Option<Flight> = None;
    let is_it = |start: &Start| start.id == id && start.function.scope == *scope;
    let damage = scan.run(|_, entry| match entry {
        Entry::End(record) if is_it(&record.start) => {
            found = Some(Flight::Ended(record));
            ControlFlow::Break(())
        }
        Entry::Start(start) if is_it(&start) => {
            found = Some(Flight::Running(Box::new(start)));
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Continue(()),
    });
    match (found, damage) {
        (None, Some(damage)) => Err(damage),
        (found, _) => Ok(found),
    }
}

/// Log lines, oldest first: the newest ones, or those after a position.
pub(super) fn logs(core: &Core, stream: &Stream, query: &LogQuery) -> Result<Page<LogLine>, Error> {
    let LogQuery { scope, function, invocation, level, since, after, limit } = query;
    let limit = (*limit).min(PAGE_MAX);
    let from = after.as_deref().map(|text| position::parse(List::Logs, &stream.name, text));
    let from = from.transpose()?;
    let end = stream.shelf.end();
    let fits = |line: &LogLine| {
        fits(&line.function, scope, function.as_ref())
            && invocation.is_none_or(|id| line.invocation == id)
            && level.is_none_or(|level| line.level >= level)
            && since.is_none_or(|since| line.at >= since)
    };
    let wanted = Wanted::kinds(&[LOG]).of(&scope.environment, function.as_ref());
    let wanted = wanted.since(*since).about(*invocation);
    let order = if from.is_some() { Order::Forward } else { Order::Backward };
    let range: Range<u64> = from.unwrap_or(0)..end;
    let scan = Scan { core, stream, range, wanted, order };
    let (mut items, mut next) = (VecDeque::new(), end);
    scan.run(|number, entry| {
        let Entry::Log(line) = entry else { return ControlFlow::Continue(()) };
        if !fits(&line) {
            return ControlFlow::Continue(());
        }
        if items.len() >= limit {
            if order == Order::Forward {
                next = number;
            }
            return ControlFlow::Break(());
        }
        match order {
            Order::Forward => items.push_back(line),
            Order::Backward => items.push_front(line),
        }
        ControlFlow::Continue(())
    });
    let next = Some(position::print(List::Logs, &stream.name, next));
    Ok(Page { items: items.into(), next })
}
