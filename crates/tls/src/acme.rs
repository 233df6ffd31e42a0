//! Certificates from an ACME directory (RFC 8555).
//!
//! Each name gets a certificate of its own, so that one whose address is wrong does not keep the
//! others from theirs. There is one task, so there is one order at a time.

mod account;
mod keeper;
mod line;
mod order;
mod pace;

use crate::config::Acme;
use crate::facts::host;
use crate::pair::{Origin, Pair};
use model::{Code, Problem};
use std::collections::BTreeSet;

pub(crate) use keeper::Keeper;
pub use pace::Pace;

/// Most names that one node obtains certificates for.
const NAMES_MAX: usize = 100;
/// Longest name, so that its file's name is one that a disk takes.
const NAME_MAX: usize = 230;

impl Acme {
    /// The names, each once, in lower case.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.domains.iter().filter_map(|name| host(name)).collect()
    }

    /// Refuses what no directory could do, or what the operator did not agree to.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let wrong = |why: String| Problem::new(Code::AcmeSettings).detail(why);
        if !self.terms_agreed {
            let why = format!("`tls.acme.terms_agreed` is not true for {}", self.directory);
            let hint = "read the directory's terms of service and write `terms_agreed = true` into [tls.acme]";
            return Err(wrong(why).hint(hint));
        }
        line::address(&self.directory).map_err(|why| {
            wrong(format!("`tls.acme.directory`: `{}` {why}", self.directory.escape_debug()))
        })?;
        if self.domains.is_empty() {
            return Err(wrong("`tls.acme.domains` names no host".to_owned()));
        }
        if self.names().len() > NAMES_MAX {
            return Err(wrong(format!("`tls.acme.domains` has more than {NAMES_MAX} names")));
        }
        for name in &self.domains {
            check_name(name).map_err(|why| {
                wrong(format!("`tls.acme.domains`: `{}` {why}", name.escape_debug()))
            })?;
        }
        if let Some(email) = &self.email
            && (!email.contains('@') || email.contains(|c: char| c.is_whitespace() || c == ','))
        {
            return Err(wrong(format!(
                "`tls.acme.email`: `{}` is no address",
                email.escape_debug()
            )));
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.starts_with("*.") {
        return Err(
            "is a wildcard, which only DNS-01 can prove; name each host, or give a certificate's files",
        );
    }
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Err("is an address; directories certify host names");
    }
    if host(name).is_none_or(|name| name.len() > NAME_MAX) {
        return Err("is no host name");
    }
    Ok(())
}

/// What files of a directory lie under: another directory has other accounts.
fn folder(acme: &Acme) -> String {
    let address = acme.directory.strip_prefix("https://").unwrap_or(&acme.directory);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let name: String = address.chars().map(plain).take(120).collect();
    format!("acme/{}", name.trim_start_matches('.'))
}

/// Where the certificate of a name is kept.
pub(crate) fn place(acme: &Acme, name: &str) -> String {
    format!("{}/{name}", folder(acme))
}

/// Reads a kept certificate: its key, then its chain.
pub(crate) fn read(text: &str, name: &str) -> Result<Pair, Problem> {
    let label = format!("the certificate of {name}");
    let origin = Origin { certificate: &label, key: &label };
    let pair = Pair::read(text.as_bytes(), text.as_bytes(), origin)?;
    if !pair.facts.covers(name) {
        let detail = format!("{label} is for {}", pair.facts.names.join(", "));
        return Err(Problem::new(Code::CertificateNames).detail(detail));
    }
    Ok(pair)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::Challenge;

    pub(crate) fn acme() -> Acme {
        Acme {
            directory: "https://ca.example/dir".to_owned(),
            directory_ca: None,
            email: None,
            domains: vec!["a.example".to_owned()],
            challenge: Challenge::Http01,
            terms_agreed: true,
            pace: Pace::default(),
        }
    }

    #[test]
    fn settings_that_no_directory_could_use_are_refused_with_the_key() {
        type Change = fn(&mut Acme);
        acme().check().expect("good");
        let cases: &[(&str, Change)] = &[
            ("terms_agreed", |acme| acme.terms_agreed = false),
            ("directory", |acme| acme.directory = "http://ca.example/dir".to_owned()),
            ("directory", |acme| acme.directory = "ca.example".to_owned()),
            ("directory", |acme| acme.directory = "https://u:p@ca.example/".to_owned()),
            ("domains", |acme| acme.domains.clear()),
            ("wildcard", |acme| acme.domains.push("*.a.example".to_owned())),
            ("domains", |acme| acme.domains.push("../../etc".to_owned())),
            ("domains", |acme| acme.domains.push("127.0.0.1".to_owned())),
            ("domains", |acme| acme.domains = (0..101).map(|n| format!("a{n}.example")).collect()),
            ("email", |acme| acme.email = Some("nobody".to_owned())),
        ];
        for (key, change) in cases {
            let mut acme = acme();
            change(&mut acme);
            let problem = acme.check().expect_err(key);
            assert_eq!(problem.code, Code::AcmeSettings);
            assert!(problem.to_string().contains(key), "{problem}");
        }
    }

    #[test]
    fn a_directory_has_a_folder_of_its_own() {
        let mut acme = acme();
        acme.directory = "https://localhost:14000/../dir?x".to_owned();
        assert_eq!(place(&acme, "a.example"), "acme/localhost_14000_.._dir_x/a.example");
    }
}
