//! Keys of another home as a home keeps them: sealed with the founding epoch, as the class's own are
//! made with it, and bound to where they are used and whose they are.

use super::PublicKey;
use crate::ring::FileRing;
use model::key::KeyPurpose;
use model::{DataClass, Scope, Secret};
use ports::KeyRing as _;
use ports::keyring::{Error, Sealer};
use std::sync::Arc;

impl FileRing {
    /// Keys that `from` handed over for a class, sealed, in hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::Failed`]
    pub fn keep(
        &self,
        (scope, class): (&Scope, &DataClass),
        from: PublicKey,
        keys: &str,
    ) -> Result<String, Error> {
        // It never grows while it holds plain bytes.
        let mut sealed = Vec::with_capacity(keys.len() + 64);
        sealed.extend_from_slice(keys.as_bytes());
        self.for_handed(scope)?.seal(&place(scope, class, from), &mut sealed, 0)?;
        Ok(hex::encode(sealed))
    }

    /// What [`FileRing::keep`] sealed for the same place.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`] or [`Error::Failed`].
    pub fn kept(
        &self,
        (scope, class): (&Scope, &DataClass),
        from: PublicKey,
        sealed: &str,
    ) -> Result<Secret<String>, Error> {
        let sealed = hex::decode(sealed).map_err(|_| Error::NotAuthentic)?;
        let plain = self.for_handed(scope)?.unseal(&place(scope, class, from), &sealed)?;
        String::from_utf8(plain).map(Secret::new).map_err(|error| {
            drop(Secret::new(error.into_bytes()));
            Error::NotAuthentic
        })
    }

    fn for_handed(&self, scope: &Scope) -> Result<Arc<dyn Sealer>, Error> {
        let context = [scope.tenant.as_str(), scope.environment.as_str()];
        self.sealer(self.founding(), KeyPurpose::Handed, &context)
    }
}

/// No name holds a slash.
fn place(scope: &Scope, class: &DataClass, from: PublicKey) -> Vec<u8> {
    format!("{scope}/{class}/{from}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_in_its_place_alone() {
        let ring = |root| FileRing::from_root([root; 32]).expect("a ring");
        let (own, scope) = (ring(1), Scope::default());
        let class = |name| DataClass::parse(name).expect("a class");
        let public = |root| ring(root).exchange(&scope).expect("a pair").public();
        let (email, pan, from) = (class("email"), class("pan"), public(2));
        let sealed = own.keep((&scope, &email), from, "keys").expect("sealed");
        assert!(!sealed.contains(&hex::encode("keys")));
        let back = own.kept((&scope, &email), from, &sealed).expect("opened");
        assert_eq!(back.expose(), "keys");
        assert!(own.kept((&scope, &pan), from, &sealed).is_err(), "another class");
        assert!(own.kept((&scope, &email), public(3), &sealed).is_err(), "another home");
        assert!(ring(2).kept((&scope, &email), from, &sealed).is_err(), "another root");
        let cut = sealed.get(2..).expect("digits");
        assert!(own.kept((&scope, &email), from, cut).is_err() && !cut.is_empty());
    }
}
