//! Sealing with a derived key: AES-256-GCM-SIV (RFC 8452) under random nonces.
//!
//! Sealed bytes are `key id (16) || nonce (12) || cipher text || tag (16)`. The cipher does not
//! bind a text to one key only: somebody who knows two keys can make a text that opens under
//! both. The id in front commits to the key and is compared before anything is opened.
//!
//! Invariant: no plain byte is released unless id and tag both fit.

use crate::derive::{self, Failed};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, rand};
use model::Secret;
use ports::keyring::{Error, Sealer};
use zeroize::Zeroize;

/// Bytes of the id that says which key sealed a text.
pub const KEY_ID_BYTES: usize = 16;
/// Bytes of the authentication tag (RFC 8452, section 4).
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = KEY_ID_BYTES + NONCE_LEN;
/// How many bytes longer a sealed text is than the plain one.
pub const SEALED_BYTES_OVER: usize = HEAD_BYTES + TAG_BYTES;

/// Seals with one key.
pub(crate) struct SivSealer {
    key: LessSafeKey,
    id: [u8; KEY_ID_BYTES],
}

impl SivSealer {
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Result<Self, Failed> {
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, key.expose()).map_err(|_| Failed)?;
        Ok(Self { key: LessSafeKey::new(unbound), id: derive::key_id(key)? })
    }

    /// Opens room for the head in front of the plain bytes, encrypts them where they now lie, and
    /// appends the tag: no second copy of the plain bytes is made by this function.
    fn seal_with(
        &self,
        nonce: [u8; NONCE_LEN],
        place: &[u8],
        buffer: &mut Vec<u8>,
        from: usize,
    ) -> Result<(), Error> {
        let plain = buffer.len().checked_sub(from).ok_or_else(out_of_buffer)?;
        let body = from + HEAD_BYTES;
        buffer.reserve(SEALED_BYTES_OVER);
        buffer.resize(body + plain, 0);
        buffer.copy_within(from..from + plain, body);
        let (head, text) = buffer[from..].split_at_mut(HEAD_BYTES);
        let (id, rest) = head.split_at_mut(KEY_ID_BYTES);
        id.copy_from_slice(&self.id);
        rest.copy_from_slice(&nonce);
        let nonce = Nonce::assume_unique_for_key(nonce);
        match self.key.seal_in_place_separate_tag(nonce, Aad::from(place), text) {
            Ok(tag) => {
                buffer.extend_from_slice(tag.as_ref());
                Ok(())
            }
            Err(_) => {
                // Only a text of more than 64 GiB can fail (RFC 8452, section 6). What is left
                // in the buffer must not be taken for sealed bytes.
                text.zeroize();
                buffer.truncate(from);
                Err(Error::Failed("the text is too long to seal".to_owned()))
            }
        }
    }
}

fn out_of_buffer() -> Error {
    Error::Failed("sealing begins behind the end of the buffer".to_owned())
}

