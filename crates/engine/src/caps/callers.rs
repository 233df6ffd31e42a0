//! The accounts of a function's callers.
//!
//! Whoever has a credential has an account, as long as there is room; everybody else shares one. So
//! a flood of strangers, or of names that somebody signs up, is one caller.
//!
//! Invariant: memory is bounded, by function and on the node. A reader takes no lock.

use super::account::Account;
use super::tally;
use arc_swap::ArcSwap;
use model::Timestamp;
use model::cap::{Per, Whose};
use model::wire::v1::Caller;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Callers of one function that have an account of their own.
const OF_A_FUNCTION_MAX: usize = 4096;
/// The same for the whole node: with some 350 bytes each, 17 MiB.
const OF_THE_NODE_MAX: usize = 50_000;
/// What the account is called that those share who have none of their own.
const OTHERS: &str = "others";

/// The accounts of a function's callers.
pub(crate) struct Callers {
    function: String,
    known: ArcSwap<HashMap<u64, Arc<Account>>>,
    adding: Mutex<()>,
    /// Of those who have none of their own. Says also whether the caps of all callers are lifted.
    pub(super) rest: Arc<Account>,
    /// Callers that have an account, on the whole node.
    people: Arc<AtomicUsize>,
}

impl Callers {
    pub(super) fn new(function: String, people: Arc<AtomicUsize>) -> Self {
        let rest = Account::new(Whose::Caller, function.clone(), Some(OTHERS.to_owned()));
        Self {
            function,
            known: ArcSwap::default(),
            adding: Mutex::new(()),
            rest: Arc::new(rest),
            people,
        }
    }

    /// The account of a caller. `digest` is keyed, so that nobody can choose a name that counts as
    /// somebody else's.
    pub(super) fn of(&self, caller: &Caller, digest: impl Fn(&[u8]) -> [u8; 16]) -> Arc<Account> {
        if *caller == Caller::Anonymous {
            return Arc::clone(&self.rest);
        }
        let name = caller.to_string();
        let digest = digest(name.as_bytes());
        let Some(first) = digest.first_chunk() else { return Arc::clone(&self.rest) };
        // Zero is the account that is shared.
        let account = self.at(u64::from_le_bytes(*first).max(1));
        if account.caller.get().is_none() {
            let _the_first_counts = account.caller.set(name);
        }
        account
    }

    /// The account under this digest; 0 is the shared one.
    pub(super) fn at(&self, digest: u64) -> Arc<Account> {
        if digest == 0 {
            return Arc::clone(&self.rest);
        }
        if let Some(account) = self.known.load().get(&digest) {
            return Arc::clone(account);
        }
        let _one_at_a_time = self.adding.lock();
        let known = self.known.load();
        if let Some(account) = known.get(&digest) {
            return Arc::clone(account);
        }
        let full = known.len() >= OF_A_FUNCTION_MAX || self.people.load(Relaxed) >= OF_THE_NODE_MAX;
        if full {
            return Arc::clone(&self.rest);
        }
        self.people.fetch_add(1, Relaxed);
        let account = Arc::new(Account::new(Whose::Caller, self.function.clone(), None));
        let mut more = HashMap::clone(&known);
        more.insert(digest, Arc::clone(&account));
        self.known.store(Arc::new(more));
        account
    }

    /// All accounts, with their digests.
    pub(super) fn all(&self) -> Vec<(u64, Arc<Account>)> {
        let known = self.known.load();
        let known = known.iter().map(|(digest, account)| (*digest, Arc::clone(account)));
        known.chain([(0, Arc::clone(&self.rest))]).collect()
    }

    /// Whether any of them did anything today.
    pub(super) fn is_busy(&self, today: i64) -> bool {
        self.rest.day().0 >= today || !self.known.load().is_empty()
    }

    /// Forgets callers that did nothing today: what they used counts no more.
    pub(super) fn tidy(&self, now: Timestamp) {
        let today = tally::number(Per::Day, now);
        let _one_at_a_time = self.adding.lock();
        let known = self.known.load();
        let idle = |account: &Account| account.day().0 < today;
        if !known.values().any(|account| idle(account)) {
            return;
        }
        let mut fewer = HashMap::clone(&known);
        fewer.retain(|_, account| !idle(account));
        self.people.fetch_sub(known.len() - fewer.len(), Relaxed);
        self.known.store(Arc::new(fewer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers(people: &Arc<AtomicUsize>) -> Callers {
        Callers::new("hello".to_owned(), Arc::clone(people))
    }

    fn digest(bytes: &[u8]) -> [u8; 16] {
        let mut digest = [0; 16];
        for (at, byte) in bytes.iter().enumerate() {
            digest[at % 8] ^= byte.rotate_left(u32::try_from(at / 8).unwrap_or(0));
        }
        digest
    }

    fn token(number: usize) -> Caller {
        Caller::Token(format!("t-{number}").parse().expect("a name"))
    }

    #[test]
    fn strangers_share_one_account_and_named_callers_have_their_own() {
        let callers = callers(&Arc::default());
        let of = |caller: &Caller| callers.of(caller, digest);
        assert!(Arc::ptr_eq(&of(&Caller::Anonymous), &callers.rest));
        let (one, other) = (of(&token(1)), of(&token(2)));
        assert!(!Arc::ptr_eq(&one, &other) && Arc::ptr_eq(&one, &of(&token(1))));
        assert_eq!(one.caller.get().map(String::as_str), Some("token:t-1"));
    }

    #[test]
    fn beyond_the_room_callers_share_and_idle_ones_make_room() {
        let people = Arc::default();
        let callers = callers(&people);
        for number in 1..=OF_A_FUNCTION_MAX as u64 {
            callers.at(number);
        }
        assert!(Arc::ptr_eq(&callers.at(1_000_000), &callers.rest), "no room");
        let now = Timestamp(1_800_000_000_000_000);
        callers.at(7).tally.turn(Per::Day, now);
        callers.tidy(now);
        assert_eq!((callers.all().len(), people.load(Relaxed)), (2, 1), "one and the shared one");
        assert!(!Arc::ptr_eq(&callers.at(1_000_000), &callers.rest));
    }
}
