//! Caps: how much a function, a caller of it, an application or a tenant may use in a second, a
//! minute and a day.
//!
//! What has no cap is not counted and costs nothing. What has one is counted in atomics: an
//! invocation when it is admitted, all else when the invocation ends and is measured. So a cap on
//! invocations is exact, and any other can be passed by what is under way when it is reached, each
//! of which its own limits and its purse end.
//!
//! Invariant: neither the manifest nor the node's settings widen the other: both are kept, and the
//! stricter is met first.

mod account;
mod admit;
mod bounds;
mod callers;
mod keep;
mod lift;
mod limits;
mod propose;
mod show;
mod tally;

pub(crate) use admit::{Ticket, spent};
pub(crate) use bounds::Bounds;

use crate::function::Function;
use crate::wiring::Engine;
use account::Account;
use callers::Callers;
use limits::{Limits, Source};
use model::api::Price;
use model::cap::{CapRule, Whose};
use model::wire::tallied::Subject;
use model::{Code, FunctionRef, FunctionRow, Problem};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize};

/// Every account of the node, and the operator's caps.
pub(crate) struct Caps {
    rules: Vec<CapRule>,
    price: Option<Price>,
    /// Held only while the catalog changes, while the node starts, and now and then to save.
    accounts: Mutex<Accounts>,
    /// Callers that have an account of their own, on the whole node.
    people: Arc<AtomicUsize>,
    /// When the last save was, in microseconds.
    saved_us: AtomicI64,
    /// The sum of all that was in it.
    saved_sum: AtomicU64,
}

#[derive(Default)]
struct Accounts {
    shared: HashMap<Subject, Arc<Account>>,
    callers: HashMap<FunctionRef, Arc<Callers>>,
}

impl Caps {
    pub(crate) fn new(rules: Vec<CapRule>, price: Option<Price>) -> Self {
        Self {
            rules,
            price,
            accounts: Mutex::default(),
            people: Arc::default(),
            saved_us: AtomicI64::new(i64::MIN),
            saved_sum: AtomicU64::new(0),
        }
    }

    /// What is to be counted of a function, and up to where; `None` if nothing has a cap.
    pub(crate) fn bounds(&self, row: &FunctionRow) -> Option<Arc<Bounds>> {
        let function = &row.function;
        let tenant = &function.scope.tenant;
        let of = |whose: Whose| match whose {
            Whose::Function | Whose::Caller => function.name.as_str(),
            Whose::Application => row.application.as_str(),
            Whose::Tenant => tenant.as_str(),
        };
        let limits = |whose: Whose| {
            let node = self.rules.iter().filter(|rule| {
                rule.of == whose && rule.name.as_deref().is_none_or(|name| name == of(whose))
            });
            let node = node.map(|rule| (Source::Node, rule.per, rule.mode, rule.amounts.clone()));
            let own = row.spec.caps.iter().filter(|cap| cap.whose() == whose);
            let own = own.map(|cap| (Source::Manifest, cap.per, cap.mode, cap.amounts()));
            Limits::new(node.chain(own), self.price.as_ref())
        };
        let subjects = [
            (Whose::Function, Subject::Function(function.clone())),
            (
                Whose::Application,
                Subject::Application(function.scope.clone(), row.application.clone()),
            ),
            (Whose::Tenant, Subject::Tenant(tenant.clone())),
        ];
        let mut accounts = self.accounts.lock();
        let mut shared = Vec::new();
        for (whose, subject) in subjects {
            let limits = limits(whose);
            if !limits.is_empty() {
                let account = accounts.shared.entry(subject);
                let new = || Arc::new(Account::new(whose, of(whose).to_owned(), None));
                shared.push((Arc::clone(account.or_insert_with(new)), limits));
            }
        }
        let limits = limits(Whose::Caller);
        let callers =
            (!limits.is_empty()).then(|| (accounts.callers_of(function, &self.people), limits));
        let any = !shared.is_empty() || callers.is_some();
        any.then(|| Arc::new(Bounds { shared, callers }))
    }
}

impl Accounts {
    fn callers_of(&mut self, function: &FunctionRef, people: &Arc<AtomicUsize>) -> Arc<Callers> {
        let new = || Arc::new(Callers::new(function.name.to_string(), Arc::clone(people)));
        Arc::clone(self.callers.entry(function.clone()).or_insert_with(new))
    }
}

impl Function {
    /// What is to be counted of it, if anything has a cap.
    pub(crate) fn bounds(&self, caps: &Caps) -> Option<&Arc<Bounds>> {
        self.bounds.get_or_init(|| caps.bounds(&self.row)).as_ref()
    }
}

impl Engine {
    /// A cap in money means something only if the node has a price in its currency.
    pub(crate) fn check_caps(
        &self,
        members: &[model::manifest::FunctionSpec],
    ) -> Result<(), Problem> {
        for member in members {
            for money in member.caps.iter().filter_map(|cap| cap.money.as_ref()) {
                if limits::milliunits(money, self.config.price.as_ref()).is_none() {
                    let detail = format!("function `{}`, `cap.money = \"{money}\"`", member.name);
                    let hint = match &self.config.price {
                        Some(price) => {
                            format!("this node's price is {} {}", price.unit, price.currency)
                        }
                        None => "this node has no price; cap `units` instead".to_owned(),
                    };
                    return Err(Problem::new(Code::NoPrice).detail(detail).hint(hint));
                }
            }
        }
        Ok(())
    }
}
