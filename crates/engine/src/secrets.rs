//! Secrets that functions use: set, rotated, removed and listed. Values come in here and never go
//! out: what is kept is sealed, and what is answered, logged or ledgered holds nothing of them.

pub(crate) mod aws;
pub(crate) mod crypto;
pub(crate) mod fill;
pub(crate) mod grant;
pub(crate) mod mac;
pub(crate) mod mask;
pub(crate) mod sigv4;
mod uses;

pub(crate) use uses::{Use, Uses};

use crate::wiring::Engine;
use model::act::Act;
use model::api::{SecretInfo, SecretWritten};
use model::key::KeyPurpose;
use model::manifest::FunctionSpec;
use model::vault::{self, Sealed, VALUE_BYTES_MAX};
use model::{Code, Problem, Scope, Secret, SecretName, SecretRow};

impl Engine {
    /// Gives a secret its first value, or with `rotate` another one, which the next use takes.
    ///
    /// # Errors
    /// The value is empty or too long, there is one already, or there is none to replace.
    pub async fn put_secret(
        &self,
        scope: &Scope,
        actor: &str,
        name: &SecretName,
        value: Secret<Vec<u8>>,
        rotate: bool,
    ) -> Result<SecretWritten, Problem> {
        let bytes = value.expose().len();
        if bytes == 0 || bytes > VALUE_BYTES_MAX {
            let why = format!("`{name}`: {bytes} bytes, and 1 to {VALUE_BYTES_MAX} are taken");
            return Err(Problem::new(Code::SecretValue).detail(why));
        }
        let row = self.seal(scope, name, &value)?;
        drop(value);
        let committed =
            self.commit(scope, actor, Act::SecretPut { row: row.clone(), rotate }).await;
        let leaf = committed.map_err(|problem| hinted(problem, scope, name))?.leaf;
        Ok(SecretWritten { secret: self.secret_info(scope, &row), leaf })
    }

    /// Takes a secret's value away, whoever asks for it: their next use is refused.
    ///
    /// # Errors
    /// There is none such.
    pub async fn remove_secret(
        &self,
        scope: &Scope,
        actor: &str,
        name: &SecretName,
    ) -> Result<SecretWritten, Problem> {
        let row = self.secret_row(scope, name).filter(|row| row.is_set());
        let row =
            row.ok_or_else(|| Problem::new(Code::NoSuchSecret).detail(format!("`{name}`")))?;
        let act = Act::SecretRemove { name: name.clone() };
        let leaf = self.commit(scope, actor, act).await?.leaf;
        Ok(SecretWritten { secret: self.secret_info(scope, &row), leaf })
    }

    /// The secrets of a scope, by name, without their values.
    #[must_use]
    pub fn secrets(&self, scope: &Scope) -> Vec<SecretInfo> {
        let catalog = self.catalog.load();
        let rows = catalog.view(scope).into_iter().flat_map(|view| view.secrets.values());
        rows.filter(|row| row.is_set()).map(|row| self.secret_info(scope, row)).collect()
    }

    /// A deployment whose secrets are not there would fail at its first call. While developing it
    /// goes through, since what is tried there needs none.
    pub(crate) fn check_secrets(
        &self,
        scope: &Scope,
        members: &[FunctionSpec],
    ) -> Result<(), Problem> {
        let wanted = |function: &FunctionSpec| {
            let names: Vec<_> = function.allow.secret.keys().cloned().collect();
            names.into_iter().map(|name| (function.name.clone(), name)).collect::<Vec<_>>()
        };
        for (function, name) in members.iter().flat_map(wanted) {
            if self.secret_row(scope, &name).is_some_and(|row| row.is_set()) {
                continue;
            }
            if self.config.grant_all {
                tracing::warn!(%function, secret = %name, "a function asks for a secret that was not set");
                continue;
            }
            let detail = format!("function `{function}` asks for `{name}`");
            let problem = Problem::new(Code::SecretMissing).detail(detail);
            return Err(problem.hint(uses::command("set", scope, &name)));
        }
        Ok(())
    }

    /// Seals a value for the place of the version that comes next.
    fn seal(
        &self,
        scope: &Scope,
        name: &SecretName,
        value: &Secret<Vec<u8>>,
    ) -> Result<SecretRow, Problem> {
        let failed = |error| Problem::new(Code::Internal).internal(error);
        let last = self.secret_row(scope, name).map_or(0, |row| row.version);
        let version = last.checked_add(1).ok_or_else(|| failed("no version is left".to_owned()))?;
        let keys = &self.parts.keys;
        let epoch = keys.epoch();
        let sealer = keys.sealer(epoch, KeyPurpose::Secret, &uses::context(scope));
        let sealer = sealer.map_err(|error| failed(error.to_string()))?;
        // The buffer is overwritten in place, and never grows while it holds plain bytes.
        let mut sealed = Vec::with_capacity(value.expose().len() + 64);
        sealed.extend_from_slice(value.expose());
        sealer
            .seal(&vault::place(scope, name, version), &mut sealed, 0)
            .map_err(|error| failed(error.to_string()))?;
        Ok(SecretRow {
            name: name.clone(),
            version,
            set: self.parts.clock.wall(),
            weak: vault::is_weak(value.expose()),
            epoch,
            sealed: Sealed(sealed),
        })
    }

    fn secret_row(&self, scope: &Scope, name: &SecretName) -> Option<SecretRow> {
        let catalog = self.catalog.load();
        catalog.view(scope)?.secrets.get(name).map(|row| SecretRow::clone(row))
    }

    fn secret_info(&self, scope: &Scope, row: &SecretRow) -> SecretInfo {
        let catalog = self.catalog.load();
        let functions = catalog.view(scope).into_iter().flat_map(|view| view.functions.values());
        let asking = functions.filter(|it| it.row.spec.allow.secret.contains_key(&row.name));
        SecretInfo {
            name: row.name.clone(),
            version: row.version,
            set: row.set,
            weak: row.weak,
            used_by: asking.map(|function| function.row.function.name.clone()).collect(),
        }
    }
}

fn hinted(problem: Problem, scope: &Scope, name: &SecretName) -> Problem {
    match problem.code {
        Code::SecretTaken => problem.hint(uses::command("rotate", scope, name)),
        Code::NoSuchSecret => problem.hint(uses::command("set", scope, name)),
        _ => problem,
    }
}
