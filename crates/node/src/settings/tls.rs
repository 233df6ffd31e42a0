//! `[tls]`: the HTTPS listener and its certificates.

use super::pick::Pick;
use super::{Options, resolve};
use ::tls::{Acme, Challenge, Clients, Config, Files, Minimum, Pace};
use model::{Code, Problem};
use serde::Deserialize;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often certificate files are looked at.
const WATCH: Duration = Duration::from_secs(2);
/// What `--tls-self-signed` makes a certificate for.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// `[tls]`
#[derive(Debug, Clone)]
pub struct Tls {
    /// The HTTPS listener, beside the plain one.
    pub listen: SocketAddr,
    /// Whether the plain listener only leads to the other one.
    pub redirect: bool,
    /// The port of the addresses that it leads to, where it is not the listener's: behind a
    /// forwarded port.
    pub redirect_port: Option<u16>,
    /// The certificates, and whose are accepted.
    pub certificates: Config,
}

/// `[tls]`, as the file has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    listen: Option<String>,
    redirect: Option<bool>,
    redirect_port: Option<u16>,
    minimum: Option<Version>,
    strict_sni: Option<bool>,
    self_signed: Option<Vec<String>>,
    client_ca: Option<PathBuf>,
    client_crl: Option<Vec<PathBuf>>,
    #[serde(default)]
    certificate: Vec<CertificateFile>,
    acme: Option<AcmeFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateFile {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcmeFile {
    directory: String,
    directory_ca: Option<PathBuf>,
    email: Option<String>,
    domains: Vec<String>,
    challenge: Option<Proof>,
    #[serde(default)]
    terms_agreed: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Version {
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Proof {
    #[serde(rename = "http-01")]
    Http01,
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

impl Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        })
    }
}

impl Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        })
    }
}

