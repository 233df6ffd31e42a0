//! Writes and deletes the rows that a plan names.
//!
//! Invariant: runs inside the caller's transaction and relies on the plan's checks; the table's
//! own keys and references stand behind them.

use super::text::{object, to_json};
use crate::Error;
use model::act::Changes;
use model::beside::BesideRow;
use model::plan::{Activation, Plan, RouteKey};
use model::token::TokenRow;
use model::{FunctionRow, Grant, SecretRow, TokenName};
use ports::registry::By;
use rusqlite::{Connection, params};

/// What every statement here begins with: the connection and the scope.
struct Rows<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    environment: &'a str,
    by: &'a By,
}

pub(super) fn apply(connection: &Connection, plan: &Plan, by: &By) -> Result<(), Error> {
    let rows = Rows {
        connection,
        tenant: by.scope.tenant.as_str(),
        environment: by.scope.environment.as_str(),
        by,
    };
    for row in &plan.revisions {
        rows.put_revision(row)?;
    }
    if let Some(activation) = &plan.activation {
        rows.activate(activation, &plan.changes)?;
    }
    for grant in &plan.changes.grants_gone {
        rows.delete_grant(grant)?;
    }
    for name in &plan.changes.tokens_gone {
        rows.delete_token(name)?;
    }
    for token in &plan.changes.tokens_put {
        rows.put_token(token)?;
    }
    for token in &plan.changes.tokens_resealed {
        rows.reseal_token(token)?;
    }
    for grant in &plan.changes.grants_put {
        rows.put_grant(grant)?;
    }
    for secret in &plan.changes.secrets_put {
        rows.put_secret(secret)?;
    }
    for function in &plan.changes.functions_gone {
        rows.delete_beside(function.name.as_str())?;
    }
    for beside in &plan.changes.beside_put {
        rows.put_beside(beside)?;
    }
    Ok(())
}

