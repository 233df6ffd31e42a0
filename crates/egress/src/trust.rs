//! The configuration of TLS on the way out. Verification is always on.

use crate::config::Config;
use crate::fault::fail;
use model::{Code, Problem};
use ports::outbound::{Error, Failure};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Whom connections trust.
pub(crate) struct Trust {
    own: RootCertStore,
    system: bool,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Trust {
    /// Reads the operator's files; the system's are read when they are needed first.
    pub(crate) fn open(config: &Config) -> Result<Self, Problem> {
        let mut own = RootCertStore::empty();
        for path in &config.authorities {
            add_file(&mut own, path)?;
        }
        Ok(Self { own, system: config.system_authorities, config: OnceCell::new() })
    }

    /// The configuration that every connection shares.
    pub(crate) async fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        self.config.get_or_try_init(|| self.make()).await.cloned()
    }

    async fn make(&self) -> Result<Arc<ClientConfig>, Error> {
        let mut roots = self.own.clone();
        if self.system {
            let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
            let found = found.map_err(|error| fail(Failure::Tls, error.to_string()))?;
            for error in &found.errors {
                tracing::warn!(%error, "an authority of the system cannot be read");
            }
            roots.add_parsable_certificates(found.certs);
        }
        if roots.is_empty() {
            let what = "this node knows no certificate authorities: install `ca-certificates`";
            return Err(fail(Failure::Certificate, what));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| fail(Failure::Tls, error.to_string()))?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // A session that is taken up again would tell a server that two functions are one node's.
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Problem> {
    let wrong = |what: &dyn std::fmt::Display| {
        Problem::new(Code::OutboundAuthorities).detail(format!("{}: {what}", path.display()))
    };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    let mut count = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
        count += 1;
    }
    if count == 0 {
        return Err(wrong(&"it holds no certificate"));
    }
    Ok(())
}