fn list<T: AsRef<std::ffi::OsStr>>(items: &[T]) -> String {
    let texts: Vec<_> = items.iter().map(|item| item.as_ref().to_string_lossy()).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

impl Tls {
    /// Resolves the section; `None` if there is none and no flag asks for TLS.
    pub(super) fn pick(
        pick: &mut Pick,
        file: Option<&TlsFile>,
        options: &Options,
        home: &Path,
    ) -> Result<Option<Self>, Problem> {
        let asked = options.tls_self_signed || options.tls_listen.is_some();
        let variable = resolve::from_environment("CASEMATE_TLS_LISTEN");
        if file.is_none() && !asked && variable.is_none() {
            pick.of("tls", "off".to_owned(), None);
            return Ok(None);
        }
        let default = TlsFile::default();
        let file = file.unwrap_or(&default);
        let listen = pick.from(
            "tls.listen",
            "127.0.0.1:8443".to_owned(),
            file.listen.clone(),
            variable,
            options.tls_listen.clone().map(|value| ("--tls-listen", value)),
        );
        let listen = resolve::address("tls.listen", &listen)?;
        let real = !file.certificate.is_empty() || file.acme.is_some();
        let certificates = certificates(pick, file, options, home)?;
        // To a certificate that no client trusts, nobody is led.
        let redirect = pick.of("tls.redirect", real, file.redirect);
        let shown = file.redirect_port.map(|port| port.to_string());
        pick.of("tls.redirect_port", "the listener's".to_owned(), shown);
        let redirect_port = file.redirect_port;
        Ok(Some(Self { listen, redirect, redirect_port, certificates }))
    }
}

fn certificates(
    pick: &mut Pick,
    file: &TlsFile,
    options: &Options,
    home: &Path,
) -> Result<Config, Problem> {
    let minimum = match pick.of("tls.minimum", Version::Tls12, file.minimum) {
        Version::Tls12 => Minimum::Tls12,
        Version::Tls13 => Minimum::Tls13,
    };
    let strict_sni = pick.of("tls.strict_sni", false, file.strict_sni);
    let files: Vec<Files> = file
        .certificate
        .iter()
        .map(|one| Files { certificate: one.certificate.clone(), key: one.key.clone() })
        .collect();
    let shown: Vec<_> = files.iter().map(|files| files.certificate.clone()).collect();
    pick.of("tls.certificate", list::<PathBuf>(&[]), (!shown.is_empty()).then(|| list(&shown)));
    let own = file.self_signed.clone().unwrap_or_default();
    let flag = options.tls_self_signed.then(|| LOCAL.map(str::to_owned).to_vec());
    pick.from(
        "tls.self_signed",
        list::<String>(&[]),
        file.self_signed.as_ref().map(|names| list(names)),
        None,
        flag.as_ref().map(|names| ("--tls-self-signed", list(names))),
    );
    let self_signed = names(flag.unwrap_or(own))?;
    let clients = clients(pick, file)?;
    let acme = file.acme.as_ref().map(|acme| acme_of(pick, acme));
    let directory = home.join("tls");
    let watch = WATCH;
    Ok(Config { directory, files, self_signed, acme, clients, minimum, strict_sni, watch })
}

/// Names in the form that a certificate gives back: addresses as they are usually written.
fn names(names: Vec<String>) -> Result<Vec<String>, Problem> {
    let name = |name: String| {
        if let Ok(address) = name.parse::<std::net::IpAddr>() {
            return Ok(address.to_string());
        }
        ::tls::host_name(&name).ok_or_else(|| {
            let detail = format!(
                "`tls.self_signed`: `{}` is no host name and no address",
                name.escape_debug()
            );
            Problem::new(Code::BadConfig).detail(detail)
        })
    };
    names.into_iter().map(name).collect()
}

fn clients(pick: &mut Pick, file: &TlsFile) -> Result<Option<Clients>, Problem> {
    let crl = file.client_crl.clone().unwrap_or_default();
    let shown = file.client_ca.as_ref().map(|path| path.display().to_string());
    pick.of("tls.client_ca", "none".to_owned(), shown);
    pick.of("tls.client_crl", list::<PathBuf>(&[]), file.client_crl.as_ref().map(|all| list(all)));
    match &file.client_ca {
        Some(ca) => Ok(Some(Clients { ca: ca.clone(), crl })),
        None if crl.is_empty() => Ok(None),
        None => {
            let detail =
                "`tls.client_crl` revokes certificates, and no `tls.client_ca` accepts any";
            Err(Problem::new(Code::BadConfig).detail(detail))
        }
    }
}

fn acme_of(pick: &mut Pick, file: &AcmeFile) -> Acme {
    let from_file = |text: &str| Some(text.to_owned());
    pick.of("tls.acme.directory", String::new(), from_file(&file.directory));
    pick.of("tls.acme.domains", String::new(), Some(list(&file.domains)));
    let ca = file.directory_ca.as_ref().map(|path| path.display().to_string());
    pick.of("tls.acme.directory_ca", "the system's roots".to_owned(), ca);
    pick.of("tls.acme.email", "none".to_owned(), file.email.clone());
    let challenge = match pick.of("tls.acme.challenge", Proof::Http01, file.challenge) {
        Proof::Http01 => Challenge::Http01,
        Proof::TlsAlpn01 => Challenge::TlsAlpn01,
    };
    Acme {
        directory: file.directory.clone(),
        directory_ca: file.directory_ca.clone(),
        email: file.email.clone(),
        domains: file.domains.clone(),
        challenge,
        terms_agreed: file.terms_agreed,
        pace: Pace::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn resolve(text: &str, options: Options) -> Result<Settings, Problem> {
        let dir = tempfile::tempdir().expect("temp dir");
        let config = dir.path().join("casemate.conf");
        std::fs::write(&config, text).expect("written");
        let home = Some(dir.path().join("home"));
        Settings::resolve(&Options { home, config: Some(config), ..options })
    }

    #[test]
    fn tls_is_off_unless_it_is_asked_for() {
        assert!(resolve("", Options::default()).expect("valid").tls.is_none());
        let flag = Options { tls_self_signed: true, ..Options::default() };
        let tls = resolve("", flag).expect("valid").tls.expect("on");
        assert_eq!(tls.listen.to_string(), "127.0.0.1:8443");
        assert_eq!(tls.certificates.self_signed, LOCAL);
        assert!(!tls.redirect && tls.certificates.directory.ends_with("home/tls"));
    }

    #[test]
    fn reads_every_key() {
        let text = r#"
            [tls]
            listen = "0.0.0.0:443"
            minimum = "1.3"
            strict_sni = true
            redirect_port = 443
            client_ca = "clients.pem"
            client_crl = ["revoked.pem"]
            [[tls.certificate]]
            certificate = "a.pem"
            key = "a.key"
            [tls.acme]
            directory = "https://ca.example/dir"
            directory_ca = "root.pem"
            email = "ops@example.com"
            domains = ["a.example"]
            challenge = "tls-alpn-01"
            terms_agreed = true
        "#;
        let settings = resolve(text, Options::default()).expect("valid");
        let tls = settings.tls.clone().expect("on");
        assert!(tls.redirect && tls.certificates.strict_sni);
        assert_eq!(tls.redirect_port, Some(443));
        assert_eq!(tls.certificates.minimum, Minimum::Tls13);
        let acme = tls.certificates.acme.expect("on");
        assert!(acme.terms_agreed && acme.challenge == Challenge::TlsAlpn01);
        let rows = settings.table();
        let row = rows.iter().find(|row| row.key == "tls.certificate").expect("a row");
        assert_eq!((row.value.as_str(), row.origin.as_str()), ("a.pem", "file"));
    }

    #[test]
    fn wrong_values_are_named_with_their_line() {
        for (text, word) in [
            ("[tls]\nminimum = \"1.1\"\n", ":2:"),
            ("[tls]\nlissten = \"x\"\n", "lissten"),
            ("[tls]\nlisten = \"x\"\n", "tls.listen"),
            ("[tls]\nself_signed = [\"a b\"]\n", "a b"),
            ("[tls]\nclient_crl = [\"x\"]\n", "client_ca"),
            ("[tls.acme]\ndomains = [\"a.example\"]\n", "directory"),
            ("[tls.acme]\ndirectory = \"x\"\ndomains = []\nchallenge = \"dns-01\"\n", "dns-01"),
            ("[[tls.certificate]]\ncertificate = \"a.pem\"\n", "key"),
        ] {
            let problem = resolve(text, Options::default()).expect_err(text);
            assert_eq!(problem.code, Code::BadConfig);
            assert!(problem.to_string().contains(word), "{problem}");
        }
    }
}
