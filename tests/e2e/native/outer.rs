//! What lies outside: a server that speaks TLS, and a name server that leads to it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, mpsc};

/// Type A of DNS.
const A: u16 = 1;

/// A server that sends back the head of every request, in TLS, and hands it out.
pub(crate) struct Outer {
    pub(crate) address: SocketAddr,
    /// The authority of its certificate.
    pub(crate) authority: String,
    pub(crate) heads: mpsc::Receiver<String>,
}

impl Outer {
    pub(crate) fn start(names: &[&str]) -> Self {
        let (configuration, authority) = configuration(names);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let (sender, heads) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                let tls = ServerConnection::new(Arc::clone(&configuration)).expect("a connection");
                std::thread::spawn(move || serve(&mut StreamOwned::new(tls, stream), &sender));
            }
        });
        Self { address, authority, heads }
    }

    /// Where it is, under one of its names.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("https://{name}:{}", self.address.port())
    }
}

fn configuration(names: &[&str]) -> (Arc<ServerConfig>, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Two of one name look like one that signed itself.
    params.distinguished_name.push(DnType::CommonName, "an authority outside");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(names).expect("names");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let made = builder.with_no_client_auth().with_single_cert(chain, key).expect("usable");
    (Arc::new(made), authority)
}

fn serve(
    line: &mut StreamOwned<ServerConnection, std::net::TcpStream>,
    heads: &mpsc::Sender<String>,
) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if line.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let length = head.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let _gone = line.write_all(&[answer.as_bytes(), &head].concat());
    line.conn.send_close_notify();
    let _gone = line.flush();
    let _gone = heads.send(String::from_utf8_lossy(&head).into_owned());
}

/// A name server that says that every name is this machine.
pub(crate) fn names() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("bound");
    std::thread::spawn(move || {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let _gone = socket.send_to(&reply(&packet[..length]), from);
        }
    });
    address
}

fn reply(packet: &[u8]) -> Vec<u8> {
    let name = packet[12..].iter().position(|&byte| byte == 0).expect("a name");
    let end = 12 + name + 5;
    let kind = u16::from_be_bytes([packet[end - 4], packet[end - 3]]);
    let mut reply = packet[..end].to_vec();
    reply[2..4].copy_from_slice(&[0x81, 0x80]);
    reply[6..12].copy_from_slice(&[0, u8::from(kind == A), 0, 0, 0, 0]);
    if kind == A {
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    reply
}
