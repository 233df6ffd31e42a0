//! The registry's port: acts go to the writer, questions to a reader.
//!
//! Invariant: each answer comes from one read transaction, so it never mixes two states.

use super::text::{from_json, grant, parse, secret, spec};
use super::{Store, beside, commit, copy};
use crate::Error;
use model::act::{Act, Committed};
use model::key::Epoch;
use model::revision::{DeploymentRow, RevisionRow};
use model::token::{SealedKey, TokenId, TokenRow};
use model::vault::Sealed;
use model::{ApplicationName, Digest, FunctionRef, FunctionRow, Scope, Timestamp};
use ports::Future;
use ports::registry::{By, Error as RegistryError, Referred, Registry, ScopeState};
use rusqlite::{Connection, Row, params};
use std::collections::BTreeMap;

impl Registry for Store {
    fn commit(&self, act: Act, by: By) -> Future<'_, Result<Committed, RegistryError>> {
        let notary = self.inner.notary.clone();
        Box::pin(async move {
            let work = move |connection: &mut Connection| {
                commit::commit(connection, notary.as_ref(), act, &by)
            };
            Ok(self.write(work).await?)
        })
    }

    fn load(&self) -> Future<'_, Result<Vec<ScopeState>, RegistryError>> {
        Box::pin(async move { Ok(self.read(load).await?) })
    }

    fn revisions<'a>(
        &'a self,
        function: &'a FunctionRef,
    ) -> Future<'a, Result<Vec<RevisionRow>, RegistryError>> {
        let function = function.clone();
        Box::pin(
            async move { Ok(self.read(move |connection| revisions(connection, &function)).await?) },
        )
    }

    fn deployments<'a>(
        &'a self,
        scope: &'a Scope,
        application: &'a ApplicationName,
    ) -> Future<'a, Result<Vec<DeploymentRow>, RegistryError>> {
        let (scope, application) = (scope.clone(), application.clone());
        Box::pin(async move {
            let work = move |connection: &Connection| deployments(connection, &scope, &application);
            Ok(self.read(work).await?)
        })
    }

    fn artifacts(&self) -> Future<'_, Result<Referred, RegistryError>> {
        Box::pin(async move { Ok(self.read(artifacts).await?) })
    }

    fn backup(&self, file: std::path::PathBuf) -> Future<'_, Result<(), RegistryError>> {
        Box::pin(
            async move { Ok(self.read(move |connection| copy::copy(connection, &file)).await?) },
        )
    }
}

fn load(connection: &Connection) -> Result<Vec<ScopeState>, Error> {
    let transaction = connection.unchecked_transaction()?;
    let mut scopes = Scopes::default();
    load_functions(&transaction, &mut scopes)?;
    load_grants(&transaction, &mut scopes)?;
    load_tokens(&transaction, &mut scopes)?;
    load_secrets(&transaction, &mut scopes)?;
    for row in beside::all(&transaction)? {
        // It goes with its function, so its scope is there.
        if let Some(state) = scopes.0.get_mut(&row.function.scope) {
            state.beside.push(row);
        }
    }
    let sorted = scopes.0.into_values().map(|mut state| {
        state.functions.sort_by(|a, b| a.function.cmp(&b.function));
        state.grants.sort();
        state.tokens.sort_by(|a, b| a.name.cmp(&b.name));
        state.secrets.sort_by(|a, b| a.name.cmp(&b.name));
        state
    });
    Ok(sorted.collect())
}

#[derive(Default)]
struct Scopes(BTreeMap<Scope, ScopeState>);

impl Scopes {
    /// The state of the scope that a row's first two columns name.
    fn of(&mut self, row: &Row<'_>) -> Result<&mut ScopeState, Error> {
        let scope = Scope {
            tenant: parse(&row.get::<_, String>(0)?)?,
            environment: parse(&row.get::<_, String>(1)?)?,
        };
        let empty = || ScopeState { scope: scope.clone(), ..ScopeState::default() };
        Ok(self.0.entry(scope.clone()).or_insert_with(empty))
    }
}

