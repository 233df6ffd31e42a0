//! Many small artifacts in one body: for each its digest (32 bytes), its length (4 bytes, big
//! endian) and its bytes.

use crate::Digest;

/// Most bytes of a bundle.
pub const BUNDLE_BYTES_MAX: usize = 8 << 20;
/// Bytes that stand before each artifact.
pub const HEAD_BYTES: usize = 36;

/// Adds an artifact to a bundle.
pub fn add(bundle: &mut Vec<u8>, digest: &Digest, bytes: &[u8]) {
    bundle.extend_from_slice(&digest.0);
    // Chunks are far below four gigabytes.
    bundle.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    bundle.extend_from_slice(bytes);
}

/// The artifacts of a bundle and where their bytes lie in it; `None` if it is none.
#[must_use]
pub fn parts(bundle: &[u8]) -> Option<Vec<(Digest, std::ops::Range<usize>)>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bundle.len() {
        let digest = bundle.get(at..at + 32)?.try_into().ok()?;
        let length = bundle.get(at + 32..at + HEAD_BYTES)?.try_into().ok()?;
        let start = at + HEAD_BYTES;
        let end = start.checked_add(usize::try_from(u32::from_be_bytes(length)).ok()?)?;
        bundle.get(start..end)?;
        found.push((Digest(digest), start..end));
        at = end;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_added_is_found(all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6)) {
            let mut bundle = Vec::new();
            for (at, bytes) in all.iter().enumerate() {
                add(&mut bundle, &Digest([at as u8; 32]), bytes);
            }
            let found = parts(&bundle).expect("a bundle");
            prop_assert_eq!(found.len(), all.len());
            for (at, (digest, range)) in found.into_iter().enumerate() {
                prop_assert_eq!(digest, Digest([at as u8; 32]));
                prop_assert_eq!(&bundle[range], &all[at][..]);
            }
            if !bundle.is_empty() {
                prop_assert!(parts(&bundle[..bundle.len() - 1]).is_none(), "a cut one is noticed");
            }
        }

        #[test]
        fn never_panics_whatever_comes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parts(&bytes);
        }
    }
}
