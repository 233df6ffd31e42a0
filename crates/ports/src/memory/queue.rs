//! The queue in memory.

mod events;
mod lots;
mod marks;

use crate::Future;
use crate::queue::{
    Batch, Claim, Depth, End, Error, Leased, ListQuery, Mark, Marking, Message, Publication, Purge,
    Quota, Settled, State, Status, Tick, TriggerRef, Want, cut,
};
use bytes::Bytes;
use model::{FunctionRef, InvocationId, Scope, Timestamp};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::ready;

/// The memory version of [`crate::Queue`].
#[derive(Default)]
pub struct Queue {
    rows: Mutex<BTreeMap<InvocationId, Row>>,
    marks: Mutex<BTreeMap<TriggerRef, Mark>>,
    seen: Mutex<events::Seen>,
}

#[derive(Clone)]
struct Row {
    message: Message,
    /// Grows with every message that is accepted.
    seq: u64,
    /// From when it may be given with others of its lot; by itself, when its message is due.
    ripe: Timestamp,
    state: State,
    attempts: u32,
    fence: u64,
    error: Option<String>,
}

impl Row {
    fn status(&self) -> Status {
        Status {
            id: self.message.id,
            function: self.message.function.clone(),
            state: self.state,
            attempts: self.attempts,
            queued: self.message.queued,
            due: self.message.due,
            bytes: self.message.payload.len() as u64,
            error: self.error.clone(),
        }
    }

    fn lease(&mut self, until: Timestamp) -> Leased {
        if self.state == State::Leased {
            // Whoever had it did not come back: from now on it goes alone.
            self.message.lot = None;
        }
        self.state = State::Leased;
        self.attempts += 1;
        self.fence += 1;
        self.message.due = until;
        Leased {
            claim: Claim { id: self.message.id, fence: self.fence },
            function: self.message.function.clone(),
            payload: self.message.payload.clone(),
            queued: self.message.queued,
            attempt: self.attempts,
            order: self.message.order,
            rest: Vec::new(),
        }
    }
}

type Rows = BTreeMap<InvocationId, Row>;

fn put(rows: &mut Rows, message: Message, quota: Quota) -> Result<(), Error> {
    if rows.contains_key(&message.id) {
        return Err(Error::Exists(message.id));
    }
    let own = rows.values().filter(|row| row.message.function == message.function);
    let (mut messages, mut bytes) = (0u64, 0u64);
    for row in own {
        messages += 1;
        bytes += row.message.payload.len() as u64;
    }
    let more = message.payload.len() as u64;
    if messages >= quota.messages || bytes.saturating_add(more) > quota.bytes {
        return Err(Error::Quota { messages, bytes });
    }
    let seq = next_seq(rows);
    let (state, ripe) = (State::Waiting, message.due);
    let mut row = Row { message, seq, ripe, state, attempts: 0, fence: 0, error: None };
    let (function, lot) = (row.message.function.clone(), row.message.lot);
    row.message.due = ripe.plus_us(lot.map_or(0, |lot| lot.window_us));
    rows.insert(row.message.id, row);
    if let Some(lot) = lot {
        lots::ripen(rows, &function, &lot);
    }
    Ok(())
}

fn next_seq(rows: &Rows) -> u64 {
    rows.values().map(|row| row.seq).max().map_or(0, |last| last + 1)
}

/// The first message of each key.
fn heads(rows: &Rows) -> BTreeMap<(FunctionRef, [u8; 16]), u64> {
    let mut heads = BTreeMap::new();
    for row in rows.values().filter(|row| row.state != State::Dead) {
        if let Some(key) = row.message.order {
            let head = heads.entry((row.message.function.clone(), key)).or_insert(row.seq);
            *head = row.seq.min(*head);
        }
    }
    heads
}

/// Messages that a worker may be given, now or when they are due.
fn open<'r>(rows: &'r Rows, want: &Want) -> impl Iterator<Item = &'r Row> {
    let (heads, skip) = (heads(rows), want.skip.clone());
    let live = rows.values().filter(|row| row.state != State::Dead);
    live.filter(move |row| {
        let Message { function, order, .. } = &row.message;
        let head = order.and_then(|key| heads.get(&(function.clone(), key)));
        !skip.contains(function) && head.is_none_or(|head| *head >= row.seq)
    })
}

