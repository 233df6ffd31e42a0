//! A client of WebSockets, polite or not.

use crate::rig::{PATIENCE, Reply, connect, parse};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

/// A stream of bytes to the node.
pub(crate) trait Bytes: Read + Write {}
impl<T: Read + Write> Bytes for T {}

/// A handshake in the making.
pub(crate) struct Wish {
    path: String,
    fields: Vec<(String, String)>,
}

impl Wish {
    /// A good one (RFC 6455, section 1.3).
    pub(crate) fn new(path: &str) -> Self {
        let fields = [
            ("host", "localhost"),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { path: path.to_owned(), fields: fields.into() }
    }

    /// With another field, or another value of one.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let fields: String =
            self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("GET {} HTTP/1.1\r\n{fields}\r\n", self.path).into_bytes()
    }

    /// A client that was let in.
    pub(crate) fn open(&self, to: SocketAddr) -> Client {
        Client::open(Box::new(connect(to)), &self.bytes(), b"")
    }

    /// The same, with bytes right behind the request.
    pub(crate) fn open_with(&self, to: SocketAddr, behind: &[u8]) -> Client {
        Client::open(Box::new(connect(to)), &self.bytes(), behind)
    }

    pub(crate) fn open_tls(&self, to: SocketAddr) -> Client {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        Client::open(Box::new(StreamOwned::new(session, connect(to))), &self.bytes(), b"")
    }

    /// What is answered to one who is not let in, until the connection ends.
    pub(crate) fn refused(&self, to: SocketAddr) -> Reply {
        parse(&crate::rig::exchange(to, &self.bytes()))
    }
}

/// Believes every certificate.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
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
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A client that was let in.
pub(crate) struct Client {
    socket: WebSocket<Box<dyn Bytes>>,
}

impl Client {
    fn open(mut stream: Box<dyn Bytes>, request: &[u8], behind: &[u8]) -> Self {
        stream.write_all(&[request, behind].concat()).expect("sent");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut byte).expect("an answer");
            assert_eq!(read, 1, "{}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).expect("text");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        Self { socket: WebSocket::from_raw_socket(stream, Role::Client, None) }
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("sent");
    }

    pub(crate) fn send_binary(&mut self, bytes: &[u8]) {
        self.socket.send(Message::binary(bytes.to_vec())).expect("sent");
    }

    pub(crate) fn send(&mut self, message: Message) {
        self.socket.send(message).expect("sent");
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).expect("sent");
    }

    /// Reads bytes as they are, to the end.
    pub(crate) fn read_raw(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _end_or_reset = self.socket.get_mut().read_to_end(&mut bytes);
        bytes
    }

    pub(crate) fn read(&mut self) -> Message {
        self.socket.read().expect("a message")
    }

    /// The next text; answers pings meanwhile.
    pub(crate) fn text(&mut self) -> String {
        loop {
            match self.read() {
                Message::Ping(_) => {}
                Message::Text(text) => return text.to_string(),
                other => panic!("no text: {other:?}"),
            }
        }
    }

    pub(crate) fn binary(&mut self) -> Vec<u8> {
        match self.read() {
            Message::Binary(bytes) => bytes.to_vec(),
            other => panic!("not binary: {other:?}"),
        }
    }

    pub(crate) fn leave(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "bye".into() };
        self.socket.close(Some(frame)).expect("sent");
    }

    /// The code of the node's goodbye; `None` if the connection broke off without one.
    pub(crate) fn goodbye(&mut self) -> Option<u16> {
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

/// A socket on which nobody reads or answers.
pub(crate) fn deaf(wish: &Wish, to: SocketAddr) -> TcpStream {
    let mut stream = connect(to);
    stream.write_all(&wish.bytes()).expect("sent");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

/// A frame of a client: with a mask, which is zero.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).expect("short")),
        long => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(long).expect("not too long").to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}