impl Rows<'_> {
    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<(), Error> {
        self.connection.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }

    fn put_revision(&self, row: &FunctionRow) -> Result<(), Error> {
        self.run(
            "INSERT INTO revision (tenant, environment, function, number, digest, artifact,
                deployment, created_us, spec)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                self.tenant,
                self.environment,
                row.function.name.as_str(),
                row.revision,
                row.digest.0,
                row.artifact.0,
                row.deployment,
                self.by.at.0,
                to_json(&row.spec)?
            ],
        )
    }

    fn activate(&self, activation: &Activation, changes: &Changes) -> Result<(), Error> {
        let application = activation.application.as_str();
        // Routes go with their functions.
        self.run(
            "DELETE FROM function WHERE tenant = ?1 AND environment = ?2 AND application = ?3",
            params![self.tenant, self.environment, application],
        )?;
        self.put_deployment(activation, changes)?;
        self.put_active(application, activation.deployment)?;
        for row in &changes.functions_put {
            self.put_function(row)?;
        }
        Ok(())
    }

    fn put_active(&self, application: &str, deployment: Option<u32>) -> Result<(), Error> {
        // A removal is of an application that is there, so it has no number to begin with.
        let sql = match deployment {
            Some(_) => {
                "INSERT INTO application (tenant, environment, name, active, last)
                 VALUES (?1, ?2, ?3, ?4, ?4)
                 ON CONFLICT DO UPDATE SET active = ?4, last = max(last, ?4)"
            }
            None => {
                "UPDATE application SET active = ?4
                 WHERE tenant = ?1 AND environment = ?2 AND name = ?3"
            }
        };
        self.run(sql, params![self.tenant, self.environment, application, deployment])
    }

    fn put_deployment(&self, activation: &Activation, changes: &Changes) -> Result<(), Error> {
        let (Some(number), Some(manifest)) = (activation.deployment, &activation.made) else {
            return Ok(());
        };
        let application = activation.application.as_str();
        self.run(
            "INSERT INTO deployment (tenant, environment, application, number, created_us, actor,
                manifest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                self.tenant,
                self.environment,
                application,
                number,
                self.by.at.0,
                self.by.actor,
                to_json(manifest)?
            ],
        )?;
        for row in &changes.functions_put {
            self.run(
                "INSERT INTO deployment_function (tenant, environment, application, deployment,
                    function, revision)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    self.tenant,
                    self.environment,
                    application,
                    number,
                    row.function.name.as_str(),
                    row.revision
                ],
            )?;
        }
        Ok(())
    }

    fn put_function(&self, row: &FunctionRow) -> Result<(), Error> {
        let name = row.function.name.as_str();
        self.run(
            "INSERT INTO function (tenant, environment, name, application, revision)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![self.tenant, self.environment, name, row.application.as_str(), row.revision],
        )?;
        for trigger in &row.spec.http {
            let key = RouteKey::of(&trigger.route);
            self.run(
                "INSERT INTO route (tenant, environment, host, shape, method, function)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![self.tenant, self.environment, key.host, key.shape, key.method, name],
            )?;
        }
        Ok(())
    }

    fn put_grant(&self, grant: &Grant) -> Result<(), Error> {
        self.run(
            "INSERT INTO granted (tenant, environment, who, action, what, created_us, actor)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                self.tenant,
                self.environment,
                grant.who.to_string(),
                grant.action.word(),
                object(grant),
                self.by.at.0,
                self.by.actor
            ],
        )
    }

    fn delete_grant(&self, grant: &Grant) -> Result<(), Error> {
        self.run(
            "DELETE FROM granted WHERE tenant = ?1 AND environment = ?2
                AND who = ?3 AND action = ?4 AND what = ?5",
            params![
                self.tenant,
                self.environment,
                grant.who.to_string(),
                grant.action.word(),
                object(grant)
            ],
        )
    }

    fn put_token(&self, token: &TokenRow) -> Result<(), Error> {
        self.run(
            "INSERT INTO token (tenant, environment, name, id, hash, created_us, expires_us,
                key_epoch, key_sealed, key_manages)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                self.tenant,
                self.environment,
                token.name.as_str(),
                token.id.0,
                token.hash.0,
                token.created.0,
                token.expires.map(|time| time.0),
                token.key.as_ref().map(|key| key.epoch.0),
                token.key.as_ref().map(|key| &key.sealed.0),
                token.key.as_ref().map(|key| key.manages)
            ],
        )
    }

    fn reseal_token(&self, token: &TokenRow) -> Result<(), Error> {
        self.run(
            "UPDATE token SET key_epoch = ?5, key_sealed = ?6
             WHERE tenant = ?1 AND environment = ?2 AND name = ?3 AND id = ?4
             AND key_epoch NOTNULL",
            params![
                self.tenant,
                self.environment,
                token.name.as_str(),
                token.id.0,
                token.key.as_ref().map(|key| key.epoch.0),
                token.key.as_ref().map(|key| &key.sealed.0),
            ],
        )
    }

    fn put_secret(&self, secret: &SecretRow) -> Result<(), Error> {
        self.run(
            "INSERT OR REPLACE INTO secret (tenant, environment, name, version, set_us, weak,
                epoch, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.tenant,
                self.environment,
                secret.name.as_str(),
                secret.version,
                secret.set.0,
                secret.weak,
                secret.epoch.0,
                secret.sealed.0
            ],
        )
    }

    fn put_beside(&self, row: &BesideRow) -> Result<(), Error> {
        self.run(
            "INSERT OR REPLACE INTO beside (tenant, environment, function, document)
             VALUES (?1, ?2, ?3, ?4)",
            params![self.tenant, self.environment, row.name().as_str(), to_json(&row.beside)?],
        )
    }

    fn delete_beside(&self, function: &str) -> Result<(), Error> {
        self.run(
            "DELETE FROM beside WHERE tenant = ?1 AND environment = ?2 AND function = ?3",
            params![self.tenant, self.environment, function],
        )
    }

    fn delete_token(&self, name: &TokenName) -> Result<(), Error> {
        self.run(
            "DELETE FROM token WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
            params![self.tenant, self.environment, name.as_str()],
        )
    }
}
