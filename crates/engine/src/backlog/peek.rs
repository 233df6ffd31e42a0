//! What a call in the queue holds, for an operator who wants to see it.
//!
//! Invariant: nothing of it leaves before its entry stands in the ledger, and of a call that is
//! known to hold sensitive data, or to which a contract is still to be applied, no value does.

use crate::data;
use crate::publish::labels_in;
use crate::wiring::Engine;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use model::act::Act;
use model::api::Peeked;
use model::wire::queued::Call;
use model::{Code, InvocationId, Labels, Problem, Scope};
use std::collections::BTreeMap;

/// Most bytes of a body that are shown.
const SHOWN_BYTES_MAX: usize = 64 << 10;
/// Fields whose values are somebody's credentials, whichever function they are for.
const CREDENTIALS: [&str; 5] =
    ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-amz-security-token"];
/// What stands for a value that is not shown.
const COVERED: &str = "(covered)";

impl Engine {
    /// What a call in the queue holds. It is written into the ledger that somebody looked.
    ///
    /// # Errors
    /// There is none such, it cannot be read back, or the ledger does not take the entry.
    pub async fn peek(
        &self,
        scope: &Scope,
        actor: &str,
        id: InvocationId,
    ) -> Result<Peeked, Problem> {
        let missing = || Problem::new(Code::NoSuchMessage).detail(id);
        let status = self.parts.queue.find(scope, id).await?.ok_or_else(missing)?;
        let payload = self.parts.queue.payload(scope, id).await?.ok_or_else(missing)?;
        let damaged = |error| Problem::new(Code::QueueDamaged).internal(error);
        let (call, at) = Call::decode(&payload).map_err(damaged)?;
        let body = payload.get(at..).unwrap_or_default();
        let labels = labels_of(&call);
        let is_open = call.cause.is_some() && self.has_contract(scope, &status.function.name);
        let function = status.function.name;
        let act = Act::QueuePeek { function: function.clone(), invocation: id };
        let leaf = self.commit(scope, actor, act).await?.leaf;
        let masked = match (labels.is_empty(), is_open) {
            (true, false) => None,
            (true, true) => {
                Some("the function's contract on data is applied when the call runs".to_owned())
            }
            (false, _) => Some(format!("it is known to contain {labels}")),
        };
        let mut peeked = Peeked {
            leaf,
            invocation: id,
            function,
            caller: call.caller.to_string(),
            method: call.method.clone(),
            target: path_of(&call.target, masked.is_some()),
            headers: fields_of(&call, masked.is_some()),
            bytes: body.len() as u64,
            body: None,
            body_base64: None,
            masked,
        };
        if peeked.masked.is_none() && body.len() <= SHOWN_BYTES_MAX {
            match std::str::from_utf8(body) {
                Ok(text) => peeked.body = Some(text.to_owned()),
                Err(_) => peeked.body_base64 = Some(BASE64_STANDARD.encode(body)),
            }
        }
        Ok(peeked)
    }

    /// Whether a function has a contract on data.
    fn has_contract(&self, scope: &Scope, name: &model::FunctionName) -> bool {
        let catalog = self.catalog.load();
        let found = catalog.view(scope).and_then(|view| view.functions.get(name));
        found.is_some_and(|function| self.data_of(function).is_some())
    }
}

fn labels_of(call: &Call) -> Labels {
    let mut labels = data::labels_kept(&call.headers);
    let mut fields = http::HeaderMap::new();
    for (name, value) in &call.headers {
        if let (Ok(name), Ok(value)) =
            (http::HeaderName::try_from(name.as_str()), http::HeaderValue::from_bytes(value))
        {
            fields.append(name, value);
        }
    }
    labels.join(&labels_in(&fields));
    labels
}

/// Path and query; where values may be in them, nothing of either.
fn path_of(target: &str, is_masked: bool) -> String {
    if is_masked { COVERED.to_owned() } else { target.to_owned() }
}

fn fields_of(call: &Call, is_masked: bool) -> BTreeMap<String, String> {
    let shown = |(name, value): &(String, Vec<u8>)| {
        let covered = is_masked || CREDENTIALS.contains(&name.as_str());
        let text = String::from_utf8_lossy(value).into_owned();
        (name.clone(), if covered { COVERED.to_owned() } else { text })
    };
    call.headers.iter().map(shown).collect()
}
