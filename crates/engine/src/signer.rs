//! Who signed a request, as AWS has it, and what they may have done by that alone.
//!
//! A door hands in the request as it came, first without its body and then with the body's digest.
//! A signer is a token like any other: its grants decide, and it ends as others do.
//!
//! Invariant: a request that changes something is taken once; the signature of one that was seen is
//! refused as long as it is valid.

use crate::guard::Origin;
use crate::invoke::{Outcomes, Refusal};
use crate::reply::ReplyBody;
use crate::wiring::Engine;
use identity::sigv4::{Claim, Sent, Wrong, token_id};
use model::token::TokenRow;
use model::wire::v1::Caller;
use model::{Code, FunctionRef, InvocationId, Problem, Scope, TokenName};
use ports::executor::RequestBody;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Whose signature a request has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The token.
    pub name: TokenName,
    /// Where it lives, and all that it can see.
    pub scope: Scope,
    /// The region that the request was signed for, which its sender chose.
    pub region: String,
    /// Where the request came from.
    pub peer: IpAddr,
    /// Whether they may make, change and remove functions.
    pub manages: bool,
}

/// Why a request is nobody's.
#[derive(Debug, Clone, PartialEq)]
pub enum Unsigned {
    /// The signature is missing, malformed, of another time, or not the one that the key makes.
    Wrong(Wrong),
    /// No key of this id is valid now.
    NoSuchKey,
    /// The signature was used before.
    Replayed,
    /// Too many from there were not valid, or too many signatures are remembered.
    Later(Duration),
    /// The node's own fault.
    Failed(Problem),
}

impl From<Wrong> for Unsigned {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl Engine {
    /// Looks at what a request says about its signature, before its body is read: nobody without a
    /// valid key's id makes the node read one.
    ///
    /// # Errors
    /// Why it is nobody's, as far as that can be seen without the body.
    pub fn announced(
        &self,
        sent: &Sent<'_>,
        service: &'static str,
        peer: IpAddr,
    ) -> Result<Claim, Unsigned> {
        let claim = Claim::read(sent)?;
        let now = self.parts.clock.monotonic();
        let origin = Origin::of(Some(peer), token_id(&claim.access_key));
        if let Some(wait) = self.guard.wait(origin, now)
            && !self.guard.trusts(origin, &claim.access_key)
        {
            self.guard.failed(origin, now);
            return Err(Unsigned::Later(wait));
        }
        claim.check(sent, service, self.parts.clock.wall())?;
        match self.key_of(&claim) {
            Some(_) => Ok(claim),
            None => {
                self.guard.failed(origin, now);
                Err(Unsigned::NoSuchKey)
            }
        }
    }

    /// Says who signed a request, whose body has this SHA-256. With `once`, the signature is taken
    /// once.
    ///
    /// # Errors
    /// Why it is nobody's.
    pub fn signer(
        &self,
        claim: &Claim,
        sent: &Sent<'_>,
        body: &[u8; 32],
        peer: IpAddr,
        once: bool,
    ) -> Result<Signer, Unsigned> {
        let (scope, row) = self.key_of(claim).ok_or(Unsigned::NoSuchKey)?;
        let secret = self.open_key(&scope, &row).map_err(Unsigned::Failed)?;
        let origin = Origin::of(Some(peer), Some(&row.id.0));
        if let Err(wrong) = claim.verify(sent, &secret, body) {
            self.guard.failed(origin, self.parts.clock.monotonic());
            return Err(wrong.into());
        }
        self.guard.trust(origin, &claim.access_key);
        if once {
            let now = self.parts.clock.wall();
            let attempt = Claim::attempt(sent);
            match self.signatures.first(claim.digest(), attempt, claim.until(), now) {
                Ok(true) => {}
                Ok(false) => return Err(Unsigned::Replayed),
                Err(_crowded) => return Err(Unsigned::Later(Duration::from_secs(60))),
            }
        }
        let manages = row.key.is_some_and(|key| key.manages);
        Ok(Signer { name: row.name, scope, region: claim.region.clone(), peer, manages })
    }

    fn key_of(&self, claim: &Claim) -> Option<(Scope, TokenRow)> {
        let id = token_id(&claim.access_key)?;
        let catalog = self.catalog.load();
        let mut views = catalog.views();
        let (scope, row) = views.find_map(|(scope, view)| Some((scope, view.keys.get(id)?)))?;
        let row = catalog.view(scope)?.tokens.get(row)?;
        let ended = row.expires.is_some_and(|end| end <= self.parts.clock.wall());
        (!ended).then(|| (scope.clone(), row.clone()))
    }

    /// Runs a function, or that version of it, for who signed, whatever its routes are.
    ///
    /// # Errors
    /// As [`Engine::invoke`].
    pub async fn invoke_signed(
        self: &Arc<Self>,
        signer: &Signer,
        function: (&FunctionRef, Option<u32>),
        request: http::Request<RequestBody>,
    ) -> Outcomes<http::Response<ReplyBody>> {
        let permitted = self.permit_signed(signer, function, request)?;
        let id = permitted.identified.throttled.received.id;
        self.answer(permitted)
            .await
            .map_err(|refusal| Refusal { invocation: refusal.invocation.or(Some(id)), ..refusal })
    }

    /// Accepts a call of who signed that runs later. Gives its id when it is on disk.
    ///
    /// # Errors
    /// A [`Refusal`]: nothing was accepted.
    pub async fn submit_signed(
        self: &Arc<Self>,
        signer: &Signer,
        function: (&FunctionRef, Option<u32>),
        request: http::Request<RequestBody>,
    ) -> Outcomes<InvocationId> {
        let permitted = self.permit_signed(signer, function, request)?;
        self.submit_permitted(permitted).await
    }

    /// Whether who signed may invoke a function, which does not run.
    ///
    /// # Errors
    /// A [`Refusal`], as [`Engine::invoke_signed`] would say it.
    pub fn may_invoke_signed(
        &self,
        signer: &Signer,
        function: (&FunctionRef, Option<u32>),
        request: http::Request<RequestBody>,
    ) -> Outcomes<()> {
        self.permit_signed(signer, function, request).map(drop)
    }

    fn permit_signed(
        &self,
        signer: &Signer,
        function: (&FunctionRef, Option<u32>),
        request: http::Request<RequestBody>,
    ) -> Outcomes<crate::stage::Permitted> {
        // A token of one place is unknown in all others.
        if function.0.scope != signer.scope {
            return Err(Problem::new(Code::NotFound).into());
        }
        let permitted = self.permit_as(
            Caller::Token(signer.name.clone()),
            Some(signer.peer),
            Code::NotFound,
            function,
            request,
        )?;
        match permitted.identified.function.shelf {
            // Files have no event.
            Some(_) => Err(Problem::new(Code::NotFound).into()),
            None => Ok(permitted),
        }
    }
}
