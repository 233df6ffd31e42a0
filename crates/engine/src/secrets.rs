//! Secrets that functions use: set, rotated, removed and listed. Values come in here and never go
//! out: what is kept is sealed, and what is answered, logged or ledgered holds nothing of them.

pub(crate) mod aws;
pub(crate) mod crypto;
pub(crate) mod fill;
pub(crate) mod grant;
pub(crate) mod mac;
pub(crate) mod mask;
pub(crate) mod uses;

pub(crate) use uses::{Use, Uses};

use crate::function::Function;
use crate::wiring::Engine;
use model::act::Act;
use model::api::{SecretInfo, SecretWritten};
use model::key::KeyPurpose;
use model::manifest::FunctionSpec;
use model::vault::{self, Sealed, VALUE_BYTES_MAX};
use model::{Code, FunctionName, Problem, Scope, Secret, SecretName, SecretRow, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

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
        self.is_ours(scope, name)?;
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
        self.is_ours(scope, name)?;
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
        let ours = rows.filter(|row| row.is_set()).map(|row| self.secret_info(scope, row));
        let elsewhere = &self.parts.elsewhere;
        let mut all: Vec<SecretInfo> =
            ours.filter(|it| elsewhere.source(scope, &it.name).is_none()).collect();
        all.extend(elsewhere.names(scope).into_iter().map(|name| SecretInfo {
            source: elsewhere.source(scope, &name).map(ToOwned::to_owned),
            version: 0,
            set: Timestamp::default(),
            weak: false,
            used_by: self.askers(scope, &name),
            name,
        }));
        all.sort_by(|one, two| one.name.cmp(&two.name));
        all
    }

    /// The value of a secret, and whether it is weak: from where the operator keeps it, or from the
    /// registry.
    ///
    /// # Errors
    /// There is none, it cannot be unsealed, or its source does not give it.
    pub(crate) async fn value_of(
        &self,
        scope: &Scope,
        using: &Use,
    ) -> Result<(Secret<Vec<u8>>, bool), Problem> {
        match self.value_elsewhere(scope, &using.name).await? {
            Some(value) => {
                let weak = vault::is_weak(value.expose());
                Ok((value, weak))
            }
            None => using.open(self.parts.keys.as_ref(), scope),
        }
    }

    /// The value of a secret by its name, for the platform itself.
    ///
    /// # Errors
    /// As [`Engine::value_of`].
    pub(crate) async fn value_named(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Secret<Vec<u8>>, Problem> {
        if let Some(value) = self.value_elsewhere(scope, name).await? {
            return Ok(value);
        }
        let row = self.secret_row(scope, name).filter(|row| row.is_set());
        let row =
            row.ok_or_else(|| Problem::new(Code::NoSuchSecret).detail(format!("`{name}`")))?;
        uses::unsealed(&row, self.parts.keys.as_ref(), scope)
    }

    async fn value_elsewhere(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Option<Secret<Vec<u8>>>, Problem> {
        let elsewhere = &self.parts.elsewhere;
        let Some(source) = elsewhere.source(scope, name) else { return Ok(None) };
        elsewhere.read(scope, name).await.map(Some).map_err(|error| {
            let detail = format!("`{name}`, from its {source}: {error}");
            Problem::new(Code::SecretSource).detail(detail)
        })
    }

    /// Refuses to change what is kept elsewhere.
    fn is_ours(&self, scope: &Scope, name: &SecretName) -> Result<(), Problem> {
        match self.parts.elsewhere.source(scope, name) {
            Some(source) => {
                let detail = format!("`{name}` comes from its {source}");
                Err(Problem::new(Code::SecretElsewhere).detail(detail))
            }
            None => Ok(()),
        }
    }

    /// A deployment whose secrets are not there would fail at its first call. While developing it
    /// goes through, since what is tried there needs none.
    pub(crate) async fn check_secrets(
        &self,
        scope: &Scope,
        members: &[FunctionSpec],
    ) -> Result<(), Problem> {
        let wanted = |function: &FunctionSpec| {
            let own = function.webhooks.iter().filter_map(|webhook| webhook.secret.as_ref());
            let names: Vec<_> = function.allow.secret.keys().chain(own).cloned().collect();
            names.into_iter().map(|name| (function.name.clone(), name)).collect::<Vec<_>>()
        };
        for (function, name) in members.iter().flat_map(wanted) {
            let elsewhere = self.value_elsewhere(scope, &name).await;
            if let Ok(Some(value)) = &elsewhere
                && vault::is_weak(value.expose())
            {
                tracing::warn!(secret = %name, "a value that is kept elsewhere is short or plain, so it is used and not covered where it comes back");
            }
            let set = || self.secret_row(scope, &name).is_some_and(|row| row.is_set());
            if matches!(elsewhere, Ok(Some(_))) || (matches!(elsewhere, Ok(None)) && set()) {
                continue;
            }
            if self.config.grant_all {
                tracing::warn!(%function, secret = %name, "a function asks for a secret that was not set");
                continue;
            }
            elsewhere?;
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
        SecretInfo {
            name: row.name.clone(),
            version: row.version,
            set: row.set,
            weak: row.weak,
            used_by: self.askers(scope, &row.name),
            source: None,
        }
    }

    /// The functions that ask for a secret, in what is active or in a version of it.
    fn askers(&self, scope: &Scope, name: &SecretName) -> Vec<FunctionName> {
        let catalog = self.catalog.load();
        let functions = catalog.view(scope).into_iter().flat_map(|view| view.all());
        let hears = |it: &&Arc<Function>| {
            it.row.spec.webhooks.iter().any(|webhook| webhook.secret.as_ref() == Some(name))
        };
        let asking =
            functions.filter(|it| it.row.spec.allow.secret.contains_key(name) || hears(it));
        let names: BTreeSet<_> = asking.map(|it| it.row.function.name.clone()).collect();
        names.into_iter().collect()
    }
}

fn hinted(problem: Problem, scope: &Scope, name: &SecretName) -> Problem {
    match problem.code {
        Code::SecretTaken => problem.hint(uses::command("rotate", scope, name)),
        Code::NoSuchSecret => problem.hint(uses::command("set", scope, name)),
        _ => problem,
    }
}
