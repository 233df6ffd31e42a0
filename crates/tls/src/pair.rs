//! A certificate with its chain and its private key, ready to be served.

use crate::facts::{Facts, Validity};
use crate::server::provider;
use model::{Code, Problem, Timestamp};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};
use std::sync::Arc;

/// Most certificates of one chain.
const CHAIN_MAX: usize = 16;

/// A certificate that can be served.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) facts: Facts,
}

/// Where the two parts came from, for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) certificate: &'a str,
    pub(crate) key: &'a str,
}

impl Pair {
    /// Reads PEM text. What it says about time is not looked at.
    ///
    /// # Errors
    /// `E0620`, `E0621`, `E0623` or `E0625`, with the file that is wrong.
    pub(crate) fn read(chain: &[u8], key: &[u8], origin: Origin<'_>) -> Result<Self, Problem> {
        let chain = certificates(chain, origin.certificate, Code::CertificateUnreadable)?;
        let damaged = |why: String| {
            let detail = format!("{}: {why}", origin.certificate);
            Problem::new(Code::CertificateUnreadable).detail(detail)
        };
        let leaf = chain.first().ok_or_else(|| damaged("it holds no certificate".to_owned()))?;
        if chain.len() > CHAIN_MAX {
            let hint = "name the server's own chain, not a list of authorities";
            return Err(damaged(format!("it holds {} certificates", chain.len())).hint(hint));
        }
        let facts = Facts::of(leaf).map_err(damaged)?;
        let key = signing_key(key, origin.key)?;
        let key = CertifiedKey::new(chain, key);
        match key.keys_match() {
            Ok(()) | Err(TlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(TlsError::InconsistentKeys(_)) => {
                let detail = format!("{} and {}", origin.certificate, origin.key);
                return Err(Problem::new(Code::CertificateMismatch).detail(detail));
            }
            Err(error) => return Err(damaged(error.to_string())),
        }
        if facts.names.is_empty() {
            return Err(Problem::new(Code::CertificateNames).detail(origin.certificate));
        }
        Ok(Self { key: Arc::new(key), facts })
    }

    /// Refuses a certificate that clients would refuse for its time.
    pub(crate) fn check_time(&self, now: Timestamp, name: &str) -> Result<(), Problem> {
        let why = match self.facts.validity(now) {
            Validity::Valid => return Ok(()),
            Validity::NotYet => {
                format!("it is valid from {}, and it is {now}", self.facts.not_before)
            }
            Validity::Expired => format!("it expired at {}", self.facts.not_after),
        };
        Err(Problem::new(Code::CertificateExpired).detail(format!("{name}: {why}")))
    }
}

/// Every certificate of a PEM file; at least one.
pub(crate) fn certificates(
    pem: &[u8],
    name: &str,
    code: Code,
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let wrong = |why: &dyn std::fmt::Display| Problem::new(code).detail(format!("{name}: {why}"));
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = read.map_err(|error| wrong(&error))?;
    if found.is_empty() {
        return Err(wrong(&"it holds no PEM certificate"));
    }
    Ok(found)
}

fn signing_key(pem: &[u8], name: &str) -> Result<Arc<dyn rustls::sign::SigningKey>, Problem> {
    let wrong = |why: &dyn std::fmt::Display| {
        Problem::new(Code::CertificateKeyUnreadable).detail(format!("{name}: {why}"))
    };
    let key = match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => key,
        Err(PemError::NoItemsFound) if is_encrypted(pem) => {
            let hint = format!("openssl pkey -in {name} -out {name}.plain");
            return Err(wrong(&"the key is encrypted").hint(hint));
        }
        Err(PemError::NoItemsFound) => return Err(wrong(&"it holds no PEM private key")),
        Err(error) => return Err(wrong(&error)),
    };
    provider().key_provider.load_private_key(key).map_err(|error| wrong(&error))
}

fn is_encrypted(pem: &[u8]) -> bool {
    let label = b"ENCRYPTED PRIVATE KEY-----";
    pem.windows(label.len()).any(|window| window == label)
}
