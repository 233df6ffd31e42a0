//! Key-value stores.

use super::Broker;
use super::record::Step;
use model::store::Access;
use model::{Code, Labelled, Labels, StoreName};
use policy::{CallPermit, Denial, StoreAsk};
use ports::host::{Answer, HostError, HostReply};
use ports::keyvalue::{Ask, Cell, Change, Error, PAGE_MAX, Reply, StoreRef};
use std::sync::Arc;

impl Broker {
    pub(super) async fn keyvalue(
        self: Arc<Self>,
        store: String,
        ask: Ask,
        labels: Labels,
    ) -> Result<Answer, HostError> {
        let mut step = self.begin(operation(&ask), store, &arguments(&ask), labels);
        let Labelled { value: reply, labels } =
            match StoreName::of(&self.function.reference().name, step.resource()) {
                Ok(name) => self.use_store(&step, name, ask).await?,
                Err(error) => {
                    let mut denial = Denial::of(Code::StoreDenied);
                    denial.detail = Some(error.to_string().into());
                    return Err(self.denied(&step, &denial));
                }
            };
        self.may_see(&step, &labels)?;
        self.join(&labels);
        step.labels.join(&labels);
        self.done(&step, moved(&reply));
        Ok(Answer { reply: Labelled::plain(HostReply::KeyValue(reply)), body: None })
    }

    async fn use_store(
        self: &Arc<Self>,
        step: &Step,
        name: StoreName,
        ask: Ask,
    ) -> Result<Labelled<Reply>, HostError> {
        let permit = self
            .may_use(step.resource(), &name, &ask)
            .map_err(|denial| self.denied(step, &denial))?;
        self.charge(step)?;
        let _waiting = self.wait().ok_or_else(|| self.limited(step, "asks at once"))?;
        let store = StoreRef { scope: self.function.reference().scope.clone(), name };
        let answered = match ask {
            Ask::Open => Ok(Labelled::plain(Reply::Done)),
            Ask::List { prefix, after, limit } => {
                let ranges = self.function.policies.listable(step.resource(), self.claims());
                let listing = Listing { prefix, after, limit };
                self.list(&permit, &store, &ranges, listing).await.map(Labelled::plain)
            }
            ask => {
                // Whatever the invocation had seen may be in what it writes.
                let ask = Labelled { value: ask, labels: self.labels() };
                let bytes_max = self.limits.keyvalue_bytes_max;
                self.parts().keyvalue.ask_labelled(&store, ask, bytes_max).await
            }
        };
        answered.map_err(|error| {
            let why = error.to_string();
            self.failed(step, to_guest(error), &why)
        })
    }

    /// Every key of the ask has to be covered.
    fn may_use(&self, store: &str, name: &StoreName, ask: &Ask) -> Result<CallPermit, Denial> {
        match ask {
            Ask::Open | Ask::List { .. } => self.may(store, name, Access::Read, []),
            Ask::Get { keys } => {
                self.may(store, name, Access::Read, keys.iter().map(String::as_str))
            }
            Ask::Exists { key } => self.may(store, name, Access::Read, [key.as_str()]),
            Ask::Write { changes } => {
                self.may(store, name, Access::Write, changes.iter().map(Change::key))
            }
            // Both tell what is there.
            Ask::Add { key, .. } | Ask::Swap { key, .. } => {
                self.may(store, name, Access::ReadWrite, [key.as_str()])
            }
        }
    }

    fn may<'a>(
        &self,
        store: &str,
        name: &StoreName,
        access: Access,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<CallPermit, Denial> {
        let decide = |key: Option<&str>| {
            let claims = self.claims();
            self.function.policies.decide_store(StoreAsk { store, name, access, key, claims })
        };
        let mut keys = keys.into_iter();
        // To do nothing is allowed to whom any part of the store is open.
        let mut permit = decide(keys.next())?;
        for key in keys {
            permit = decide(Some(key))?;
        }
        Ok(permit)
    }

