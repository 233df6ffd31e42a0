//! What the rules see of one scope: look-ups inside the transaction that will write.
//!
//! Invariant: every look-up goes by a key or an index, so an act costs what it touches and not
//! what the scope holds.

use super::beside;
use super::text::{grant, object, parse, secret, spec};
use crate::Error;
use model::beside::Beside;
use model::plan::{ApplicationState, RouteKey, View};
use model::token::TokenId;
use model::{
    ApplicationName, Digest, FunctionName, FunctionRef, FunctionRow, Grant, Scope, SecretName,
    SecretRow, TokenName,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

pub(super) struct Seen<'a> {
    connection: &'a Connection,
    scope: &'a Scope,
}

impl<'a> Seen<'a> {
    pub(super) fn new(connection: &'a Connection, scope: &'a Scope) -> Self {
        Self { connection, scope }
    }

    fn tenant(&self) -> &str {
        self.scope.tenant.as_str()
    }

    fn environment(&self) -> &str {
        self.scope.environment.as_str()
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        Ok(self.connection.prepare_cached(sql)?.query_row(params, row).optional()?)
    }

    fn exists(&self, sql: &str, params: impl Params) -> Result<bool, Error> {
        Ok(self.connection.prepare_cached(sql)?.exists(params)?)
    }

    fn grants(&self, sql: &str, params: impl Params) -> Result<Vec<Grant>, Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut grants = Vec::new();
        while let Some(row) = rows.next()? {
            let (who, action, what): (String, String, String) = row.try_into()?;
            grants.push(grant(&who, &action, &what)?);
        }
        Ok(grants)
    }
}

