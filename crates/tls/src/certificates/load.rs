//! Reads certificates at the start, and again when they change.

use super::{Held, Obtained, OfClients, OfFiles};
use crate::acme;
use crate::clients;
use crate::config::{Config, Files};
use crate::files;
use crate::pair::{Origin, Pair};
use crate::self_signed;
use crate::table::Table;
use crate::vault::Vault;
use crate::watch::Watched;
use model::{Code, Problem, Timestamp};
use rustls::server::danger::ClientCertVerifier;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

/// Where the self-signed certificate is kept.
const SELF_SIGNED: &str = "self-signed";

impl Held {
    /// Reads everything that the configuration names, and the verifier of client certificates.
    pub(super) fn read(
        config: &Config,
        vault: &Vault,
        now: Timestamp,
    ) -> Result<(Self, Option<Arc<dyn ClientCertVerifier>>), Problem> {
        let files: Result<Vec<OfFiles>, Problem> =
            config.files.iter().map(|files| OfFiles::read(files, now)).collect();
        let mut obtained = BTreeMap::new();
        if let Some(acme) = &config.acme {
            for name in acme.names() {
                obtained.insert(name.clone(), Obtained::read(acme, &name, vault, now)?);
            }
        }
        let self_signed = self_signed(config, vault, now)?;
        // Watched before they are read: what is written meanwhile is a change.
        let clients = config.clients.clone().map(|clients| {
            let crl = clients.crl.iter().map(std::path::PathBuf::as_path);
            let watched = Watched::new(std::iter::once(clients.ca.as_path()).chain(crl));
            OfClients { watched, clients, trouble: None }
        });
        let verifier = config.clients.as_ref().map(clients::read).transpose()?;
        Ok((Self { files: files?, obtained, self_signed, clients }, verifier))
    }

    /// What is served: the operator's files first, then what was obtained, then what was made.
    pub(super) fn table(&self, strict: bool) -> Table {
        let files = self.files.iter().map(|of| &of.pair);
        let obtained = self.obtained.values().filter_map(|of| of.pair.as_ref());
        let stand_ins = self.obtained.values().filter_map(|of| of.stand_in.as_ref());
        let pairs = files.chain(obtained).chain(&self.self_signed).chain(stand_ins);
        Table::new(pairs, strict)
    }

    /// Makes the self-signed certificate again; whether that worked.
    pub(super) fn renew_self_signed(
        &mut self,
        config: &Config,
        vault: &Vault,
        now: Timestamp,
    ) -> bool {
        match make_self_signed(config, vault, now) {
            Ok(pair) => {
                self.self_signed = Some(pair);
                true
            }
            Err(error) => {
                tracing::error!(%error, "the self-signed certificate could not be renewed");
                false
            }
        }
    }
}

/// Whether a certificate that is made here should be made again: after two thirds of its life,
/// or if a clock that jumped left it behind.
pub(super) fn is_due(pair: &Pair, now: Timestamp) -> bool {
    let facts = &pair.facts;
    let late = facts.not_before.plus_us(facts.lifetime_us() / 3 * 2);
    now < facts.not_before || now > late
}

/// The self-signed certificate of an earlier start, or a new one.
fn self_signed(config: &Config, vault: &Vault, now: Timestamp) -> Result<Option<Pair>, Problem> {
    if config.self_signed.is_empty() {
        return Ok(None);
    }
    let kept = vault
        .read(SELF_SIGNED)
        .and_then(|text| text.map(|text| self_signed::read(&text)).transpose());
    match kept {
        Ok(Some(kept)) if kept.facts.names == config.self_signed && !is_due(&kept, now) => {
            return Ok(Some(kept));
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, "the self-signed certificate cannot be used; it is made again");
        }
    }
    make_self_signed(config, vault, now).map(Some)
}

fn make_self_signed(config: &Config, vault: &Vault, now: Timestamp) -> Result<Pair, Problem> {
    let text = self_signed::make(&config.self_signed, now)?;
    let pair = self_signed::read(&text)?;
    vault.write(SELF_SIGNED, &text)?;
    Ok(pair)
}

impl Obtained {
    /// What an earlier life obtained for a domain, or a stand-in. What cannot be read is obtained
    /// again: it was the directory's, and it gives another.
    fn read(
        acme: &crate::Acme,
        name: &str,
        vault: &Vault,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let kept = vault
            .read(&acme::place(acme, name))
            .and_then(|text| text.map(|text| acme::read(&text, name)).transpose());
        let (pair, trouble) = match kept {
            Ok(pair) => (pair, None),
            Err(error) => {
                tracing::error!(%error, domain = name, "a kept certificate cannot be used; it is obtained again");
                (None, Some(error.to_string()))
            }
        };
        let stand_in = pair.is_none().then(|| self_signed::stand_in(name, now)).transpose()?;
        Ok(Self { pair, stand_in, trouble })
    }
}

/// Reads a certificate and its key from files, and refuses what clients would refuse.
pub(crate) fn read_files(files: &Files, now: Timestamp) -> Result<Pair, Problem> {
    let certificate = files.certificate.display().to_string();
    let key = files.key.display().to_string();
    let chain = files::public(&files.certificate, Code::CertificateUnreadable)?;
    let private = files::private(&files.key)?;
    let origin = Origin { certificate: &certificate, key: &key };
    let pair = Pair::read(&chain, &private, origin)?;
    pair.check_time(now, &certificate)?;
    Ok(pair)
}

impl OfFiles {
    fn read(files: &Files, now: Timestamp) -> Result<Self, Problem> {
        // Before they are read: what is written meanwhile is a change.
        let watched = Watched::new([files.certificate.as_path(), files.key.as_path()].into_iter());
        let pair = read_files(files, now)?;
        Ok(Self { files: files.clone(), pair, watched, trouble: None })
    }

    /// Reads the files again; whether another certificate is served now. If they cannot be used,
    /// the old one stays.
    pub(super) fn reload(&mut self, now: Timestamp) -> bool {
        let read = read_files(&self.files, now);
        self.watched.done(read.is_ok());
        let label = self.files.certificate.display();
        match read {
            Ok(pair) => {
                let changed = pair.key.cert != self.pair.key.cert;
                if changed || self.trouble.is_some() {
                    let expires = pair.facts.not_after;
                    tracing::info!(file = %label, names = ?pair.facts.names, %expires, "a certificate was loaded again");
                }
                (self.pair, self.trouble) = (pair, None);
                changed
            }
            Err(problem) => {
                let what = "a certificate";
                self.trouble = told(&label, what, self.trouble.as_deref(), Err(problem));
                false
            }
        }
    }
}

/// Logs how a reload went, once for each new reason, and gives the trouble to remember.
pub(super) fn told(
    label: &dyn Display,
    what: &str,
    before: Option<&str>,
    read: Result<(), Problem>,
) -> Option<String> {
    match read {
        Ok(()) => {
            tracing::info!(file = %label, "{what}: loaded again");
            None
        }
        Err(problem) => {
            let why = problem.to_string();
            if before != Some(why.as_str()) {
                let hint = problem.hint.as_deref().unwrap_or(problem.code.remedy());
                tracing::error!(file = %label, problem = %why, hint, "{what} could not be loaded again: the old one stays in use");
            }
            Some(why)
        }
    }
}
