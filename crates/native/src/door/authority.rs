//! A jail's own authority: certificates for the hosts that its process talks to, as it talks to them.
//!
//! TLS from a jail ends here, so that each request is decided, charged and recorded, and so that a
//! secret can be put into it. Whoever does not trust this authority, which is everybody outside of the
//! jail, is not fooled by it.
//!
//! Invariant: no key leaves this, and none is the same in two jails.

use model::Timestamp;
use parking_lot::Mutex;
use ports::Clock;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How far back validity begins: a jail has the clock of its node.
const BACK: Duration = Duration::from_hours(1);
/// How long the authority is valid. It is forgotten with its jail long before.
const AUTHORITY: Duration = Duration::from_hours(10 * 365 * 24);
/// How long the certificate of a host is valid.
const LEAF: Duration = Duration::from_hours(48);
/// When another is made in its place.
const RENEWED_US: i64 = 24 * 3_600_000_000;
/// Most hosts that certificates are kept for.
const HOSTS_MAX: usize = 256;

/// What TLS speaks inside: HTTP/2 where the client does.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The authority of one jail.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The key of every host's certificate.
    key: KeyPair,
    provider: Arc<rustls::crypto::CryptoProvider>,
    clock: Arc<dyn Clock>,
    hosts: Mutex<HashMap<String, Made>>,
}

struct Made {
    at: Timestamp,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// Makes one.
    ///
    /// # Errors
    /// There are no random numbers.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = dated(clock.wall(), AUTHORITY);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::OrganizationName, "Casemate");
        params.distinguished_name.push(DnType::CommonName, "Casemate, for one jail");
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(Self { issuer, key, provider, clock, hosts: Mutex::default() })
    }

    /// Its certificate, in PEM.
    #[cfg(test)]
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its certificate.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// How TLS is spoken in the name of `host`, which is a name or an address.
    ///
    /// # Errors
    /// No certificate can name it.
    pub(super) fn server(&self, host: &str) -> io::Result<Arc<ServerConfig>> {
        let now = self.clock.wall();
        let mut hosts = self.hosts.lock();
        let fresh = |made: &Made| (0..RENEWED_US).contains(&now.0.saturating_sub(made.at.0));
        if let Some(made) = hosts.get(host).filter(|made| fresh(made)) {
            return Ok(Arc::clone(&made.config));
        }
        let config = Arc::new(self.make(host, now).map_err(io::Error::other)?);
        if hosts.len() >= HOSTS_MAX {
            let oldest = hosts.iter().min_by_key(|(_, made)| made.at).map(|(host, _)| host.clone());
            oldest.map(|host| hosts.remove(&host));
        }
        hosts.insert(host.to_owned(), Made { at: now, config: Arc::clone(&config) });
        Ok(config)
    }

    fn make(&self, host: &str, now: Timestamp) -> Result<ServerConfig, Failed> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let mut params = dated(now, LEAF);
        let names = CertificateParams::new(vec![bare.to_owned()])?.subject_alt_names;
        params.subject_alt_names = names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.key, &self.issuer)?;
        let chain = vec![leaf.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        // A session costs memory of the node, and little is saved on a loopback.
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no certificate can be made for it: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("no certificate can be used for it: {0}")]
    Tls(#[from] rustls::Error),
}

fn dated(now: Timestamp, valid: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let now = Duration::from_micros(u64::try_from(now.0).unwrap_or_default());
    params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(BACK);
    params.not_after = params.not_before + BACK + valid;
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::clock::FakeClock;

    #[test]
    fn a_hosts_certificate_is_kept_for_a_day_and_no_more_than_some_are() {
        let clock = Arc::new(FakeClock::at(1_800_000_000_000_000));
        let authority = Authority::new(Arc::clone(&clock) as _).expect("an authority");
        let first = authority.server("api.example").expect("a name");
        assert!(Arc::ptr_eq(&first, &authority.server("api.example").expect("again")));
        clock.forward(Duration::from_hours(25));
        assert!(!Arc::ptr_eq(&first, &authority.server("api.example").expect("renewed")));
        for number in 0..2 * HOSTS_MAX {
            authority.server(&format!("h{number}.example")).expect("a name");
        }
        assert_eq!(authority.hosts.lock().len(), HOSTS_MAX);
        authority.server("[::1]").expect("an address");
        authority.server("über.example").expect_err("no name of the DNS");
    }

    #[test]
    fn no_two_jails_have_the_same_authority() {
        let clock: Arc<dyn Clock> = Arc::new(FakeClock::at(1_800_000_000_000_000));
        let make = || Authority::new(Arc::clone(&clock)).expect("an authority").pem();
        assert_ne!(make(), make());
    }
}
