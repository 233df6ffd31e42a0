//! Certificates as every Java reads them: a keystore of type JKS that holds no keys.
//!
//! Files in PEM are read by no Java that is in use. JKS is old, and read by Java 8 and all since; a store
//! of certificates alone needs no password, and so none of its cryptography.

/// Begins every such file.
const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
/// An entry that is a certificate.
const TRUSTED: u32 = 2;
/// In place of the keyed digest at the end, which is looked at only by who opens it with a password.
const NO_DIGEST: [u8; 20] = [0; 20];

/// Writes certificates (DER).
pub(super) fn write(certificates: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number = |bytes: &mut Vec<u8>, number: usize| {
        bytes.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
    };
    bytes.extend_from_slice(&MAGIC.to_be_bytes());
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    number(&mut bytes, certificates.len());
    for (at, certificate) in certificates.iter().enumerate() {
        bytes.extend_from_slice(&TRUSTED.to_be_bytes());
        text(&mut bytes, &at.to_string());
        // When it was put there, in milliseconds since 1970: nobody asks.
        bytes.extend_from_slice(&0_u64.to_be_bytes());
        text(&mut bytes, "X.509");
        number(&mut bytes, certificate.len());
        bytes.extend_from_slice(certificate);
    }
    bytes.extend_from_slice(&NO_DIGEST);
    bytes
}

/// A short text of ASCII, as Java's `DataOutput.writeUTF` writes it.
fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}
