//! Authorities, files, a clock that can be moved, and a client that tells what it was shown.

use casemate_tls::{Certificates, Config, Minimum};
use model::Timestamp;
use ports::Clock;
use ports::keyring::{Error, Sealer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The system's clocks; the wall clock can be moved.
pub(crate) struct TestClock {
    begin: Instant,
    moved_us: AtomicI64,
}

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { begin: Instant::now(), moved_us: AtomicI64::new(0) })
    }

    /// Moves the wall clock, and it alone, by days.
    pub(crate) fn move_days(&self, days: i64) {
        self.moved_us.fetch_add(days * 86_400_000_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall(&self) -> Timestamp {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_micros();
        let now = Timestamp(i64::try_from(now).expect("before 294247"));
        now.plus_us(self.moved_us.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.begin.elapsed()
    }
}

/// Seals by turning bits: enough to see that nothing plain is written.
pub(crate) struct TestSealer;

fn turn(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
}

impl Sealer for TestSealer {
    fn seal(&self, _: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), Error> {
        turn(&mut buffer[from..]);
        Ok(())
    }

    fn unseal(&self, _: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let mut plain = sealed.to_vec();
        turn(&mut plain);
        Ok(plain)
    }
}

/// An authority that signs for tests.
pub(crate) struct Authority {
    pub(crate) pem: String,
    pub(crate) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("signed");
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// The PEM texts of a certificate for these names, and of its key.
    pub(crate) fn issue(&self, names: &[&str]) -> (String, String) {
        self.issue_with(names, |_| {})
    }

    pub(crate) fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2090, 1, 1);
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        (params.signed_by(&key, &self.issuer).expect("signed").pem(), key.serialize_pem())
    }
}

/// Writes a file with a mode.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> PathBuf {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).expect("written");
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(mode)).expect("chmod");
    std::fs::rename(&draft, path).expect("renamed");
    path.to_owned()
}

/// A configuration with nothing in it, and quick eyes.
pub(crate) fn config(directory: &Path) -> Config {
    Config {
        directory: directory.join("tls"),
        files: Vec::new(),
        self_signed: Vec::new(),
        acme: None,
        clients: None,
        minimum: Minimum::Tls12,
        strict_sni: false,
        watch: Duration::from_millis(20),
    }
}

pub(crate) fn open(
    config: Config,
    clock: &Arc<TestClock>,
) -> Result<Arc<Certificates>, model::Problem> {
    Certificates::open(config, Arc::new(TestSealer), Arc::clone(clock) as _)
}

/// What a client offers and believes.
pub(crate) struct Client {
    pub(crate) roots: Vec<String>,
    pub(crate) alpn: Vec<&'static [u8]>,
    pub(crate) certificate: Option<(String, String)>,
    pub(crate) sni: bool,
    pub(crate) tls12: bool,
    pub(crate) believes: bool,
}

/// What a client saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) leaf: Vec<u8>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) resumed: bool,
}

impl Client {
    pub(crate) fn new(roots: &[&str]) -> Self {
        Self {
            roots: roots.iter().map(|&root| root.to_owned()).collect(),
            alpn: vec![b"http/1.1"],
            certificate: None,
            sni: true,
            tls12: false,
            believes: false,
        }
    }

    /// The same client, which takes any certificate.
    pub(crate) fn believing(mut self) -> Self {
        self.believes = true;
        self
    }

    /// A client that remembers tickets.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions: &[&rustls::SupportedProtocolVersion] =
            if self.tls12 { &[&rustls::version::TLS12] } else { &[&rustls::version::TLS13] };
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            roots
                .add(CertificateDer::from_pem_slice(root.as_bytes()).expect("pem"))
                .expect("a root");
        }
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match &self.certificate {
            Some((chain, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).expect("pem")];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("pem");
                builder.with_client_auth_cert(chain, key).expect("a certificate")
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.iter().map(|alpn| alpn.to_vec()).collect();
        config.enable_sni = self.sni;
        if self.believes {
            config.dangerous().set_certificate_verifier(Arc::new(Believer));
        }
        Arc::new(config)
    }

    /// One handshake of a client without a past.
    pub(crate) async fn shake(
        &self,
        server: &Arc<ServerConfig>,
        name: &str,
    ) -> std::io::Result<Seen> {
        shake(&self.config(), server, name).await
    }
}

/// Shakes hands in memory and exchanges a byte, so that tickets arrive and a refusal of
/// either side is seen.
pub(crate) async fn shake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &str,
) -> std::io::Result<Seen> {
    let (near, far) = tokio::io::duplex(64 << 10);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(server));
    let served = tokio::spawn(async move {
        let mut stream = acceptor.accept(far).await?;
        stream.write_all(b"!").await?;
        stream.flush().await?;
        stream.read_u8().await
    });
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(client));
    let mut stream = connector.connect(name, near).await?;
    stream.read_u8().await?;
    stream.write_all(b"!").await?;
    stream.flush().await?;
    let (_, session) = stream.get_ref();
    let seen = Seen {
        leaf: session.peer_certificates().expect("shown")[0].to_vec(),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        resumed: session.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
    };
    served.await.expect("no panic").map(|_| seen)
}

/// The first certificate of a PEM text.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("pem").to_vec()
}

/// Waits until something is so.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
