//! The files that a jail has for its doors: whom it trusts, and what tells Node of the proxy.

use super::authority::Authority;
use super::truststore;
use std::path::PathBuf;

/// Certificates in PEM: where OpenSSL, Go and most others look by themselves on Debian.
pub(crate) const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The same place on other systems: Red Hat's, and OpenSSL's own.
const ALIASES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
/// Certificates as Java keeps them.
pub(crate) const JAVA: &str = "/etc/ssl/certs/java/cacerts";
/// What Node runs before the function's own code.
pub(crate) const PRELOAD: &str = "/etc/casemate/proxy.cjs";

/// All of them, which an image has to have a place for.
pub(crate) const FILES: [&str; 5] = [BUNDLE, ALIASES[0], ALIASES[1], JAVA, PRELOAD];

/// The files, with where they are in the jail. `roots` are the machine's own, in DER: they are needed
/// where TLS may pass without anybody looking inside, or goes to a granted TCP destination.
pub(crate) fn files<'a>(
    authority: &'a Authority,
    roots: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<(PathBuf, Vec<u8>)> {
    let own: &[u8] = authority.der();
    let all: Vec<&[u8]> = std::iter::once(own).chain(roots).collect();
    let bundle = all.iter().map(|der| pem(der)).collect::<String>().into_bytes();
    let aliases = ALIASES.iter().map(|place| (PathBuf::from(place), bundle.clone()));
    let mut files: Vec<_> = aliases.collect();
    files.push((BUNDLE.into(), bundle));
    files.push((JAVA.into(), truststore::write(&all)));
    files.push((PRELOAD.into(), include_bytes!("preload.cjs").to_vec()));
    files
}

/// A certificate as text.
fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
