//! TLS to sources. Verification is always on.

use crate::line::Stream;
use model::destination::Host;
use ports::source::Error;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

/// Whom connections trust.
pub(crate) struct Trust {
    authorities: Vec<PathBuf>,
    system: bool,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Trust {
    pub(crate) fn new(authorities: Vec<PathBuf>, system: bool) -> Self {
        Self { authorities, system, config: OnceCell::new() }
    }

    /// Shakes hands.
    pub(crate) async fn shake(
        &self,
        host: &Host,
        line: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, Error> {
        let config = self.config.get_or_try_init(|| self.read()).await?;
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.to_string())
                .map_err(|error| Error::Down(error.to_string()))?,
            Host::Address(address) => ServerName::from(*address),
        };
        let shaken = TlsConnector::from(Arc::clone(config)).connect(name, line).await;
        let stream = shaken.map_err(|error| Error::Down(format!("TLS: {error}")))?;
        Ok(Box::new(stream))
    }

    async fn read(&self) -> Result<Arc<ClientConfig>, Error> {
        let (files, system) = (self.authorities.clone(), self.system);
        let read = tokio::task::spawn_blocking(move || roots(&files, system)).await;
        let roots = read.map_err(|error| Error::Down(error.to_string()))??;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Down(error.to_string()))?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

fn roots(files: &[PathBuf], system: bool) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for file in files {
        add_file(&mut roots, file)?;
    }
    if system {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
    }
    if roots.is_empty() {
        let what = "this node knows no certificate authorities: install `ca-certificates`";
        return Err(Error::Down(what.to_owned()));
    }
    Ok(roots)
}

fn add_file(roots: &mut RootCertStore, file: &Path) -> Result<(), Error> {
    let wrong = |what: &dyn std::fmt::Display| Error::Down(format!("{}: {what}", file.display()));
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    Ok(())
}
