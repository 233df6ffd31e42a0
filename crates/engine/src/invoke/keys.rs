//! A token by a key that its issuer is not known to have: the issuer may have new ones.
//!
//! Invariant: a request by a key that is known waits for nothing here.

use super::credential::bearer;
use crate::guard::Origin;
use crate::stage::{Received, Throttled};
use crate::wiring::Engine;

impl Engine {
    /// Has the issuer of a request's token asked for its keys, if the token is by one that is not
    /// known, and waits for that. Who guessed too often already causes nothing.
    pub(crate) fn look_for_key(
        &self,
        throttled: &Throttled,
    ) -> impl Future<Output = ()> + Send + use<> {
        let asking = self.unknown_key(&throttled.received);
        async move {
            if let Some(asking) = asking {
                asking.await;
            }
        }
    }

    fn unknown_key(&self, received: &Received) -> Option<identity::jwt::Asking> {
        let issuers = &self.config.issuers;
        let headers = received.request.headers();
        let text = bearer(issuers.headers().find_map(|name| headers.get(name))?)?;
        let issuer = issuers.lacks_key(text)?;
        let origin = Origin::of(received.peer, None);
        let held_up = self.guard.wait(origin, received.began).is_some();
        if held_up { None } else { issuers.ask(issuer) }
    }
}
