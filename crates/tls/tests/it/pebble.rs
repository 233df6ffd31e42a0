//! Debian's `pebble`, an ACME server for tests, with its DNS server that leads every name here.

use crate::rig::{Authority, until, write};
use casemate_tls::Certificates;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A running directory. Killed when dropped.
pub(crate) struct Pebble {
    pub(crate) directory: String,
    pub(crate) root: PathBuf,
    pub(crate) http_port: u16,
    pub(crate) tls_port: u16,
    folder: PathBuf,
    dns: String,
    children: Vec<Child>,
    port: u16,
}

/// A port that nobody uses now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn spawn(name: &str, arguments: &[&str], folder: &Path) -> Child {
    let log =
        std::fs::File::options().create(true).append(true).open(folder.join(format!("{name}.log")));
    let log = log.expect("a log");
    Command::new(format!("/usr/bin/{name}"))
        .args(arguments)
        .env("PEBBLE_VA_NOSLEEP", "1")
        .env("PEBBLE_WFE_NONCEREJECT", "5")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a descriptor"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}: install the package `pebble`"))
}

impl Pebble {
    /// Everything is prepared, and nothing answers yet.
    pub(crate) fn prepare(folder: &Path) -> Self {
        let folder = folder.join("pebble");
        std::fs::create_dir(&folder).expect("a directory");
        let ca = Authority::new();
        let (certificate, key) = ca.issue(&["localhost", "127.0.0.1"]);
        let root = write(&folder.join("root.pem"), &ca.pem, 0o644);
        let certificate = write(&folder.join("own.pem"), &certificate, 0o644);
        let key = write(&folder.join("own.key"), &key, 0o600);
        let [port, management, http_port, tls_port, dns] = [(); 5].map(|()| free_port());
        let config = format!(
            r#"{{"pebble": {{
                "listenAddress": "127.0.0.1:{port}", "managementListenAddress": "127.0.0.1:{management}",
                "certificate": {certificate:?}, "privateKey": {key:?},
                "httpPort": {http_port}, "tlsPort": {tls_port},
                "ocspResponderURL": "", "externalAccountBindingRequired": false,
                "certificateValidityPeriod": 7776000 }} }}"#
        );
        write(&folder.join("config.json"), &config, 0o644);
        let directory = format!("https://localhost:{port}/dir");
        let dns = format!("127.0.0.1:{dns}");
        Self { directory, root, http_port, tls_port, folder, dns, children: Vec::new(), port }
    }

    /// Starts the directory, or starts it again without its memory.
    pub(crate) async fn start(&mut self) {
        self.stop();
        let none = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
        let management = format!("127.0.0.1:{}", free_port());
        let names = ["-dns01", self.dns.as_str(), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""];
        let arguments = [&none[..], &names, &["-management", &management]].concat();
        self.children.push(spawn("pebble-challtestsrv", &arguments, &self.folder));
        let config = self.folder.join("config.json").display().to_string();
        let arguments = ["-config", config.as_str(), "-dnsserver", self.dns.as_str(), "-strict"];
        self.children.push(spawn("pebble", &arguments, &self.folder));
        let port = self.port;
        until("pebble answers", async || TcpStream::connect(("127.0.0.1", port)).ok()).await;
    }

    pub(crate) fn stop(&mut self) {
        for mut child in self.children.drain(..) {
            let _gone_already = child.kill();
            let _reaped = child.wait();
        }
    }

    /// How many orders it took since it was prepared.
    pub(crate) fn orders(&self) -> usize {
        self.count("Added order")
    }

    /// How often pebble's log has a line with these words.
    pub(crate) fn count(&self, words: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.join("pebble.log")).unwrap_or_default();
        log.lines().filter(|line| line.contains(words)).count()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The doors of a node: the plain one answers challenges, the other one shakes hands.
pub(crate) async fn doors(
    all: &Arc<Certificates>,
    pebble: &Pebble,
) -> Vec<tokio::task::JoinHandle<()>> {
    vec![plain_door(all, pebble.http_port).await, tls_door(all, pebble.tls_port).await]
}

async fn plain_door(all: &Arc<Certificates>, port: u16) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    let challenges = all.challenges();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let host = head.lines().find_map(|line| line.strip_prefix("Host: "));
            let token = path.strip_prefix("/.well-known/acme-challenge/").unwrap_or_default();
            let answer = match challenges.answer(host, token) {
                Some(body) => format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"),
                None => "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n".to_owned(),
            };
            let _the_other_side_may_be_gone = stream.write_all(answer.as_bytes()).await;
        }
    })
}

async fn tls_door(all: &Arc<Certificates>, port: u16) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    let acceptor = tokio_rustls::TlsAcceptor::from(all.server_config());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The gateway too ends such a connection after its handshake.
            let _done = acceptor.accept(stream).await;
        }
    })
}
