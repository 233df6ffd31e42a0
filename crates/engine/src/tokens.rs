//! API tokens: made and ended. Of most only a hash is kept; of those whose holder signs requests,
//! the key, sealed.

use crate::wiring::Engine;
use identity::sigv4::{self, MintedKey};
use model::act::Act;
use model::api::{TokenCreated, TokenRequest};
use model::key::KeyPurpose;
use model::token::{SealedKey, TokenRow, key_place};
use model::vault::Sealed;
use model::{Code, Problem, Scope, Secret, Timestamp, TokenName};

impl Engine {
    /// Makes a token. The answer is the only place where it can be seen.
    ///
    /// # Errors
    /// The name is taken, or a function does not exist.
    pub async fn create_token(
        &self,
        scope: &Scope,
        actor: &str,
        request: TokenRequest,
    ) -> Result<TokenCreated, Problem> {
        if request.manage && !request.aws {
            let why = "only a key can manage functions: a token has no door for it";
            return Err(Problem::new(Code::BadRequest).detail(why));
        }
        let created = self.parts.clock.wall();
        let lasts_us = request
            .expires_in
            .map(|d| i64::try_from(d.ms).unwrap_or(i64::MAX).saturating_mul(1000));
        let expires: Option<Timestamp> = lasts_us.map(|us| created.plus_us(us));
        let name = request.name;
        let mut answer = TokenCreated {
            name: name.clone(),
            token: None,
            access_key_id: None,
            secret_access_key: None,
            expires,
        };
        let token = if request.aws {
            let minted = sigv4::mint().map_err(internal)?;
            let key = Some(self.seal_key(scope, &minted, request.manage)?);
            let hash = audit::digest(minted.secret.expose().as_bytes());
            answer.access_key_id = Some(sigv4::access_key_id(&minted.id));
            answer.secret_access_key = Some(minted.secret.expose().clone());
            TokenRow { id: minted.id, name, hash, created, expires, key }
        } else {
            let minted = identity::token::mint().map_err(internal)?;
            answer.token = Some(minted.token.expose().clone());
            TokenRow { id: minted.id, name, hash: minted.hash, created, expires, key: None }
        };
        self.commit(scope, actor, Act::TokenCreate { token, invoke: request.invoke }).await?;
        Ok(answer)
    }

    /// Ends a token. Returns the ledger entry's number.
    ///
    /// # Errors
    /// There is none such.
    pub async fn revoke_token(
        &self,
        scope: &Scope,
        actor: &str,
        name: &TokenName,
    ) -> Result<u64, Problem> {
        Ok(self.commit(scope, actor, Act::TokenRevoke { name: name.clone() }).await?.leaf)
    }

    fn seal_key(
        &self,
        scope: &Scope,
        minted: &MintedKey,
        manages: bool,
    ) -> Result<SealedKey, Problem> {
        let keys = &self.parts.keys;
        let epoch = keys.epoch();
        let sealer = keys.sealer(epoch, KeyPurpose::Credential, &context(scope));
        let secret = minted.secret.expose().as_bytes();
        // The buffer is overwritten in place, and never grows while it holds plain bytes.
        let mut sealed = Vec::with_capacity(secret.len() + 64);
        sealed.extend_from_slice(secret);
        let place = key_place(scope, &minted.id);
        sealer.and_then(|sealer| sealer.seal(&place, &mut sealed, 0)).map_err(internal)?;
        Ok(SealedKey { epoch, sealed: Sealed(sealed), manages })
    }

    /// The secret access key of a token. It is unsealed for each request, and kept in memory no
    /// longer than that.
    ///
    /// # Errors
    /// It has none, or it cannot be unsealed.
    pub(crate) fn open_key(
        &self,
        scope: &Scope,
        row: &TokenRow,
    ) -> Result<Secret<Vec<u8>>, Problem> {
        let unreadable = |why: &dyn std::fmt::Display| {
            Problem::new(Code::KeyUnreadable).detail(&row.name).internal(why)
        };
        let key = row.key.as_ref().ok_or_else(|| unreadable(&"it has none"))?;
        let sealer = self.parts.keys.sealer(key.epoch, KeyPurpose::Credential, &context(scope));
        let place = key_place(scope, &row.id);
        let opened = sealer.and_then(|sealer| sealer.unseal(&place, &key.sealed.0));
        opened.map(Secret::new).map_err(|error| unreadable(&error))
    }
}

/// What the sealing key is derived from.
pub(crate) fn context(scope: &Scope) -> [&str; 2] {
    [scope.tenant.as_str(), scope.environment.as_str()]
}

fn internal(error: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Internal).internal(error)
}
