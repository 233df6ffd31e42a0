//! What a certificate says about itself.

use model::Timestamp;
use std::net::IpAddr;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// What is looked at in a certificate.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Host names, in lower case, wildcards with their `*.`, and addresses.
    pub(crate) names: Vec<String>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    /// The issuer's key identifier and the serial number, which together name the certificate to
    /// its issuer (RFC 9773, section 4.1).
    pub(crate) identifier: Option<(Vec<u8>, Vec<u8>)>,
}

/// Whether a certificate may be shown at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Valid,
    NotYet,
    Expired,
}

impl Facts {
    /// Reads a certificate; an error is a reason.
    pub(crate) fn of(der: &[u8]) -> Result<Self, String> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| format!("it is damaged: {error}"))?;
        if !rest.is_empty() {
            return Err("it is damaged: bytes follow it".to_owned());
        }
        let validity = certificate.validity();
        Ok(Self {
            names: names(&certificate),
            not_before: timestamp(validity.not_before),
            not_after: timestamp(validity.not_after),
            identifier: authority(&certificate)
                .map(|authority| (authority, certificate.raw_serial().to_vec())),
        })
    }

    pub(crate) fn validity(&self, now: Timestamp) -> Validity {
        if now < self.not_before {
            Validity::NotYet
        } else if now > self.not_after {
            Validity::Expired
        } else {
            Validity::Valid
        }
    }

    /// How long it is valid altogether, in microseconds.
    pub(crate) fn lifetime_us(&self) -> i64 {
        self.not_after.0.saturating_sub(self.not_before.0).max(0)
    }

    /// Whether it names this host itself, not by a wildcard.
    pub(crate) fn covers(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

fn timestamp(time: ASN1Time) -> Timestamp {
    Timestamp(time.timestamp().saturating_mul(1_000_000))
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    alternatives.value.general_names.iter().filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => host(name),
        GeneralName::IPAddress(bytes) => {
            let address = match bytes.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(*bytes).ok()?),
                16 => IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?),
                _ => return None,
            };
            Some(address.to_string())
        }
        _ => None,
    }
}

/// A host name, or a wildcard such as `*.example.com`, in lower case and without the dot of the
/// root; `None` if the text is neither.
#[must_use]
pub fn host(text: &str) -> Option<String> {
    let bare = text.strip_prefix("*.").unwrap_or(text);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    rustls::pki_types::DnsName::try_from(bare).ok()?;
    let lower = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    Some(lower)
}

fn authority(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(identifier) => {
            identifier.key_identifier.as_ref().map(|id| id.0.to_vec())
        }
        _ => None,
    })
}