impl View for Seen<'_> {
    type Error = Error;

    fn application(&self, name: &ApplicationName) -> Result<Option<ApplicationState>, Error> {
        self.one(
            "SELECT active, last FROM application
             WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
            params![self.tenant(), self.environment(), name.as_str()],
            |row| Ok(ApplicationState { active: row.get(0)?, last: row.get(1)? }),
        )
    }

    fn members(&self, name: &ApplicationName) -> Result<Vec<FunctionName>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name FROM function
             WHERE tenant = ?1 AND environment = ?2 AND application = ?3",
        )?;
        let params = params![self.tenant(), self.environment(), name.as_str()];
        let mut rows = statement.query(params)?;
        let mut members = Vec::new();
        while let Some(row) = rows.next()? {
            members.push(parse(&row.get::<_, String>(0)?)?);
        }
        Ok(members)
    }

    fn deployment(
        &self,
        name: &ApplicationName,
        deployment: u32,
    ) -> Result<Option<Vec<FunctionRow>>, Error> {
        let params = params![self.tenant(), self.environment(), name.as_str(), deployment];
        let there = self.exists(
            "SELECT 1 FROM deployment
             WHERE tenant = ?1 AND environment = ?2 AND application = ?3 AND number = ?4",
            params,
        )?;
        if !there {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT r.function, r.number, r.digest, r.artifact, r.spec
             FROM deployment_function d JOIN revision r ON r.tenant = d.tenant
                AND r.environment = d.environment AND r.function = d.function
                AND r.number = d.revision
             WHERE d.tenant = ?1 AND d.environment = ?2 AND d.application = ?3
                AND d.deployment = ?4
             ORDER BY d.function",
        )?;
        let mut rows = statement.query(params)?;
        let mut functions = Vec::new();
        while let Some(row) = rows.next()? {
            functions.push(FunctionRow {
                function: FunctionRef {
                    scope: self.scope.clone(),
                    name: parse(&row.get::<_, String>(0)?)?,
                },
                application: name.clone(),
                deployment,
                revision: row.get(1)?,
                digest: Digest(row.get(2)?),
                artifact: Digest(row.get(3)?),
                spec: spec(&row.get::<_, String>(4)?)?,
            });
        }
        Ok(Some(functions))
    }

    fn deployment_before(
        &self,
        name: &ApplicationName,
        deployment: u32,
    ) -> Result<Option<u32>, Error> {
        self.one(
            "SELECT number FROM deployment
             WHERE tenant = ?1 AND environment = ?2 AND application = ?3 AND number < ?4
             ORDER BY number DESC LIMIT 1",
            params![self.tenant(), self.environment(), name.as_str(), deployment],
            |row| row.get(0),
        )
    }

    fn owner(&self, function: &FunctionName) -> Result<Option<ApplicationName>, Error> {
        let owner: Option<String> = self.one(
            "SELECT application FROM function
             WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
            params![self.tenant(), self.environment(), function.as_str()],
            |row| row.get(0),
        )?;
        owner.map(|name| parse(&name)).transpose()
    }

    fn route(&self, key: &RouteKey) -> Result<Option<(ApplicationName, FunctionName)>, Error> {
        let holder: Option<(String, String)> = self.one(
            "SELECT f.application, f.name
             FROM route r JOIN function f ON f.tenant = r.tenant
                AND f.environment = r.environment AND f.name = r.function
             WHERE r.tenant = ?1 AND r.environment = ?2
                AND r.host = ?3 AND r.shape = ?4 AND r.method = ?5",
            params![self.tenant(), self.environment(), key.host, key.shape, key.method],
            |row| row.try_into(),
        )?;
        holder.map(|(owner, function)| Ok((parse(&owner)?, parse(&function)?))).transpose()
    }

    fn revision(&self, function: &FunctionName, digest: Digest) -> Result<Option<u32>, Error> {
        self.one(
            "SELECT number FROM revision
             WHERE tenant = ?1 AND environment = ?2 AND function = ?3 AND digest = ?4",
            params![self.tenant(), self.environment(), function.as_str(), digest.0],
            |row| row.get(0),
        )
    }

    fn revision_last(&self, function: &FunctionName) -> Result<u32, Error> {
        let last = self.one(
            "SELECT number FROM revision
             WHERE tenant = ?1 AND environment = ?2 AND function = ?3
             ORDER BY number DESC LIMIT 1",
            params![self.tenant(), self.environment(), function.as_str()],
            |row| row.get(0),
        )?;
        Ok(last.unwrap_or(0))
    }

    fn revision_row(
        &self,
        function: &FunctionName,
        revision: u32,
    ) -> Result<Option<FunctionRow>, Error> {
        beside::revision(self.connection, self.scope, function, revision)
    }

    fn beside(&self, function: &FunctionName) -> Result<Option<Beside>, Error> {
        beside::document(self.connection, self.scope, function)
    }

    fn granted(&self, grant: &Grant) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM granted WHERE tenant = ?1 AND environment = ?2
                AND who = ?3 AND action = ?4 AND what = ?5",
            params![
                self.tenant(),
                self.environment(),
                grant.who.to_string(),
                grant.action.word(),
                object(grant)
            ],
        )
    }

    fn grants_about(&self, function: &FunctionName) -> Result<Vec<Grant>, Error> {
        // A union, because each half has an index of its own.
        self.grants(
            "SELECT who, action, what FROM granted
             WHERE tenant = ?1 AND environment = ?2 AND who = 'function:' || ?3
             UNION
             SELECT who, action, what FROM granted
             WHERE tenant = ?1 AND environment = ?2 AND action IN ('invoke', 'invoke-async')
                   AND what = ?3",
            params![self.tenant(), self.environment(), function.as_str()],
        )
    }

    fn grants_of(&self, application: &ApplicationName) -> Result<Vec<Grant>, Error> {
        self.grants(
            "SELECT who, action, what FROM granted
             WHERE tenant = ?1 AND environment = ?2 AND action = 'publish' AND what = ?3",
            params![self.tenant(), self.environment(), application.as_str()],
        )
    }

    fn grants_to(&self, token: &TokenName) -> Result<Vec<Grant>, Error> {
        self.grants(
            "SELECT who, action, what FROM granted
             WHERE tenant = ?1 AND environment = ?2 AND who = 'token:' || ?3",
            params![self.tenant(), self.environment(), token.as_str()],
        )
    }

    fn token(&self, name: &TokenName) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM token WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
            params![self.tenant(), self.environment(), name.as_str()],
        )
    }

    fn token_id(&self, id: &TokenId) -> Result<bool, Error> {
        self.exists("SELECT 1 FROM token WHERE id = ?1", params![id.0])
    }

    fn secret(&self, name: &SecretName) -> Result<Option<SecretRow>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, version, set_us, weak, epoch, sealed FROM secret
             WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
        )?;
        let mut rows =
            statement.query(params![self.tenant(), self.environment(), name.as_str()])?;
        rows.next()?.map(|row| secret(row, 0)).transpose()
    }

    fn ledger_empty(&self) -> Result<bool, Error> {
        Ok(!self.exists("SELECT 1 FROM ledger_leaf", [])?)
    }
}
