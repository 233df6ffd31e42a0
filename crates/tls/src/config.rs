//! What the operator says about certificates.

use crate::acme::Pace;
use crate::certificates::read_files;
use crate::clients;
use model::{Code, Problem, Timestamp};
use std::path::PathBuf;
use std::time::Duration;

/// Everything about certificates.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where certificates that are made or obtained here are kept: a directory of the home.
    pub directory: PathBuf,
    /// Certificates of the operator, in files. The first one is served to clients that name no
    /// host, or one that no certificate names.
    pub files: Vec<Files>,
    /// Names and addresses of a self-signed certificate; none is made if this is empty.
    pub self_signed: Vec<String>,
    /// Certificates from an ACME directory.
    pub acme: Option<Acme>,
    /// Client certificates; none are asked for if this is absent.
    pub clients: Option<Clients>,
    /// The oldest version of TLS that is spoken.
    pub minimum: Minimum,
    /// Whether a client that names a host without a certificate is refused, instead of being
    /// shown the default one.
    pub strict_sni: bool,
    /// How often files are looked at.
    pub watch: Duration,
}

impl Config {
    /// Looks at the settings and at the operator's files, and at nothing that is made here.
    ///
    /// # Errors
    /// `E0620` to `E0629`, as [`crate::Certificates::open`].
    pub fn check(&self, now: Timestamp) -> Result<(), Problem> {
        self.check_settings()?;
        for files in &self.files {
            read_files(files, now)?;
        }
        self.clients.as_ref().map_or(Ok(()), |clients| clients::read(clients).map(drop))
    }

    /// Looks at the settings alone.
    pub(crate) fn check_settings(&self) -> Result<(), Problem> {
        if let Some(acme) = &self.acme {
            acme.check()?;
        }
        if self.files.is_empty() && self.self_signed.is_empty() && self.acme.is_none() {
            return Err(Problem::new(Code::NoCertificate));
        }
        Ok(())
    }
}

/// A certificate and its key, in PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, followed by its intermediates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Whose client certificates are accepted. Clients without one are served too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// The authorities, in one PEM file.
    pub ca: PathBuf,
    /// Revocation lists, PEM files. Where there is one, every certificate needs a current list
    /// of its issuer.
    pub crl: Vec<PathBuf>,
}

/// An ACME directory (RFC 8555) and what is asked of it.
#[derive(Debug, Clone)]
pub struct Acme {
    /// The directory's address, `https://…`.
    pub directory: String,
    /// Root certificates in a PEM file, trusted for the directory instead of the system's.
    pub directory_ca: Option<PathBuf>,
    /// Where the directory's operator can reach whoever runs this node.
    pub email: Option<String>,
    /// Host names. Each gets a certificate of its own.
    pub domains: Vec<String>,
    /// How names are proved.
    pub challenge: Challenge,
    /// Whether the operator agrees to the directory's terms of service.
    pub terms_agreed: bool,
    /// How long is waited between attempts.
    pub pace: Pace,
}

/// How the directory is shown that a name leads here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// A file at port 80 of the name (RFC 8555, section 8.3).
    Http01,
    /// A handshake at port 443 of the name (RFC 8737).
    TlsAlpn01,
}

/// The oldest version of TLS that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Minimum {
    /// TLS 1.2 and 1.3.
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}