fn load_functions(connection: &Connection, scopes: &mut Scopes) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT f.tenant, f.environment, f.name, f.application, a.active, f.revision,
            r.digest, r.artifact, r.spec
         FROM function f
         JOIN application a ON a.tenant = f.tenant AND a.environment = f.environment
            AND a.name = f.application
         JOIN revision r ON r.tenant = f.tenant AND r.environment = f.environment
            AND r.function = f.name AND r.number = f.revision",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let state = scopes.of(row)?;
        let name = parse(&row.get::<_, String>(2)?)?;
        state.functions.push(FunctionRow {
            function: FunctionRef { scope: state.scope.clone(), name },
            application: parse(&row.get::<_, String>(3)?)?,
            deployment: row.get(4)?,
            revision: row.get(5)?,
            digest: Digest(row.get(6)?),
            artifact: Digest(row.get(7)?),
            spec: spec(&row.get::<_, String>(8)?)?,
        });
    }
    Ok(())
}

fn load_grants(connection: &Connection, scopes: &mut Scopes) -> Result<(), Error> {
    let mut statement =
        connection.prepare_cached("SELECT tenant, environment, who, action, what FROM granted")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (who, action, what): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        scopes.of(row)?.grants.push(grant(&who, &action, &what)?);
    }
    Ok(())
}

fn load_tokens(connection: &Connection, scopes: &mut Scopes) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, environment, id, name, hash, created_us, expires_us, key_epoch, key_sealed,
            key_manages
         FROM token",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        scopes.of(row)?.tokens.push(TokenRow {
            id: TokenId(row.get(2)?),
            name: parse(&row.get::<_, String>(3)?)?,
            hash: Digest(row.get(4)?),
            created: Timestamp(row.get(5)?),
            expires: row.get::<_, Option<i64>>(6)?.map(Timestamp),
            key: match (row.get(7)?, row.get(8)?, row.get(9)?) {
                (Some(epoch), Some(sealed), Some(manages)) => {
                    Some(SealedKey { epoch: Epoch(epoch), sealed: Sealed(sealed), manages })
                }
                _ => None,
            },
        });
    }
    Ok(())
}

fn artifacts(connection: &Connection) -> Result<Referred, Error> {
    let mut statement =
        connection.prepare_cached("SELECT DISTINCT artifact, spec FROM revision")?;
    let mut rows = statement.query([])?;
    let mut referred = Referred::default();
    while let Some(row) = rows.next()? {
        referred.add(Digest(row.get(0)?), &spec(&row.get::<_, String>(1)?)?);
    }
    Ok(referred)
}

fn load_secrets(connection: &Connection, scopes: &mut Scopes) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, environment, name, version, set_us, weak, epoch, sealed FROM secret",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        scopes.of(row)?.secrets.push(secret(row, 2)?);
    }
    Ok(())
}

fn revisions(connection: &Connection, function: &FunctionRef) -> Result<Vec<RevisionRow>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT r.number, r.digest, r.artifact, r.deployment, r.created_us,
            f.revision IS NOT NULL
         FROM revision r LEFT JOIN function f ON f.tenant = r.tenant
            AND f.environment = r.environment AND f.name = r.function AND f.revision = r.number
         WHERE r.tenant = ?1 AND r.environment = ?2 AND r.function = ?3
         ORDER BY r.number DESC",
    )?;
    let scope = &function.scope;
    let params = params![scope.tenant.as_str(), scope.environment.as_str(), function.name.as_str()];
    let rows = statement.query_map(params, |row| {
        Ok(RevisionRow {
            revision: row.get(0)?,
            digest: Digest(row.get(1)?),
            artifact: Digest(row.get(2)?),
            deployment: row.get(3)?,
            created: Timestamp(row.get(4)?),
            active: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn deployments(
    connection: &Connection,
    scope: &Scope,
    application: &ApplicationName,
) -> Result<Vec<DeploymentRow>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT d.number, d.created_us, d.actor, coalesce(a.active = d.number, 0), d.manifest
         FROM deployment d JOIN application a ON a.tenant = d.tenant
            AND a.environment = d.environment AND a.name = d.application
         WHERE d.tenant = ?1 AND d.environment = ?2 AND d.application = ?3
         ORDER BY d.number DESC",
    )?;
    let params = params![scope.tenant.as_str(), scope.environment.as_str(), application.as_str()];
    let mut rows = statement.query(params)?;
    let mut deployments = Vec::new();
    while let Some(row) = rows.next()? {
        deployments.push(DeploymentRow {
            deployment: row.get(0)?,
            created: Timestamp(row.get(1)?),
            by: row.get(2)?,
            active: row.get(3)?,
            manifest: from_json(&row.get::<_, String>(4)?)?,
        });
    }
    Ok(deployments)
}
