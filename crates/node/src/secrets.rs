//! Secrets that the operator keeps elsewhere: in files, in the environment, in a vault.
//!
//! Invariant: a value that cannot be read is missing. Nothing stands in for it, and no value is used
//! for longer than the operator said.

mod vault;

use crate::settings::{SecretPlace, Secrets};
use model::vault::VALUE_BYTES_MAX;
use model::{Problem, Scope, Secret, SecretName};
use ports::elsewhere::{Elsewhere, Error};
use ports::{Clock, Future};
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use vault::Client;
use zeroize::Zeroize as _;

/// Where values lie, and the way to the vault.
pub(crate) struct Sources {
    settings: Secrets,
    vault: Option<Client>,
}

/// Everything that the settings name.
///
/// # Errors
/// A file of authorities cannot be used.
pub(crate) fn open(settings: &Secrets, clock: &Arc<dyn Clock>) -> Result<Sources, Problem> {
    let vault = settings.vault.as_ref().map(|vault| Client::open(vault, Arc::clone(clock)));
    Ok(Sources { settings: settings.clone(), vault: vault.transpose()? })
}

impl Sources {
    fn place(&self, scope: &Scope, name: &SecretName) -> Option<&SecretPlace> {
        let own = |((known, secret), _): &(&(Scope, SecretName), &SecretPlace)| {
            known == scope && secret == name
        };
        self.settings.places.iter().find(own).map(|(_, place)| place)
    }

    async fn value(&self, place: &SecretPlace) -> Result<Secret<Vec<u8>>, Error> {
        let value = match place {
            SecretPlace::File(path) => file(path).await?,
            SecretPlace::Variable(value) => value.clone(),
            SecretPlace::Vault { path, field } => match &self.vault {
                Some(vault) => vault.read(path, field).await?,
                None => return Err(Error("there is no vault".to_owned())),
            },
        };
        match value.expose().len() {
            0 => Err(Error("it is empty".to_owned())),
            length if length > VALUE_BYTES_MAX => {
                Err(Error(format!("it has more than {VALUE_BYTES_MAX} bytes")))
            }
            _ => Ok(value),
        }
    }
}

impl Elsewhere for Sources {
    fn source(&self, scope: &Scope, name: &SecretName) -> Option<&'static str> {
        self.place(scope, name).map(|place| match place {
            SecretPlace::File(_) => "file",
            SecretPlace::Variable(_) => "environment",
            SecretPlace::Vault { .. } => "vault",
        })
    }

    fn names(&self, scope: &Scope) -> Vec<SecretName> {
        let all = self.settings.places.keys().filter(|(known, _)| known == scope);
        all.map(|(_, name)| name.clone()).collect()
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'a SecretName,
    ) -> Future<'a, Result<Secret<Vec<u8>>, Error>> {
        Box::pin(async move {
            match self.place(scope, name) {
                Some(place) => self.value(place).await,
                None => Err(Error("the node's configuration does not name it".to_owned())),
            }
        })
    }
}

/// What a file holds, without one line end after it.
async fn file(path: &Path) -> Result<Secret<Vec<u8>>, Error> {
    let failed = |error: std::io::Error| Error(format!("{}: {error}", path.display()));
    let opened = tokio::fs::File::open(path).await.map_err(failed)?;
    // Room for all of it from the start, so that no copy is left behind by growing.
    let mut bytes = Vec::with_capacity(VALUE_BYTES_MAX + 3);
    let read = opened.take(VALUE_BYTES_MAX as u64 + 3).read_to_end(&mut bytes).await;
    if let Err(error) = read {
        bytes.zeroize();
        return Err(failed(error));
    }
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        } else {
            break;
        }
    }
    Ok(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_without_the_line_end_after_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        for (text, value) in
            [("k", "k"), ("k\n", "k"), ("k\r\n", "k"), ("k\n\n", "k\n"), ("k\r", "k\r")]
        {
            std::fs::write(&path, text).expect("written");
            let read = file(&path).await.expect("read");
            assert_eq!(read.expose(), value.as_bytes(), "{text:?}");
        }
        std::fs::remove_file(&path).expect("removed");
        assert!(file(&path).await.expect_err("gone").0.contains("key"));
    }
}
