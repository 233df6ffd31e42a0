//! A small HTTPS client that tells what it was shown, and an authority for it.

use crate::rig::{Reply, connect, parse};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    StreamOwned,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An authority that signs for tests.
pub(crate) struct Authority {
    pub(crate) pem: String,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("signed").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// The PEM texts of a certificate and of its key.
    pub(crate) fn issue(&self, names: &[&str]) -> (String, String) {
        self.issue_until(names, 2090)
    }

    /// One that expires with the beginning of a year.
    pub(super) fn issue_until(&self, names: &[&str], year: i32) -> (String, String) {
        self.sign(names, |params| params.not_after = date_time_ymd(year, 1, 1))
    }

    /// One that expires in some days.
    pub(super) fn issue_for_days(&self, names: &[&str], days: u64) -> (String, String) {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        let end = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(days * 86_400);
        self.sign(names, |params| params.not_after = end)
    }

    pub(super) fn sign(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = date_time_ymd(2020, 1, 1);
        // Revocation lists name their issuer by it.
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("signed").pem(), key.serialize_pem())
    }
}

/// The first certificate of a PEM text.
pub(super) fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("pem").to_vec()
}

/// The certificate that is shown for a name.
pub(super) fn leaf(to: SocketAddr, name: &str) -> Vec<u8> {
    get(to, name, None, "/", None).0
}

/// A GET over HTTP/1.1; with a root, the certificate is verified.
pub(super) fn get(
    to: SocketAddr,
    name: &str,
    root: Option<&str>,
    path: &str,
    token: Option<&str>,
) -> (Vec<u8>, Reply) {
    let mut stream = session(to, name, config(root, None));
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n{token}\r\n");
    stream.write_all(head.as_bytes()).expect("a handshake");
    let mut answer = Vec::new();
    let _end_or_reset = stream.read_to_end(&mut answer);
    let shown = stream.conn.peer_certificates().expect("shown")[0].to_vec();
    (shown, parse(&answer))
}

/// A connection whose handshake begins with the first byte that is sent.
fn session(
    to: SocketAddr,
    name: &str,
    config: ClientConfig,
) -> StreamOwned<ClientConnection, TcpStream> {
    let server = ServerName::try_from(name.to_owned()).expect("a name");
    let session = ClientConnection::new(Arc::new(config), server).expect("a session");
    StreamOwned::new(session, connect(to))
}

/// What a client with a certificate of its own is answered; an error if the handshake fails.
pub(super) fn knock(
    to: SocketAddr,
    root: &str,
    certificate: Option<&(String, String)>,
    bytes: &[u8],
) -> Result<Reply, String> {
    let mut stream = session(to, "a.example", config(Some(root), certificate));
    stream.write_all(bytes).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => Err(error.to_string()),
        _ => Ok(parse(&answer)),
    }
}

/// Sends bytes as they are, with `alpn` as the protocol, and gives every byte that comes back.
pub(crate) fn exchange(to: SocketAddr, alpn: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut stream = plain_session(to, alpn);
    let _all_or_part = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _end_or_reset = stream.read_to_end(&mut answer);
    answer
}

/// A connection that speaks `alpn`, to whoever answers.
pub(crate) fn plain_session(
    to: SocketAddr,
    alpn: &[u8],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut config = config(None, None);
    config.alpn_protocols = vec![alpn.to_vec()];
    session(to, "localhost", config)
}

fn config(root: Option<&str>, own: Option<&(String, String)>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    if let Some(root) = root {
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).expect("pem")).expect("a root");
    }
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match root {
        Some(_) => builder.with_root_certificates(roots),
        None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Believer)),
    };
    let mut config = match own {
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("pem")];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("a certificate of its own")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Takes any certificate, to look at it.
#[derive(Debug)]
struct Believer;

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}
