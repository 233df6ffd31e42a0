//! Whose client certificates are accepted, replaceable while connections come in.

use crate::config::Clients;
use crate::files;
use crate::pair::certificates;
use crate::server::provider;
use arc_swap::ArcSwap;
use model::{Code, Problem};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

type Inner = Arc<dyn ClientCertVerifier>;

/// Verifies client certificates against the authorities that were read last. A client without a
/// certificate is let in; one whose certificate cannot be verified is not.
#[derive(Debug)]
pub(crate) struct Verifier(ArcSwap<Inner>);

impl Verifier {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(ArcSwap::from_pointee(inner))
    }

    pub(crate) fn replace(&self, inner: Inner) {
        self.0.store(Arc::new(inner));
    }
}

/// Reads the authorities and the revocation lists.
pub(crate) fn read(clients: &Clients) -> Result<Inner, Problem> {
    let code = Code::ClientAuthority;
    let name = clients.ca.display().to_string();
    let wrong = |name: &str, why: &dyn std::fmt::Display| {
        Problem::new(code).detail(format!("{name}: {why}"))
    };
    let mut roots = RootCertStore::empty();
    for authority in certificates(&files::public(&clients.ca, code)?, &name, code)? {
        roots.add(authority).map_err(|error| wrong(&name, &error))?;
    }
    let mut lists = Vec::new();
    for path in &clients.crl {
        let shown = path.display().to_string();
        let pem = files::public(path, code)?;
        let read: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&pem).collect();
        let read = read.map_err(|error| wrong(&shown, &error))?;
        if read.is_empty() {
            return Err(wrong(&shown, &"it holds no PEM revocation list"));
        }
        lists.extend(read);
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated();
    if !lists.is_empty() {
        builder = builder.with_crls(lists).enforce_revocation_expiration();
    }
    builder.build().map_err(|error| wrong(&name, &error))
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: they could not change with the authorities, and a client that is given none offers
    /// what it has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.load().verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.load().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.load().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.load().supported_verify_schemes()
    }
}
