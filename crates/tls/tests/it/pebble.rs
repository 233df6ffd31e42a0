//! Debian's `pebble`, an ACME server for tests, with its DNS server that leads every name here.
#![allow(dead_code, reason = "two test executables use this file, each a part of it")]

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
        let root = folder.join("root.pem");
        let (ca, certificate, key) = own_certificate();
        for (name, text) in [("root.pem", ca), ("own.pem", certificate), ("own.key", key)] {
            std::fs::write(folder.join(name), text).expect("written");
        }
        let [port, http_port, tls_port, dns] = [(); 4].map(|()| free_port());
        let directory = format!("https://localhost:{port}/dir");
        let dns = format!("127.0.0.1:{dns}");
        Self { directory, root, http_port, tls_port, folder, dns, children: Vec::new(), port }
    }

    /// Starts the directory, or starts it again without its memory.
    pub(crate) fn start(&mut self) {
        self.launch();
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "pebble does not answer");
            std::thread::sleep(Duration::from_millis(20));
            // A port that was free can be somebody else's by now, and then it ends at once.
            if self.children.iter_mut().any(|child| !matches!(child.try_wait(), Ok(None))) {
                self.launch();
            }
        }
    }

    fn launch(&mut self) {
        self.stop();
        let none = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
        let management = format!("127.0.0.1:{}", free_port());
        let names = ["-dns01", self.dns.as_str(), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""];
        let arguments = [&none[..], &names, &["-management", &management]].concat();
        self.children.push(spawn("pebble-challtestsrv", &arguments, &self.folder));
        let config = self.configure();
        let arguments = ["-config", config.as_str(), "-dnsserver", self.dns.as_str(), "-strict"];
        self.children.push(spawn("pebble", &arguments, &self.folder));
    }

    /// Writes the configuration; its path.
    fn configure(&self) -> String {
        let Self { port, http_port, tls_port, folder, .. } = self;
        let (certificate, key) = (folder.join("own.pem"), folder.join("own.key"));
        let management = free_port();
        let text = format!(
            r#"{{"pebble": {{
                "listenAddress": "127.0.0.1:{port}", "managementListenAddress": "127.0.0.1:{management}",
                "certificate": {certificate:?}, "privateKey": {key:?},
                "httpPort": {http_port}, "tlsPort": {tls_port},
                "ocspResponderURL": "", "externalAccountBindingRequired": false,
                "certificateValidityPeriod": 7776000 }} }}"#
        );
        let path = folder.join("config.json");
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
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

/// The PEM texts of an authority, of the directory's own certificate, and of its key.
fn own_certificate() -> (String, String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&key).expect("signed").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2090, 1, 1));
    (ca, params.signed_by(&key, &issuer).expect("signed").pem(), key.serialize_pem())
}
