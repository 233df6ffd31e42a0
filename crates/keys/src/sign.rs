//! Signing with a derived key: Ed25519 (RFC 8032), the derived bytes taken as its seed.

use crate::derive::Failed;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::Secret;
use ports::keyring::Signer;

/// Signs with one key.
pub(crate) struct EdSigner(Ed25519KeyPair);

impl EdSigner {
    pub(crate) fn new(seed: &Secret<[u8; 32]>) -> Result<Self, Failed> {
        Ed25519KeyPair::from_seed_unchecked(seed.expose()).map(Self).map_err(|_| Failed)
    }
}

impl Signer for EdSigner {
    fn public_key(&self) -> [u8; 32] {
        array(self.0.public_key().as_ref())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        array(self.0.sign(message).as_ref())
    }
}

/// The bytes as an array. RFC 8032 fixes both lengths, so nothing is ever cut or filled.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    debug_assert_eq!(bytes.len(), N);
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_rfc_8032_section_7_1_test_2() {
        let mut seed = [0; 32];
        hex::decode_to_slice(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            &mut seed,
        )
        .unwrap();
        let signer = EdSigner::new(&Secret::new(seed)).unwrap();
        assert_eq!(
            hex::encode(signer.public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            hex::encode(signer.sign(&[0x72])),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }
}
