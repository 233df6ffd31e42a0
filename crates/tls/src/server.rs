//! The configuration of TLS that every connection shares.

use crate::clients::Verifier;
use crate::config::Minimum;
use crate::resolver::Resolver;
use crate::tickets::Tickets;
use model::{Code, Problem};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use std::sync::{Arc, LazyLock};

/// The protocol of TLS-ALPN-01. A connection that negotiated it ends after its handshake.
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// The one provider of cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}

/// What a configuration is made of.
pub(crate) struct Parts {
    pub(crate) resolver: Resolver,
    pub(crate) verifier: Option<Arc<Verifier>>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) minimum: Minimum,
    /// Whether TLS-ALPN challenges are answered.
    pub(crate) challenges: bool,
}

/// Makes the configuration. It is never made again: what may change lies behind its parts.
pub(crate) fn server_config(parts: Parts) -> Result<Arc<ServerConfig>, Problem> {
    let versions: &[&rustls::SupportedProtocolVersion] = match parts.minimum {
        Minimum::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        Minimum::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .map_err(|error| Problem::new(Code::Internal).internal(error))?;
    let builder = match parts.verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(parts.resolver));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if parts.challenges {
        // Last: a client that offers others as well gets one of those.
        config.alpn_protocols.push(ACME_TLS.to_vec());
    }
    config.ticketer = parts.tickets;
    // Tickets carry sessions; nothing is kept here, and no lock is taken for it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}
