//! The keys of a class of data, and where they come from.

use model::key::{Epoch, KeyPurpose};
use model::{SaltId, Secret, TenantName};
use zeroize::Zeroizing;

/// The keys of one class of one tenant, of one version. Each is used for one thing.
#[derive(Debug, Clone)]
pub struct ClassKeys {
    /// Which version of the keys these are. Stands in every token.
    pub version: u32,
    /// For FF1.
    pub fpe: Secret<[u8; 32]>,
    /// For tokens: AES-SIV takes two keys of 256 bits.
    pub siv: Secret<[u8; 64]>,
    /// For keyed hashes that are cut to a format.
    pub format_hash: Secret<[u8; 32]>,
    /// For keyed hashes in full.
    pub hash: Secret<[u8; 32]>,
    /// For the keys of subjects whose values can be erased, where that is possible: on a node,
    /// which keeps their salts.
    pub subject: Option<Secret<[u8; 64]>>,
    /// The salt that they were made with, if they are those of a subject. Stands in every token.
    pub salt: Option<SaltId>,
    /// The tenant whose name values are bound to, if it is not the one that they are of here: keys
    /// of another home may be of a tenant that has another name there.
    pub bound_to: Option<TenantName>,
    /// Keys that tokens are opened with, too: those of other homes, and this home's own if values
    /// are protected with another's.
    pub others: Vec<Self>,
}

impl ClassKeys {
    /// The keys of an epoch, as a ring derives them for one class of one tenant and environment.
    /// Purposes and halves are fixed for ever.
    ///
    /// # Errors
    /// What `derive` says.
    pub fn derive<E>(
        epoch: Epoch,
        mut derive: impl FnMut(KeyPurpose) -> Result<Secret<[u8; 64]>, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            version: epoch.0,
            fpe: half(&derive(KeyPurpose::FormatCipher)?),
            siv: derive(KeyPurpose::Token)?,
            format_hash: half(&derive(KeyPurpose::FormatHash)?),
            hash: half(&derive(KeyPurpose::FullHash)?),
            subject: Some(derive(KeyPurpose::Subject)?),
            salt: None,
            bound_to: None,
            others: Vec::new(),
        })
    }

    /// These keys with those that other homes handed over for the class, and whether values are
    /// protected with them. If they are, these own ones open what they made before.
    #[must_use]
    pub fn with_handed(self, handed: impl IntoIterator<Item = (Self, bool)>) -> Self {
        let (mut first, mut others) = (self, Vec::new());
        for (keys, used) in handed {
            others.push(if used { std::mem::replace(&mut first, keys) } else { keys });
        }
        Self { others, ..first }
    }

    /// This home's own keys: what can be erased is always made with them.
    #[must_use]
    pub fn own(&self) -> &Self {
        let is_own = |keys: &&Self| keys.subject.is_some();
        Some(self).filter(is_own).or_else(|| self.others.iter().find(is_own)).unwrap_or(self)
    }
}

/// The first 256 bits of a key.
pub(super) fn half(key: &Secret<[u8; 64]>) -> Secret<[u8; 32]> {
    let mut half = Zeroizing::new([0; 32]);
    half.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = *from);
    Secret::new(*half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn own(seed: u8) -> ClassKeys {
        let Ok(keys) =
            ClassKeys::derive(Epoch(1), |_| Ok::<_, Infallible>(Secret::new([seed; 64])));
        keys
    }

    fn handed(seed: u8) -> ClassKeys {
        ClassKeys { subject: None, ..own(seed) }
    }

    fn seeds(keys: &ClassKeys) -> (u8, Vec<u8>) {
        let seed = |keys: &ClassKeys| keys.hash.expose()[0];
        (seed(keys), keys.others.iter().map(seed).collect())
    }

    #[test]
    fn keys_that_are_used_come_first_and_the_own_ones_stay_known() {
        assert_eq!(seeds(&own(1).with_handed([])), (1, vec![]));
        assert_eq!(seeds(&own(1).with_handed([(handed(2), false)])), (1, vec![2]));
        let used = own(1).with_handed([(handed(2), false), (handed(3), true), (handed(4), false)]);
        assert_eq!(seeds(&used), (3, vec![2, 1, 4]));
        assert_eq!(seeds(used.own()).0, 1);
        assert_eq!(seeds(own(1).own()).0, 1);
        assert_eq!(seeds(handed(5).own()).0, 5, "outside of a node there is nothing else");
    }
}
