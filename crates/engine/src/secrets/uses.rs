//! The secrets that one function asks for, ready to be put into requests.

use model::key::KeyPurpose;
use model::manifest::{Config, Form};
use model::{Code, FunctionRef, FunctionRow, Problem, Scope, Secret, SecretName, SecretRow, vault};
use ports::KeyRing;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One secret of one function.
pub(crate) struct Use {
    pub(crate) name: SecretName,
    pub(crate) form: Form,
    /// What the function holds instead.
    pub(crate) placeholder: String,
    /// The newest version, as long as there is one.
    row: Option<Arc<SecretRow>>,
}

/// All secrets of one function.
#[derive(Default)]
pub(crate) struct Uses(Box<[Use]>);

impl Uses {
    /// What a function's manifest asks for, with what is set.
    pub(crate) fn of(row: &FunctionRow, set: &BTreeMap<SecretName, Arc<SecretRow>>) -> Self {
        let one = |(name, using): (&SecretName, &model::manifest::SecretUse)| {
            // A form that cannot be read was refused at deployment.
            let form = using.form().ok()?;
            let row_of = set.get(name).filter(|row| row.is_set()).map(Arc::clone);
            let placeholder = placeholder(&row.function, name);
            Some(Use { name: name.clone(), form, placeholder, row: row_of })
        };
        Self(row.spec.allow.secret.iter().filter_map(one).collect())
    }

    /// What the function reads of its configuration: what the manifest says, and for each secret
    /// its name with the placeholder.
    pub(crate) fn beside(&self, config: &Config) -> Config {
        let held = self.iter().filter(|it| it.form != Form::Reveal);
        let held = held.map(|it| (it.name.to_string(), it.placeholder.clone()));
        held.chain(config.iter().map(|(key, value)| (key.clone(), value.clone()))).collect()
    }

    /// The names of those that the function reads.
    pub(crate) fn revealed(&self) -> Vec<String> {
        let read = self.iter().filter(|it| it.form == Form::Reveal);
        read.map(|it| it.name.to_string()).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Use> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Use {
    /// When it is used, among the secrets of one request: those that sign come last.
    pub(crate) fn turn(&self) -> u8 {
        match self.form {
            Form::Header { .. } | Form::Query(_) | Form::Basic(_) => 0,
            Form::OAuth2(_) => 1,
            Form::Body(_) => 2,
            Form::Hmac(_) => 3,
            Form::SigV4(_) => 4,
            Form::Reveal => 5,
        }
    }

    /// The value and whether it is weak. It is unsealed for each invocation, and kept in memory no
    /// longer than that.
    pub(crate) fn open(
        &self,
        keys: &dyn KeyRing,
        scope: &Scope,
    ) -> Result<(Secret<Vec<u8>>, bool), Problem> {
        let Some(row) = &self.row else {
            let problem = Problem::new(Code::NoSuchSecret).detail(format!("`{}`", self.name));
            return Err(problem.hint(command("set", scope, &self.name)));
        };
        Ok((unsealed(row, keys, scope)?, row.weak))
    }
}

/// The value of a row.
pub(crate) fn unsealed(
    row: &SecretRow,
    keys: &dyn KeyRing,
    scope: &Scope,
) -> Result<Secret<Vec<u8>>, Problem> {
    let unreadable = |error: ports::keyring::Error| {
        Problem::new(Code::SecretUnreadable).detail(format!("`{}`: {error}", row.name))
    };
    let sealer = keys.sealer(row.epoch, KeyPurpose::Secret, &context(scope));
    let place = vault::place(scope, &row.name, row.version);
    let value = sealer.and_then(|sealer| sealer.unseal(&place, &row.sealed.0));
    value.map(Secret::new).map_err(unreadable)
}

/// What a function holds instead of a secret: of a token's shape, the same in every invocation, and
/// worth nothing anywhere. It need not be hidden, only be told from every other text.
fn placeholder(function: &FunctionRef, name: &SecretName) -> String {
    let digest = audit::digest(format!("placeholder/{function}/{name}").as_bytes());
    let digest: String = digest.0.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("secret-{name}-{digest}")
}

/// What the sealing key is derived from.
pub(crate) fn context(scope: &Scope) -> [&str; 2] {
    [scope.tenant.as_str(), scope.environment.as_str()]
}

/// The command that does something to a secret of `scope`.
pub(super) fn command(verb: &str, scope: &Scope, name: &SecretName) -> String {
    let home = Scope::default();
    let mut text = format!("casemate secret {verb} {name}");
    if scope.tenant != home.tenant {
        text.push_str(&format!(" --tenant {}", scope.tenant));
    }
    if scope.environment != home.environment {
        text.push_str(&format!(" --env {}", scope.environment));
    }
    text
}
