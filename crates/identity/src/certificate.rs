//! Whom a client certificate names.
//!
//! The door has checked that the client holds the certificate's key and that an authority of the
//! node signed it. Here it only gets a name, of the first of these that it has:
//!
//! 1. a SPIFFE id, as it is: `spiffe://example.org/ns/shop`;
//! 2. another URI: `uri:https://example.org/shop`;
//! 3. a DNS name: `dns:shop.example.org`;
//! 4. an e-mail address: `email:alice@example.org`;
//! 5. the subject's common name: `cn:alice`.
//!
//! The first word says which it was, so that an authority that signs any common name cannot be
//! made to sign somebody else's SPIFFE id.
//!
//! Invariant: a certificate that names two of the kind that is chosen names nobody, and one is
//! taken only between its two dates, also on a connection that was opened before.

use crate::seen::Seen;
use model::{Subject, Timestamp};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A certificate's name and dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Whom it names.
    pub subject: Subject,
    from: Timestamp,
    until: Timestamp,
}

impl Named {
    /// Whether `now` lies between its two dates; both belong to it (RFC 5280, section 4.1.2.5).
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now <= self.until
    }
}

/// Names certificates, and remembers those that it named.
#[derive(Default)]
pub struct Certificates {
    seen: Seen<Named>,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates")
    }
}

impl Certificates {
    /// Whom a certificate in DER names at `now`. `None` if nobody, or not now.
    #[must_use]
    pub fn name(&self, der: &[u8], now: Timestamp) -> Option<Subject> {
        let digest = crate::sha256(der);
        let named = match self.seen.find(&digest) {
            Some(named) => named,
            None => {
                let named = name(der)?;
                self.seen.keep(digest, named.clone());
                named
            }
        };
        named.holds(now).then_some(named.subject)
    }
}

/// Reads a certificate in DER. `None` if it is none, or names nobody.
#[must_use]
pub fn name(der: &[u8]) -> Option<Named> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let subject = Subject::new(&text(&certificate)?).ok()?;
    let seconds = |seconds: i64| Timestamp(seconds.saturating_mul(1_000_000));
    let validity = certificate.validity();
    let from = seconds(validity.not_before.timestamp());
    // The whole last second belongs to it.
    let until = Timestamp(seconds(validity.not_after.timestamp()).0.saturating_add(999_999));
    Some(Named { subject, from, until })
}

fn text(certificate: &X509Certificate<'_>) -> Option<String> {
    let extension = certificate.subject_alternative_name().ok()?;
    let names = extension.map_or(&[][..], |extension| extension.value.general_names.as_slice());
    let uris = || {
        names
            .iter()
            .filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None })
    };
    let spiffe = |uri: &&str| uri.starts_with("spiffe://");
    let dns = || {
        names
            .iter()
            .filter_map(|name| if let GeneralName::DNSName(dns) = name { Some(*dns) } else { None })
    };
    let email = || {
        names.iter().filter_map(|name| {
            if let GeneralName::RFC822Name(email) = name { Some(*email) } else { None }
        })
    };
    let common = || certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    first("", uris().filter(spiffe))
        .or_else(|| first("uri:", uris()))
        .or_else(|| first("dns:", dns()))
        .or_else(|| first("email:", email()))
        .or_else(|| first("cn:", common()))
        .flatten()
}

/// The only name of a kind; `Some(None)` if there are two, `None` if there is none.
fn first<'a>(kind: &str, mut names: impl Iterator<Item = &'a str>) -> Option<Option<String>> {
    let name = names.next()?;
    Some(names.next().is_none().then(|| format!("{kind}{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate(names: Vec<SanType>, common: &str) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.distinguished_name = rcgen::DistinguishedName::new();
        if !common.is_empty() {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().unwrap())
    }

    fn email(text: &str) -> SanType {
        SanType::Rfc822Name(text.try_into().unwrap())
    }

    #[test]
    fn the_best_name_is_chosen_and_says_what_it_is() {
        let spiffe = || uri("spiffe://a.example/ns/x");
        for (names, common, expect) in [
            (
                vec![dns("b.example"), uri("https://c"), spiffe()],
                "d",
                Some("spiffe://a.example/ns/x"),
            ),
            (vec![dns("b.example"), uri("https://c")], "d", Some("uri:https://c")),
            (vec![email("e@f"), dns("b.example")], "d", Some("dns:b.example")),
            (vec![email("e@f")], "d", Some("email:e@f")),
            (vec![], "d", Some("cn:d")),
            (vec![], "spiffe://a.example/ns/x", Some("cn:spiffe://a.example/ns/x")),
            (vec![spiffe(), uri("spiffe://a.example/ns/y")], "d", None),
            (vec![dns("b.example"), dns("c.example")], "d", None),
            (vec![], "", None),
            (vec![], "a\u{1}b", None),
        ] {
            let named = name(&certificate(names.clone(), common));
            let found = named.as_ref().map(|named| named.subject.as_str());
            assert_eq!(found, expect, "{names:?} {common}");
        }
    }

    #[test]
    fn a_certificate_holds_between_its_dates_also_when_it_is_remembered() {
        let certificates = Certificates::default();
        let der = certificate(vec![], "d");
        let at = |seconds: i64| certificates.name(&der, Timestamp(seconds * 1_000_000)).is_some();
        let (from, until) = (1_577_836_800, 1_893_456_000);
        assert!(at(from) && at(until) && at(from));
        assert!(!at(from - 1) && !at(until + 1));
    }

    #[test]
    fn what_is_no_certificate_names_nobody() {
        let der = certificate(vec![], "d");
        assert!(name(&[]).is_none() && name(b"nonsense").is_none());
        assert!(name(&[&der[..], b"x"].concat()).is_none(), "something behind it");
        for end in [1, 10, der.len() / 2, der.len() - 1] {
            assert!(name(&der[..end]).is_none(), "{end}");
        }
    }
}