impl Sealer for SivSealer {
    fn seal(&self, place: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), Error> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce)
            .map_err(|_| Error::Failed("the system gave no random bytes".to_owned()))?;
        self.seal_with(nonce, place, buffer, from)
    }

    fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (id, rest) = sealed.split_at_checked(KEY_ID_BYTES).ok_or(Error::NotAuthentic)?;
        constant_time::verify_slices_are_equal(id, &self.id).map_err(|_| Error::NotAuthentic)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(Error::NotAuthentic)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::NotAuthentic)?;
        let mut plain = text.to_vec();
        let opened = self.key.open_in_place(nonce, Aad::from(place), &mut plain);
        match opened.map(|text| text.len()) {
            Ok(length) => {
                plain.truncate(length);
                Ok(plain)
            }
            Err(_) => {
                plain.zeroize();
                Err(Error::NotAuthentic)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealer(seed: u8) -> SivSealer {
        SivSealer::new(&Secret::new([seed; 32])).unwrap()
    }

    #[test]
    fn agrees_with_rfc_8452_appendix_c_2() {
        let mut key = [0; 32];
        key[0] = 1;
        let sealer = SivSealer::new(&Secret::new(key)).unwrap();
        let mut nonce = [0; NONCE_LEN];
        nonce[0] = 3;
        for (place, plain, sealed) in [
            ("", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
            ("", "0100000000000000", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
            ("01", "0200000000000000", "1de22967237a813291213f267e3b452f02d01ae33e4ec854"),
            (
                "01",
                "020000000000000000000000",
                "163d6f9cc1b346cd453a2e4cc1a4a19ae800941ccdc57cc8413c277f",
            ),
        ] {
            let mut buffer = hex::decode(plain).unwrap();
            let place = hex::decode(place).unwrap();
            sealer.seal_with(nonce, &place, &mut buffer, 0).unwrap();
            assert_eq!(hex::encode(&buffer[HEAD_BYTES..]), sealed);
        }
    }

    #[test]
    fn what_stands_before_the_text_is_left_alone() {
        let sealer = sealer(1);
        let mut buffer = b"head".to_vec();
        buffer.extend_from_slice(b"plain");
        sealer.seal(b"place", &mut buffer, 4).unwrap();
        assert_eq!(&buffer[..4], b"head");
        assert_eq!(buffer.len(), 4 + 5 + SEALED_BYTES_OVER);
        assert_eq!(sealer.unseal(b"place", &buffer[4..]).unwrap(), b"plain");
    }

    #[test]
    fn equal_texts_are_sealed_differently() {
        let sealer = sealer(1);
        let (mut a, mut b) = (b"same".to_vec(), b"same".to_vec());
        sealer.seal(b"", &mut a, 0).unwrap();
        sealer.seal(b"", &mut b, 0).unwrap();
        assert_ne!(a, b);
    }

    #[test]
    fn a_start_behind_the_end_is_an_error_and_changes_nothing() {
        let mut buffer = b"abc".to_vec();
        assert!(matches!(sealer(1).seal(b"", &mut buffer, 4), Err(Error::Failed(_))));
        assert_eq!(buffer, b"abc");
    }

    #[test]
    fn every_cut_is_refused() {
        let sealer = sealer(1);
        let mut buffer = b"text".to_vec();
        sealer.seal(b"p", &mut buffer, 0).unwrap();
        for length in 0..buffer.len() {
            assert!(matches!(sealer.unseal(b"p", &buffer[..length]), Err(Error::NotAuthentic)));
        }
    }

    #[test]
    fn the_id_of_another_key_is_refused_even_where_the_tag_would_fit() {
        let sealer = sealer(1);
        let mut buffer = b"text".to_vec();
        sealer.seal(b"p", &mut buffer, 0).unwrap();
        let other = SivSealer { key: sealer.key, id: [9; KEY_ID_BYTES] };
        assert!(matches!(other.unseal(b"p", &buffer), Err(Error::NotAuthentic)));
    }

    proptest! {
        #[test]
        fn unsealing_gives_back_what_was_sealed(plain: Vec<u8>, place: Vec<u8>) {
            let sealer = sealer(7);
            let mut buffer = plain.clone();
            sealer.seal(&place, &mut buffer, 0).unwrap();
            prop_assert_eq!(sealer.unseal(&place, &buffer).unwrap(), plain);
        }

        #[test]
        fn any_altered_byte_and_any_other_place_or_key_is_refused(
            plain in proptest::collection::vec(any::<u8>(), 0..80),
            at: proptest::sample::Index,
            flip in 1u8..,
        ) {
            let own = sealer(7);
            let mut buffer = plain;
            own.seal(b"here", &mut buffer, 0).unwrap();
            prop_assert!(matches!(own.unseal(b"there", &buffer), Err(Error::NotAuthentic)));
            prop_assert!(matches!(sealer(8).unseal(b"here", &buffer), Err(Error::NotAuthentic)));
            let at = at.index(buffer.len());
            buffer[at] ^= flip;
            prop_assert!(matches!(own.unseal(b"here", &buffer), Err(Error::NotAuthentic)));
        }

        #[test]
        fn foreign_bytes_never_unseal(bytes: Vec<u8>) {
            prop_assert!(sealer(7).unseal(b"", &bytes).is_err());
        }
    }
}
