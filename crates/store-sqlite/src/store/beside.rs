//! What is kept beside functions: its rows, and the revisions that it pins.

use super::text::{from_json, parse, spec};
use crate::Error;
use model::beside::{Beside, BesideRow};
use model::{Digest, FunctionName, FunctionRef, FunctionRow, Scope};
use rusqlite::{Connection, OptionalExtension, params};

/// The document of a function, if it has one.
pub(super) fn document(
    connection: &Connection,
    scope: &Scope,
    function: &FunctionName,
) -> Result<Option<Beside>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT document FROM beside WHERE tenant = ?1 AND environment = ?2 AND function = ?3",
    )?;
    let place = params![scope.tenant.as_str(), scope.environment.as_str(), function.as_str()];
    let found: Option<String> = statement.query_row(place, |row| row.get(0)).optional()?;
    found.as_deref().map(from_json).transpose()
}

/// A revision of an active function.
pub(super) fn revision(
    connection: &Connection,
    scope: &Scope,
    function: &FunctionName,
    number: u32,
) -> Result<Option<FunctionRow>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT f.application, r.deployment, r.digest, r.artifact, r.spec
         FROM revision r JOIN function f ON f.tenant = r.tenant
            AND f.environment = r.environment AND f.name = r.function
         WHERE r.tenant = ?1 AND r.environment = ?2 AND r.function = ?3 AND r.number = ?4",
    )?;
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let mut rows = statement.query(params![tenant, environment, function.as_str(), number])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(FunctionRow {
        function: FunctionRef { scope: scope.clone(), name: function.clone() },
        application: parse(&row.get::<_, String>(0)?)?,
        deployment: row.get(1)?,
        revision: number,
        digest: Digest(row.get(2)?),
        artifact: Digest(row.get(3)?),
        spec: spec(&row.get::<_, String>(4)?)?,
    }))
}

/// All of them, in the order of scopes and names.
pub(super) fn all(connection: &Connection) -> Result<Vec<BesideRow>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, environment, function, document FROM beside
         ORDER BY tenant, environment, function",
    )?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let scope = Scope {
            tenant: parse(&row.get::<_, String>(0)?)?,
            environment: parse(&row.get::<_, String>(1)?)?,
        };
        let name: FunctionName = parse(&row.get::<_, String>(2)?)?;
        let beside: Beside = from_json(&row.get::<_, String>(3)?)?;
        let mut pinned = Vec::new();
        for number in beside.revisions() {
            let found = revision(connection, &scope, &name, number)?;
            let why = || Error::corrupt("registry.db", format!("no revision {number} of {name}"));
            pinned.push(found.ok_or_else(why)?);
        }
        all.push(BesideRow { function: FunctionRef { scope, name }, beside, pinned });
    }
    Ok(all)
}
