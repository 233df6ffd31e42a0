//! Keys of data classes for commands that work without a node.

use crate::home;
use crate::keyring::{handing, passphrase};
use keys::{FileRing, RootKeyFile};
use model::key::Epoch;
use model::{Code, DataClass, Problem, Scope};
use ports::KeyRing;
use ports::keyring::Handed;
use protect::outside::KeyFile;
use protect::transform::ClassKeys;
use std::path::{Path, PathBuf};

/// Derives the keys of classes from a root key.
#[derive(Debug)]
pub struct DataKeys {
    ring: FileRing,
    scope: Scope,
    /// Whose keys are wanted, if not those that the home uses.
    keys_of: Option<String>,
}

impl DataKeys {
    /// Opens the root key in this file, or that of a home. A node may run meanwhile: the key is
    /// read and nothing else.
    ///
    /// # Errors
    /// The key is missing or cannot be used.
    pub fn open(
        home: Option<&Path>,
        root_key_file: Option<&Path>,
        scope: Scope,
    ) -> Result<Self, Problem> {
        let path = root_key_file.map_or_else(|| in_home(home), |path| Ok(path.to_owned()))?;
        let ring =
            RootKeyFile::open(&path, passphrase(None)?.as_ref()).map_err(|error| {
                match error.problem() {
                    problem if problem.code == Code::RootKeyMissing => problem.hint(
                        "name the home with `--home DIR`, or the key with `--root-key-file FILE`",
                    ),
                    problem => problem,
                }
            })?;
        // A home's registry has what was handed to this very root key.
        match home::choose(home) {
            Ok((home, _)) => handing::load_from(&home, &ring)?,
            Err(problem) if root_key_file.is_none() => return Err(problem),
            Err(_) => {}
        }
        Ok(Self { ring, scope, keys_of: None })
    }

    /// The keys of a class, in the tenant and environment that these are for, with those that other
    /// homes handed over.
    ///
    /// # Errors
    /// The library failed, or keys of another home cannot be read.
    pub fn of(&self, class: &DataClass) -> Result<ClassKeys, Problem> {
        let own = class_keys(&self.ring, self.ring.founding(), &self.scope, class)?;
        let handed = self.ring.handed(&self.scope, class);
        let is_of = |handed: &Handed| Some(&handed.from) == self.keys_of.as_ref();
        if let Some(of) = self.keys_of.as_ref().filter(|_| !handed.iter().any(is_of)) {
            let detail = format!("nothing of the class `{class}` came from {of}");
            return Err(Problem::new(Code::KeyPublic).detail(detail));
        }
        let handed = handed.iter().map(|handed| {
            let used = if self.keys_of.is_some() { is_of(handed) } else { handed.used };
            Ok::<_, Problem>((KeyFile::read(handed.keys.expose())?.handed(class)?, used))
        });
        Ok(own.with_handed(handed.collect::<Result<Vec<_>, _>>()?))
    }

    /// The same with the keys of this other home first, which is known by its public key.
    #[must_use]
    pub fn with_keys_of(self, home: Option<&str>) -> Self {
        Self { keys_of: home.map(ToOwned::to_owned), ..self }
    }
}

fn in_home(home: Option<&Path>) -> Result<PathBuf, Problem> {
    Ok(home::choose(home)?.0.join("root.key"))
}

/// A home's own keys of a class. Their names are fixed for ever: purpose, epoch, tenant,
/// environment, class.
pub(crate) fn class_keys(
    ring: &dyn KeyRing,
    epoch: Epoch,
    scope: &Scope,
    class: &DataClass,
) -> Result<ClassKeys, Problem> {
    let context = [scope.tenant.as_str(), scope.environment.as_str(), class.as_str()];
    ClassKeys::derive(epoch, |purpose| {
        let key = ring.data_key(epoch, purpose, &context);
        key.map_err(|error| Problem::new(Code::Internal).internal(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{EnvironmentName, TenantName};

    /// If this test fails, data that was protected can no longer be read. The values were computed
    /// apart from this code, with nothing but HMAC-SHA-256.
    #[test]
    fn keys_of_classes_never_change_and_differ_by_all_of_their_name() {
        let ring = FileRing::from_root(std::array::from_fn(|at| at as u8)).expect("a ring");
        let keys = |tenant: &str, environment: &str, class: &str| {
            let scope = Scope {
                tenant: TenantName::parse(tenant).expect("a name"),
                environment: EnvironmentName::parse(environment).expect("a name"),
            };
            let class = DataClass::parse(class).expect("a class");
            class_keys(&ring, Epoch(1), &scope, &class).expect("keys")
        };
        let own = keys("default", "main", "pan");
        assert_eq!(
            hex::encode(own.fpe.expose()),
            "28ce08327a28701d71b3b72a330b3380c6c352cf7a80742e8ae9244502ef5839"
        );
        assert_eq!(
            hex::encode(own.siv.expose()),
            "1221b59616948693caa349410ec5ca2494336c9f7f3614c6ade30859b969106ba0c4a5df0dec05b63857613d356469f5681ac1b28d0db8c9a951da951694f00d"
        );
        assert_eq!(
            hex::encode(own.format_hash.expose()),
            "2f49229c98e37bb416c20838ccdf95aaa9fb83d21d613de28906c484bafe0887"
        );
        assert_eq!(
            hex::encode(own.hash.expose()),
            "4c5332ab1c1dd796392bd4472f69d75382d055c15798e868d617ee738d347e97"
        );
        for other in [
            keys("other", "main", "pan"),
            keys("default", "test", "pan"),
            keys("default", "main", "iban"),
        ] {
            assert_ne!(other.siv.expose(), own.siv.expose());
            assert_ne!(other.fpe.expose(), own.fpe.expose());
        }
    }
}
