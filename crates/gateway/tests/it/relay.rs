//! A client's side of TLS: takes bytes in the clear on a port of its own and passes them on
//! encrypted, so that every test can send exactly the bytes that it wants to, over TLS too.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// A certificate for `localhost`, and whom its clients trust.
pub(crate) struct Papers {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Papers {
    pub(crate) fn make() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        Self { certificate: made.cert.der().clone(), key }
    }

    /// A server that shows this certificate and speaks everything.
    pub(crate) fn server(&self) -> ServerConfig {
        let builder = ServerConfig::builder().with_no_client_auth();
        let chain = vec![self.certificate.clone()];
        let mut config = builder.with_single_cert(chain, self.key.clone_key()).unwrap();
        config.alpn_protocols = protocols(&["h2", "http/1.1", "acme-tls/1"]);
        config
    }

    /// A client that trusts this certificate only.
    pub(crate) fn client(&self, alpn: &[&str]) -> ClientConfig {
        let builder = ClientConfig::builder().with_root_certificates(self.roots());
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = protocols(alpn);
        config
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

pub(crate) fn protocols(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// The name that the certificate is for.
pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Where clients connect in the clear.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Relay {
    pub(crate) fn open(to: SocketAddr, config: ClientConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(pass(socket, to, connector.clone()));
            }
        });
        Self { address, _runtime: runtime }
    }
}

/// What ends badly on one side ends badly on the other: a reset, or an end without a goodbye.
async fn pass(mut socket: TcpStream, to: SocketAddr, connector: TlsConnector) {
    let passed: io::Result<()> = async {
        socket.set_nodelay(true)?;
        let server = TcpStream::connect(to).await?;
        server.set_nodelay(true)?;
        let mut stream = connector.connect(localhost(), server).await?;
        tokio::io::copy_bidirectional(&mut socket, &mut stream).await?;
        Ok(())
    }
    .await;
    if passed.is_err() {
        let _ = socket.set_zero_linger();
    }
}