fn lease(rows: &mut Rows, want: &Want) -> Batch {
    let mut by_function: BTreeMap<FunctionRef, Vec<(Timestamp, InvocationId)>> = BTreeMap::new();
    for Message { id, function, due, .. } in open(rows, want).map(|row| &row.message) {
        if *due <= want.now {
            by_function.entry(function.clone()).or_default().push((*due, *id));
        }
    }
    let mut lines: Vec<_> = by_function
        .into_values()
        .map(|mut line| {
            line.sort_unstable_by(|a, b| b.cmp(a));
            line
        })
        .collect();
    let mut items = Vec::new();
    while items.len() < want.most && lines.iter().any(|line| !line.is_empty()) {
        for line in &mut lines {
            if items.len() < want.most
                && let Some((_, id)) = line.pop()
            {
                items.extend(lots::give(rows, id, want));
            }
        }
    }
    let next = open(rows, want).map(|row| row.message.due.max(want.now)).min();
    Batch { items, next }
}

fn settle(rows: &mut Rows, claim: Claim, how: Settled) -> bool {
    let Some(row) = rows.get_mut(&claim.id).filter(|row| holds(row, claim)) else { return false };
    let Message { function, order, .. } = row.message.clone();
    match how {
        Settled::Done => {
            rows.remove(&claim.id);
        }
        Settled::Retry { due, error } => {
            row.state = State::Waiting;
            row.message.due = due;
            row.message.lot = None;
            row.error = Some(cut(error));
        }
        Settled::Release { due } => {
            row.state = State::Waiting;
            (row.message.due, row.ripe) = (due, due);
            row.attempts = row.attempts.saturating_sub(1);
        }
        Settled::Dead { error } => {
            row.state = State::Dead;
            row.message.lot = None;
            row.error = Some(cut(error));
        }
    }
    if let Some(key) = order {
        lots::let_go(rows, &function, key);
    }
    true
}

fn settle_all(rows: &mut Rows, ends: Vec<End>, quota: Quota) -> Result<Vec<bool>, Error> {
    let before = rows.clone();
    let mut ended = Vec::with_capacity(ends.len());
    for End { claim, how, then } in ends {
        // First, so that the room of what is done is free for what comes of it.
        let settled = settle(rows, claim, how);
        for message in then.into_iter().filter(|_| settled) {
            if let Err(error) = put(rows, message, quota) {
                *rows = before;
                return Err(error);
            }
        }
        ended.push(settled);
    }
    Ok(ended)
}

fn holds(row: &Row, claim: Claim) -> bool {
    row.state == State::Leased && row.fence == claim.fence
}

fn depth(rows: &Rows, scope: &Scope) -> Vec<Depth> {
    let mut found: BTreeMap<&FunctionRef, Depth> = BTreeMap::new();
    for row in rows.values().filter(|row| row.message.function.scope == *scope) {
        let function = &row.message.function;
        let depth = found.entry(function).or_insert_with(|| Depth {
            function: function.clone(),
            waiting: 0,
            dead: 0,
            bytes: 0,
            oldest: None,
        });
        depth.bytes += row.message.payload.len() as u64;
        if row.state == State::Dead {
            depth.dead += 1;
            continue;
        }
        depth.waiting += 1;
        let queued = row.message.queued;
        depth.oldest = Some(depth.oldest.map_or(queued, |oldest| oldest.min(queued)));
    }
    found.into_values().collect()
}

