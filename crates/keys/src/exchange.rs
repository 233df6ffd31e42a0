//! Handing keys over to another home: HPKE (RFC 9180) in its mode `auth`, with X25519, HKDF-SHA-256
//! and ChaCha20-Poly1305, one message for each context.
//!
//! Each tenant's environment has a key pair, derived from the founding root. Who seals names the
//! public key of who is to open it; who opens names that of who sealed it.
//!
//! Invariant: what was not sealed by the named sender for this receiver releases no byte.

use crate::handing::{PUBLIC, Package, PublicKey};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use aws_lc_rs::hmac;
use model::Secret;

/// DHKEM(X25519, HKDF-SHA256).
const KEM: &[u8] = b"KEM\x00\x20";
/// The same with HKDF-SHA256 and ChaCha20Poly1305.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
const VERSION: &[u8] = b"HPKE-v1";
/// The mode `auth`.
const MODE: u8 = 2;

/// It could not be sealed or opened. Says nothing more, as nobody may learn why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the package is not authentic")]
pub struct NotAuthentic;

/// The key pair of one tenant's environment.
pub struct Exchange {
    private: PrivateKey,
    public: [u8; PUBLIC],
}

/// What it holds is not to be seen.
impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("public", &self.public()).finish_non_exhaustive()
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Exchange {
    /// The pair of a private key.
    ///
    /// # Errors
    /// The library does not take it.
    pub fn new(private: &Secret<[u8; 32]>) -> Result<Self, NotAuthentic> {
        let private = PrivateKey::from_private_key(&X25519, private.expose());
        Self::of(private.map_err(|_| NotAuthentic)?)
    }

    fn of(private: PrivateKey) -> Result<Self, NotAuthentic> {
        let public = private.compute_public_key().map_err(|_| NotAuthentic)?;
        let public = public.as_ref().try_into().map_err(|_| NotAuthentic)?;
        Ok(Self { private, public })
    }

    /// The public key, which is told to the other side.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        PublicKey(self.public)
    }

    /// Seals for another home. What stands before it in the file is authenticated with it.
    ///
    /// # Errors
    /// `to` is no key that anybody can have, or no random bytes could be drawn.
    pub fn hand(&self, to: PublicKey, plain: &[u8]) -> Result<Package, NotAuthentic> {
        let package = Package { from: self.public(), to, sealed: Vec::new() };
        let sealed = self.seal(&to.0, package.head().as_bytes(), plain)?;
        Ok(Package { sealed, ..package })
    }

    /// Opens what another home sealed for this one.
    ///
    /// # Errors
    /// [`NotAuthentic`]: the home that is named did not seal it for this one, or it was changed.
    pub fn take(
        &self,
        from: PublicKey,
        package: &Package,
    ) -> Result<Secret<Vec<u8>>, NotAuthentic> {
        self.open(&from.0, package.head().as_bytes(), &package.sealed)
    }

    /// Seals for the holder of `to`.
    fn seal(&self, to: &[u8; PUBLIC], info: &[u8], plain: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
        let once = PrivateKey::generate(&X25519).map_err(|_| NotAuthentic)?;
        self.seal_with(&Self::of(once)?, to, (info, b""), plain)
    }

    fn seal_with(
        &self,
        once: &Self,
        to: &[u8; PUBLIC],
        (info, aad): (&[u8], &[u8]),
        plain: &[u8],
    ) -> Result<Vec<u8>, NotAuthentic> {
        let shared = [once.agreed(to)?, self.agreed(to)?];
        let (key, nonce) = schedule(&shared, &[&once.public, to, &self.public], info)?;
        let mut sealed = plain.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed)
            .map_err(|_| NotAuthentic)?;
        Ok([&once.public[..], &sealed].concat())
    }

    /// Opens what the holder of `from` sealed for this pair.
    fn open(
        &self,
        from: &[u8; PUBLIC],
        info: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, NotAuthentic> {
        self.open_with(from, (info, b""), sealed)
    }

    fn open_with(
        &self,
        from: &[u8; PUBLIC],
        (info, aad): (&[u8], &[u8]),
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, NotAuthentic> {
        let (once, sealed) = sealed.split_at_checked(PUBLIC).ok_or(NotAuthentic)?;
        let once: &[u8; PUBLIC] = once.try_into().map_err(|_| NotAuthentic)?;
        let shared = [self.agreed(once)?, self.agreed(from)?];
        let (key, nonce) = schedule(&shared, &[once, &self.public, from], info)?;
        let mut buffer = sealed.to_vec();
        let plain = key.open_in_place(nonce, Aad::from(aad), &mut buffer);
        let length = plain.map_err(|_| NotAuthentic)?.len();
        buffer.truncate(length);
        Ok(Secret::new(buffer))
    }

    /// The shared secret; refused if it is zero, as with a public key that is none.
    fn agreed(&self, with: &[u8; PUBLIC]) -> Result<Secret<[u8; 32]>, NotAuthentic> {
        agree(&self.private, UnparsedPublicKey::new(&X25519, with), NotAuthentic, |secret| {
            secret.try_into().map(Secret::new).map_err(|_| NotAuthentic)
        })
    }
}

/// The key and the nonce of the one message.
fn schedule(
    shared: &[Secret<[u8; 32]>; 2],
    publics: &[&[u8; PUBLIC]; 3],
    info: &[u8],
) -> Result<(LessSafeKey, Nonce), NotAuthentic> {
    let both = Secret::new([*shared[0].expose(), *shared[1].expose()].concat());
    let context = publics.map(|key| &key[..]).concat();
    let prk = extract(&[0; 32], KEM, b"eae_prk", both.expose());
    let secret: Secret<[u8; 32]> = Secret::new(expand(&prk, KEM, b"shared_secret", &context)?);
    let digest = |label: &[u8], text: &[u8]| *extract(&[0; 32], SUITE, label, text).expose();
    let context = [&[MODE][..], &digest(b"psk_id_hash", b""), &digest(b"info_hash", info)].concat();
    let prk = extract(secret.expose(), SUITE, b"secret", b"");
    let key: Secret<[u8; 32]> = Secret::new(expand(&prk, SUITE, b"key", &context)?);
    let nonce: [u8; 12] = expand(&prk, SUITE, b"base_nonce", &context)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.expose()).map_err(|_| NotAuthentic)?;
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
}

