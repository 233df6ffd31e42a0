//! Messages that are given out together, in memory.

use super::{Row, Rows};
use crate::queue::{Leased, Lot, State, Want};
use model::{FunctionRef, InvocationId};
use std::collections::BTreeSet;

/// Leases a message that is due, with others of its lot. Nothing if another one took it along.
pub(super) fn give(rows: &mut Rows, id: InvocationId, want: &Want) -> Option<Leased> {
    let row = rows.get_mut(&id).filter(|row| row.message.due <= want.now)?;
    let (function, lot) = (row.message.function.clone(), row.message.lot);
    let mut first = row.lease(want.until);
    let Some(lot) = lot.filter(|_| first.attempt == 1) else { return Some(first) };
    let mut room = lot.bytes.saturating_sub(first.payload.len() as u64);
    let mut given: BTreeSet<(u64, InvocationId)> = BTreeSet::new();
    given.extend(rows.get(&id).map(|row| (row.seq, id)));
    while given.len() < usize::from(lot.most) {
        let fits = |row: &&Row| {
            is_of(row, &function, &lot)
                && !given.contains(&(row.seq, row.message.id))
                && row.ripe <= want.now
                && !waits(rows, row, &given)
        };
        let next = rows.values().filter(fits).min_by_key(|row| (row.ripe, row.seq));
        let next = next.filter(|row| row.message.payload.len() as u64 <= room);
        let Some(next) = next else { break };
        room = room.saturating_sub(next.message.payload.len() as u64);
        given.insert((next.seq, next.message.id));
    }
    // Which of them is the first is told by the order in which they were accepted.
    let mut all = vec![];
    for (_, other) in given {
        match rows.get_mut(&other) {
            Some(_) if other == id => all.push(first.clone()),
            Some(row) => all.push(row.lease(want.until)),
            None => {}
        }
    }
    ripen(rows, &function, &lot);
    let rest = all.split_off(all.len().min(1));
    first = all.pop().unwrap_or(first);
    Some(Leased { rest, ..first })
}

/// Whether it waits to be gathered with this lot.
fn is_of(row: &Row, function: &FunctionRef, lot: &Lot) -> bool {
    let own = row.message.lot.is_some_and(|own| own.key == lot.key);
    own && row.message.function == *function && row.state == State::Waiting && row.attempts == 0
}

/// Whether it waits for another message of its key, one that is not given with it.
fn waits(rows: &Rows, row: &Row, given: &BTreeSet<(u64, InvocationId)>) -> bool {
    let before = |other: &Row| {
        other.message.function == row.message.function
            && other.message.order == row.message.order
            && other.state != State::Dead
            && other.seq < row.seq
            && !given.contains(&(other.seq, other.message.id))
    };
    row.message.order.is_some() && rows.values().any(before)
}

/// Has the first message of a lot be due by itself, if as many wait as are given out together.
pub(super) fn ripen(rows: &mut Rows, function: &FunctionRef, lot: &Lot) {
    let none = BTreeSet::new();
    let all = rows.values().filter(|row| is_of(row, function, lot));
    if all.count() < usize::from(lot.most) {
        return;
    }
    let free = rows.values().filter(|row| is_of(row, function, lot) && !waits(rows, row, &none));
    let first = free.min_by_key(|row| (row.ripe, row.seq)).map(|row| row.message.id);
    if let Some(row) = first.and_then(|id| rows.get_mut(&id)) {
        row.message.due = row.message.due.min(row.ripe);
    }
}

/// Looks at the lot of the message of a key whose turn it is now.
pub(super) fn let_go(rows: &mut Rows, function: &FunctionRef, key: [u8; 16]) {
    let own = |row: &&Row| {
        row.message.function == *function
            && row.message.order == Some(key)
            && row.state != State::Dead
    };
    let next = rows.values().filter(own).min_by_key(|row| row.seq);
    if let Some(lot) = next.and_then(|row| row.message.lot) {
        ripen(rows, function, &lot);
    }
}
