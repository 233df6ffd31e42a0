//! Secrets and keys of callers, sealed anew with the newest epoch of the root key.
//!
//! They change as acts do, so that the catalog and the registry say the same, and who rotates or
//! revokes one meanwhile is first: a plan takes only those that still are what they were.

use crate::secrets::uses;
use crate::tokens;
use crate::wiring::Engine;
use model::act::Act;
use model::key::{Epoch, KeyPurpose};
use model::token::{SealedKey, TokenRow, key_place};
use model::vault::{self, Sealed};
use model::{Problem, Scope, Secret, SecretRow};
use std::sync::Arc;

/// Rows of an act, at most.
const ACT_ROWS: usize = 64;

/// What was sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Secrets and keys of callers.
    pub moved: u64,
    /// Those that cannot be unsealed, and stay as they are.
    pub damaged: u64,
}

/// What one act seals anew.
#[derive(Default)]
struct Rows {
    secrets: Vec<SecretRow>,
    tokens: Vec<TokenRow>,
}

impl Engine {
    /// Seals the secrets and the keys of callers anew that an older epoch sealed.
    ///
    /// # Errors
    /// An act failed; what was done by those before stays done.
    pub async fn rewrap_secrets(&self, actor: &str) -> Result<Resealed, Problem> {
        let catalog = self.catalog.load_full();
        let to = self.parts.keys.epoch();
        let mut done = Resealed::default();
        for (scope, view) in catalog.views() {
            let secrets = view.secrets.values().filter(|row| row.is_set() && row.epoch < to);
            let secrets: Vec<_> = secrets.map(Arc::clone).collect();
            let older = |row: &&TokenRow| row.key.as_ref().is_some_and(|key| key.epoch < to);
            let tokens: Vec<_> = view.tokens.values().filter(older).cloned().collect();
            for some in secrets.chunks(ACT_ROWS) {
                let mut rows = Rows::default();
                for row in some {
                    match self.secret_anew(scope, row, to) {
                        Ok(row) => rows.secrets.push(row),
                        Err(problem) => done.damaged += damaged(&problem),
                    }
                }
                done.moved += self.reseal(scope, actor, to, rows).await?;
            }
            for some in tokens.chunks(ACT_ROWS) {
                let mut rows = Rows::default();
                for row in some {
                    match self.token_anew(scope, row, to) {
                        Ok(row) => rows.tokens.push(row),
                        Err(problem) => done.damaged += damaged(&problem),
                    }
                }
                done.moved += self.reseal(scope, actor, to, rows).await?;
            }
        }
        Ok(done)
    }

    async fn reseal(
        &self,
        scope: &Scope,
        actor: &str,
        epoch: Epoch,
        rows: Rows,
    ) -> Result<u64, Problem> {
        let Rows { secrets, tokens } = rows;
        if secrets.is_empty() && tokens.is_empty() {
            return Ok(0);
        }
        let act = Act::KeyReseal { epoch, secrets, tokens };
        let changes = self.commit(scope, actor, act).await?.changes;
        Ok((changes.secrets_put.len() + changes.tokens_resealed.len()) as u64)
    }

    fn secret_anew(&self, scope: &Scope, row: &SecretRow, to: Epoch) -> Result<SecretRow, Problem> {
        let value = uses::unsealed(row, &*self.parts.keys, scope)?;
        let place = vault::place(scope, &row.name, row.version);
        let sealed = self.anew(&value, (to, KeyPurpose::Secret), &uses::context(scope), &place)?;
        Ok(SecretRow { epoch: to, sealed, ..row.clone() })
    }

    fn token_anew(&self, scope: &Scope, row: &TokenRow, to: Epoch) -> Result<TokenRow, Problem> {
        let value = self.open_key(scope, row)?;
        let (place, of) = (key_place(scope, &row.id), (to, KeyPurpose::Credential));
        let sealed = self.anew(&value, of, &tokens::context(scope), &place)?;
        let manages = row.key.as_ref().is_some_and(|key| key.manages);
        let key = Some(SealedKey { epoch: to, sealed, manages });
        Ok(TokenRow { key, ..row.clone() })
    }

    fn anew(
        &self,
        value: &Secret<Vec<u8>>,
        (epoch, purpose): (Epoch, KeyPurpose),
        context: &[&str],
        place: &[u8],
    ) -> Result<Sealed, Problem> {
        let sealer = self.parts.keys.sealer(epoch, purpose, context);
        // The buffer is overwritten in place, and never grows while it holds plain bytes.
        let mut sealed = Vec::with_capacity(value.expose().len() + 64);
        sealed.extend_from_slice(value.expose());
        sealer
            .and_then(|sealer| sealer.seal(place, &mut sealed, 0))
            .map_err(|error| Problem::new(model::Code::Internal).internal(error))?;
        Ok(Sealed(sealed))
    }
}

/// One that stays as it is.
fn damaged(problem: &Problem) -> u64 {
    let internal = problem.internal.as_deref();
    tracing::error!(%problem, internal, "it was not moved to the newest epoch");
    1
}