    /// Lists what the function may read, range by range.
    async fn list(
        &self,
        _permit: &CallPermit,
        store: &StoreRef,
        ranges: &[(String, bool)],
        listing: Listing,
    ) -> Result<Reply, Error> {
        let limit = listing.limit.min(PAGE_MAX);
        let mut found: Vec<String> = Vec::new();
        let mut more = false;
        for (text, open) in ranges {
            let Some(prefix) = within(&listing.prefix, text, *open) else { continue };
            if found.len() >= limit {
                more = true;
                break;
            }
            let page = Ask::List {
                prefix: prefix.to_owned(),
                after: listing.after.clone(),
                limit: limit - found.len(),
            };
            let page =
                self.parts().keyvalue.ask(store, page, self.limits.keyvalue_bytes_max).await?;
            if let Reply::Keys { keys, more: rest } = page {
                // A range that is not open is one key.
                found.extend(keys.into_iter().filter(|key| *open || key == text));
                more = more || (rest && *open);
            }
        }
        Ok(Reply::Keys { keys: found, more })
    }
}

/// What a guest wants listed.
struct Listing {
    prefix: String,
    after: Option<String>,
    limit: usize,
}

/// What the keys begin with that are both wanted and within the range.
fn within<'a>(wanted: &'a str, range: &'a str, open: bool) -> Option<&'a str> {
    if range.starts_with(wanted) {
        return Some(range);
    }
    (open && wanted.starts_with(range)).then_some(wanted)
}

fn operation(ask: &Ask) -> &'static str {
    match ask {
        Ask::Open => "keyvalue.open",
        Ask::Get { .. } => "keyvalue.get",
        Ask::Exists { .. } => "keyvalue.exists",
        Ask::Write { .. } => "keyvalue.write",
        Ask::Add { .. } => "keyvalue.add",
        Ask::Swap { .. } => "keyvalue.swap",
        Ask::List { .. } => "keyvalue.list",
    }
}

/// The arguments as they are digested: each after its length, so that none can pass for two.
fn arguments(ask: &Ask) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8]| {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    };
    match ask {
        Ask::Open => {}
        Ask::Get { keys } => keys.iter().for_each(|key| add(key.as_bytes())),
        Ask::Exists { key } => add(key.as_bytes()),
        Ask::Write { changes } => changes.iter().for_each(|change| match change {
            Change::Set { key, value } => {
                add(key.as_bytes());
                add(value);
            }
            Change::Delete { key } => add(key.as_bytes()),
        }),
        Ask::Add { key, delta } => {
            add(key.as_bytes());
            add(&delta.to_le_bytes());
        }
        Ask::Swap { key, version, value } => {
            add(key.as_bytes());
            add(&version.unwrap_or_default().to_le_bytes());
            add(value);
        }
        Ask::List { prefix, after, .. } => {
            add(prefix.as_bytes());
            add(after.as_deref().unwrap_or_default().as_bytes());
        }
    }
    bytes
}

/// Bytes that went to the guest.
fn moved(reply: &Reply) -> u64 {
    let size = |cell: &Option<Cell>| cell.as_ref().map_or(0, |cell| cell.value.len() as u64);
    match reply {
        Reply::Cells(cells) => cells.iter().map(size).sum(),
        Reply::Keys { keys, .. } => keys.iter().map(|key| key.len() as u64).sum(),
        Reply::Swapped(Err(cell)) => size(cell),
        Reply::Swapped(Ok(_)) | Reply::Done | Reply::Found(_) | Reply::Number(_) => 0,
    }
}

fn to_guest(error: Error) -> HostError {
    match error {
        Error::Invalid(why) => HostError::Invalid(why),
        Error::NotANumber => HostError::Invalid(Error::NotANumber.to_string()),
        Error::Quota { .. } => HostError::Limit("the store's size".into()),
        Error::Full => HostError::Limit("the disk's size".into()),
        _ => HostError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_asks_have_the_same_arguments() {
        let get = |keys: &[&str]| {
            arguments(&Ask::Get { keys: keys.iter().map(|key| (*key).to_owned()).collect() })
        };
        assert_ne!(get(&["ab", "c"]), get(&["a", "bc"]));
        assert_ne!(get(&["abc"]), get(&["ab", "c"]));
    }

    #[test]
    fn a_listing_stays_within_its_range() {
        for (wanted, range, open, expect) in [
            ("", "ann/", true, Some("ann/")),
            ("ann/1", "ann/", true, Some("ann/1")),
            ("an", "ann/", true, Some("ann/")),
            ("bob/", "ann/", true, None),
            ("ann/1", "ann", false, None),
            ("", "ann", false, Some("ann")),
        ] {
            assert_eq!(within(wanted, range, open), expect, "{wanted} {range}");
        }
    }
}