impl crate::Queue for Queue {
    fn put(&self, message: Message, quota: Quota) -> Future<'_, Result<(), Error>> {
        Box::pin(ready(put(&mut self.rows.lock(), message, quota)))
    }

    fn lease(&self, want: Want) -> Future<'_, Result<Batch, Error>> {
        Box::pin(ready(Ok(lease(&mut self.rows.lock(), &want))))
    }

    fn extend(&self, claim: Claim, until: Timestamp) -> Future<'_, Result<bool, Error>> {
        let mut rows = self.rows.lock();
        let row = rows.get_mut(&claim.id).filter(|row| holds(row, claim));
        let held = row.map(|row| row.message.due = until).is_some();
        Box::pin(ready(Ok(held)))
    }

    fn settle(&self, claim: Claim, how: Settled) -> Future<'_, Result<bool, Error>> {
        Box::pin(ready(Ok(settle(&mut self.rows.lock(), claim, how))))
    }

    fn settle_all(&self, ends: Vec<End>, quota: Quota) -> Future<'_, Result<Vec<bool>, Error>> {
        Box::pin(ready(settle_all(&mut self.rows.lock(), ends, quota)))
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Status>, Error>> {
        let rows = self.rows.lock();
        let found = rows.get(&id).filter(|row| row.message.function.scope == *scope);
        Box::pin(ready(Ok(found.map(Row::status))))
    }

    fn payload<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Bytes>, Error>> {
        let rows = self.rows.lock();
        let found = rows.get(&id).filter(|row| row.message.function.scope == *scope);
        Box::pin(ready(Ok(found.map(|row| row.message.payload.clone()))))
    }

    fn list(&self, query: ListQuery) -> Future<'_, Result<Vec<Status>, Error>> {
        let rows = self.rows.lock();
        let fits = |row: &&Row| {
            row.message.function.scope == query.scope
                && query.function.as_ref().is_none_or(|name| row.message.function.name == *name)
                && (!query.dead || row.state == State::Dead)
                && query.after.is_none_or(|after| row.message.id > after)
        };
        let found = rows.values().filter(fits).take(query.limit).map(Row::status).collect();
        Box::pin(ready(Ok(found)))
    }

    fn depth<'a>(&'a self, scope: &'a Scope) -> Future<'a, Result<Vec<Depth>, Error>> {
        Box::pin(ready(Ok(depth(&self.rows.lock(), scope))))
    }

    fn requeue<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
        due: Timestamp,
    ) -> Future<'a, Result<bool, Error>> {
        let mut rows = self.rows.lock();
        let seq = next_seq(&rows);
        let dead = rows
            .get_mut(&id)
            .filter(|row| row.state == State::Dead && row.message.function.scope == *scope);
        let found = dead.map(|row| {
            row.state = State::Waiting;
            row.attempts = 0;
            (row.message.due, row.ripe) = (due, due);
            row.seq = seq;
        });
        Box::pin(ready(Ok(found.is_some())))
    }

    fn purge<'a>(&'a self, scope: &'a Scope, which: Purge) -> Future<'a, Result<u64, Error>> {
        let mut rows = self.rows.lock();
        let before = rows.len();
        rows.retain(|id, row| {
            let wanted = match &which {
                Purge::One(one) => id == one,
                Purge::Function(name) => row.message.function.name == *name,
                Purge::All => true,
            };
            let own = row.message.function.scope == *scope;
            !(own && wanted && row.state == State::Dead)
        });
        Box::pin(ready(Ok((before - rows.len()) as u64)))
    }

    fn marks(&self) -> Future<'_, Result<Vec<Mark>, Error>> {
        Box::pin(ready(Ok(self.marks.lock().values().cloned().collect())))
    }

    fn mark(&self, trigger: TriggerRef, how: Marking) -> Future<'_, Result<bool, Error>> {
        Box::pin(ready(Ok(marks::change(&mut self.marks.lock(), trigger, &how))))
    }

    fn tick(&self, tick: Tick, quota: Quota) -> Future<'_, Result<bool, Error>> {
        let mut marks = self.marks.lock();
        Box::pin(ready(marks::tick(&mut marks, &mut self.rows.lock(), tick, quota)))
    }

    fn publish(
        &self,
        publication: Publication,
        quota: Quota,
    ) -> Future<'_, Result<Vec<bool>, Error>> {
        let mut seen = self.seen.lock();
        Box::pin(ready(events::publish(&mut seen, &mut self.rows.lock(), publication, quota)))
    }

    fn backup(&self, _: std::path::PathBuf) -> Future<'_, Result<(), Error>> {
        Box::pin(ready(Err(Error::Failed("it is in memory".to_owned()))))
    }
}
