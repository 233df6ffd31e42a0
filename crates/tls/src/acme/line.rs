//! The way to the directory: HTTPS to its own host and port, and to nowhere else.
//!
//! Invariant: an address that the directory names on another host is not asked.
//! Invariant: what the directory sends is bounded, in bytes and in time.

use crate::config::Acme;
use crate::files;
use crate::pair::certificates;
use crate::server::provider;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::uri::{Scheme, Uri};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use model::{Code, Problem};
use rustls::{ClientConfig, RootCertStore};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Most bytes of one answer: a chain, at the most.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Longest wait that a directory may ask for.
const RETRY_AFTER_MAX_S: u64 = 24 * 3600;

/// A client of one directory.
#[derive(Clone)]
pub(super) struct Line {
    client: Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>,
    host: String,
    port: u16,
    /// Seconds that the directory asked to wait, when it last refused to answer.
    wait_s: Arc<AtomicU64>,
}

/// Host and port of a directory's address; an error says what is wrong with it.
pub(super) fn address(directory: &str) -> Result<(String, u16), &'static str> {
    let uri: Uri = directory.parse().map_err(|_| "is no address")?;
    if uri.scheme() != Some(&Scheme::HTTPS) {
        return Err("is no `https://` address");
    }
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err("has a user's name in it");
    }
    endpoint(&uri).ok_or("names no host")
}

fn endpoint(uri: &Uri) -> Option<(String, u16)> {
    Some((uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(443)))
}

impl Line {
    /// Makes a client. Reads roots from the disk.
    ///
    /// # Errors
    /// `E0627` if there are no roots to trust.
    pub(super) fn new(acme: &Acme) -> Result<Self, Problem> {
        let internal = |error: rustls::Error| Problem::new(Code::Internal).internal(error);
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(internal)?
            .with_root_certificates(roots(acme)?)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .enable_http2()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let (host, port) =
            address(&acme.directory).map_err(|why| Problem::new(Code::AcmeSettings).detail(why))?;
        Ok(Self { client, host, port, wait_s: Arc::new(AtomicU64::new(0)) })
    }

    /// How long the directory asked to wait, since this was last asked.
    pub(super) fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_s.swap(0, Ordering::Relaxed))
    }

    fn leads_to_the_directory(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&Scheme::HTTPS)
            && endpoint(uri).is_some_and(|(host, port)| host == self.host && port == self.port)
    }
}

/// The roots that the operator named for the directory, or else the system's.
fn roots(acme: &Acme) -> Result<RootCertStore, Problem> {
    let code = Code::AcmeSettings;
    let mut roots = RootCertStore::empty();
    if let Some(path) = &acme.directory_ca {
        let name = format!("`tls.acme.directory_ca`: {}", path.display());
        for root in certificates(&files::public(path, code)?, &name, code)? {
            roots
                .add(root)
                .map_err(|error| Problem::new(code).detail(format!("{name}: {error}")))?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let hint = "install the package `ca-certificates`, or name `directory_ca` in [tls.acme]";
        let detail = "this system has no root certificates";
        return Err(Problem::new(code).detail(detail).hint(hint));
    }
    Ok(roots)
}

impl HttpClient for Line {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        if !self.leads_to_the_directory(request.uri()) {
            let why = format!("the directory names an address elsewhere: {}", request.uri());
            return Box::pin(std::future::ready(Err(Error::Other(why.into()))));
        }
        let answer = self.client.request(request);
        let wait_s = Arc::clone(&self.wait_s);
        Box::pin(async move {
            let reading = async {
                let answer = answer.await.map_err(|error| Error::Other(chain(&error).into()))?;
                let (parts, body) = answer.into_parts();
                if matches!(
                    parts.status,
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
                ) {
                    wait_s.store(retry_after(&parts.headers), Ordering::Relaxed);
                }
                let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
                let body = body.map_err(Error::Other)?.to_bytes();
                Ok(BytesResponse { parts, body: Box::new(body) })
            };
            let late = |_| Error::Other("the directory did not answer in time".into());
            tokio::time::timeout(ANSWER_TIME, reading).await.map_err(late)?
        })
    }
}

/// Seconds of a `Retry-After`; a date counts as none, and the usual wait holds.
fn retry_after(headers: &http::HeaderMap) -> u64 {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0u64);
    seconds.min(RETRY_AFTER_MAX_S)
}

/// An error with everything that caused it: hyper's own text says only "client error (Connect)".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acme::tests::acme;

    fn line(directory: &str) -> Line {
        let mut acme = acme();
        acme.directory = directory.to_owned();
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path().join("root.pem");
        let key = rcgen::KeyPair::generate().expect("a key");
        let root_pem = rcgen::CertificateParams::new(vec!["ca.example".to_owned()])
            .expect("names")
            .self_signed(&key)
            .expect("signed")
            .pem();
        std::fs::write(&root, root_pem).expect("written");
        acme.directory_ca = Some(root);
        Line::new(&acme).expect("a line")
    }

    #[test]
    fn only_the_host_and_port_of_the_directory_are_asked() {
        let line = line("https://ca.example/dir");
        let leads =
            |address: &str| line.leads_to_the_directory(&address.parse().expect("an address"));
        assert!(leads("https://ca.example/new-order"));
        assert!(leads("https://CA.example:443/new-order"));
        for elsewhere in [
            "http://ca.example/new-order",
            "https://ca.example:8443/new-order",
            "https://other.example/new-order",
            "https://ca.example.other.example/",
            "https://169.254.169.254/latest",
            "/new-order",
        ] {
            assert!(!leads(elsewhere), "{elsewhere}");
        }
    }

    #[tokio::test]
    async fn an_address_elsewhere_fails_without_a_connection() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("an option");
        let address = format!("https://{}/", listener.local_addr().expect("an address"));
        let request = Request::get(address).body(BodyWrapper::default()).expect("a request");
        let failed = line("https://ca.example/dir").request(request).await.map(|_| ());
        assert!(failed.expect_err("elsewhere").to_string().contains("elsewhere"));
        assert!(listener.accept().is_err());
    }

    #[test]
    fn a_wait_that_the_directory_asks_for_is_bounded() {
        let of = |text: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().expect("a value"));
            retry_after(&headers)
        };
        assert_eq!(of("120"), 120);
        assert_eq!(of("99999999999"), 86_400);
        assert_eq!(of("Fri, 31 Dec 1999 23:59:59 GMT"), 0);
        assert_eq!(of("-1"), 0);
    }
}