/// `LabeledExtract` (RFC 9180, section 4): HKDF's extraction, which is HMAC with the salt.
fn extract(salt: &[u8; 32], suite: &[u8], label: &[u8], secret: &[u8]) -> Secret<[u8; 32]> {
    let labelled = Secret::new([VERSION, suite, label, secret].concat());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), labelled.expose());
    let mut prk = [0; 32];
    prk.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    Secret::new(prk)
}

/// `LabeledExpand`.
fn expand<const BYTES: usize>(
    prk: &Secret<[u8; 32]>,
    suite: &[u8],
    label: &[u8],
    context: &[u8],
) -> Result<[u8; BYTES], NotAuthentic> {
    let length = u16::try_from(BYTES).map_err(|_| NotAuthentic)?.to_be_bytes();
    let info = [&length[..], VERSION, suite, label, context];
    let prk = Prk::new_less_safe(HKDF_SHA256, prk.expose());
    let okm = prk.expand(&info, Length(BYTES)).map_err(|_| NotAuthentic)?;
    let mut bytes = [0; BYTES];
    okm.fill(&mut bytes).map_err(|_| NotAuthentic)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).expect("hex").try_into().expect("the length")
    }

    fn pair(text: &str) -> Exchange {
        Exchange::new(&Secret::new(bytes(text))).expect("a pair")
    }

    const ONCE: &str = "c94619e1af28971c8fa7957192b7e62a71ca2dcdde0a7cc4a8a9e741d600ab13";
    const RECEIVER: &str = "3ca22a6d1cda1bb9480949ec5329d3bf0b080ca4c45879c95eddb55c70b80b82";
    const SENDER: &str = "2def0cb58ffcf83d1062dd085c8aceca7f4c0c3fd05912d847b61f3e54121f05";

    /// RFC 9180, appendix A.2.3 (mode `auth`), the first message.
    #[test]
    fn agrees_with_rfc_9180() {
        let (once, receiver, sender) = (pair(ONCE), pair(RECEIVER), pair(SENDER));
        let info = hex::decode("4f6465206f6e2061204772656369616e2055726e").expect("hex");
        let plain = b"Beauty is truth, truth beauty";
        let sealed = sender.seal_with(&once, &receiver.public, (&info, b"Count-0"), plain);
        let sealed = sealed.expect("sealed");
        assert_eq!(
            hex::encode(&sealed),
            "f7674cc8cd7baa5872d1f33dbaffe3314239f6197ddf5ded1746760bfc847e0eab1a13c9d4f01a87ec3440dbd756e2677bd2ecf9df0ce7ed73869b98e00c09be111cb9fdf077347aeb88e61bdf"
        );
        let opened = receiver.open_with(&sender.public, (&info, b"Count-0"), &sealed);
        assert_eq!(opened.expect("opened").expose().as_slice(), plain);
    }

    #[test]
    fn nothing_opens_but_what_the_sender_sealed_for_the_receiver() {
        let (once, receiver, sender) = (pair(ONCE), pair(RECEIVER), pair(SENDER));
        let sealed = sender.seal(&receiver.public, b"a", b"keys").expect("sealed");
        assert_eq!(receiver.open(&sender.public, b"a", &sealed).expect("opened").expose(), b"keys");
        assert!(receiver.open(&once.public, b"a", &sealed).is_err(), "another sender");
        assert!(once.open(&sender.public, b"a", &sealed).is_err(), "another receiver");
        assert!(receiver.open(&sender.public, b"b", &sealed).is_err(), "for something else");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(receiver.open(&sender.public, b"a", &changed).is_err(), "byte {at}");
            assert!(receiver.open(&sender.public, b"a", &sealed[..at]).is_err(), "{at} bytes");
        }
        assert!(sender.seal(&[0; 32], b"a", b"keys").is_err(), "no public key");
    }
}
