//! `[[issuer]]`: whose tokens the node takes, and by which keys they are checked.

mod keys;

pub(crate) use keys::{Fetched, Keys, Place, address};

use super::network::Network;
use super::pick::SettingRow;
use identity::jwt::{Algorithm, IssuerConfig};
use model::unit::Duration;
use model::{Code, IssuerName, Problem};
use serde::Deserialize;
use std::path::Path;

/// Longest leeway: beyond it, an expiry means little.
const LEEWAY_MAX: Duration = Duration::seconds(300);

/// The section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    name: IssuerName,
    issuer: String,
    audience: Vec<String>,
    algorithms: Vec<String>,
    keys: Option<String>,
    keys_url: Option<String>,
    #[serde(default)]
    discover: bool,
    #[serde(default)]
    keys_networks: Vec<Network>,
    keys_stale: Option<Duration>,
    #[serde(default = "leeway")]
    leeway: Duration,
    #[serde(default = "header")]
    header: String,
    #[serde(default = "subject_claim")]
    subject_claim: String,
    /// The claims that guests are told.
    #[serde(default)]
    claims: Vec<String>,
}

const fn leeway() -> Duration {
    Duration::seconds(30)
}

fn header() -> String {
    "authorization".to_owned()
}

fn subject_claim() -> String {
    "sub".to_owned()
}

/// An issuer, and where its keys are.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// What is configured about it.
    pub config: IssuerConfig,
    /// Where its keys are.
    pub(crate) keys: Keys,
}

/// Checks the sections. Files are named from the configuration file's directory. With `dev`, keys
/// may come from this machine.
pub(super) fn resolve(
    sections: Vec<Section>,
    directory: &Path,
    dev: bool,
    rows: &mut Vec<SettingRow>,
) -> Result<Vec<Issuer>, Problem> {
    let mut issuers: Vec<Issuer> = Vec::with_capacity(sections.len());
    for section in sections {
        let name = section.name.clone();
        let issuer = section.check(directory, dev).map_err(|(key, why)| bad(&name, key, &why))?;
        let taken = |known: &Issuer| known.config.name == name;
        if issuers.iter().any(taken) {
            return Err(bad(&name, "name", "two sections have this name"));
        }
        let same = |known: &&Issuer| known.config.issuer == issuer.config.issuer;
        if let Some(other) = issuers.iter().find(same) {
            let why =
                format!("`{}` has the same; give one section all audiences", other.config.name);
            return Err(bad(&name, "issuer", &why));
        }
        rows.push(SettingRow {
            key: format!("issuer.{name}"),
            value: format!("{} ({})", issuer.config.issuer, issuer.keys),
            origin: "file".to_owned(),
        });
        issuers.push(issuer);
    }
    Ok(issuers)
}

fn bad(name: &IssuerName, key: &str, why: &str) -> Problem {
    Problem::new(Code::BadIssuer).detail(format!("[[issuer]] `{name}`, `{key}`: {why}"))
}

type Wrong = (&'static str, String);

impl Section {
    fn check(self, directory: &Path, dev: bool) -> Result<Issuer, Wrong> {
        let algorithms = self.algorithms()?;
        let empty = |text: &String| text.trim().is_empty();
        if empty(&self.issuer) {
            return Err(("issuer", "it is empty; write the `iss` of the tokens".to_owned()));
        }
        if self.audience.is_empty() || self.audience.iter().any(empty) {
            let why = "name at least one audience: without it, a token for anybody would be taken";
            return Err(("audience", why.to_owned()));
        }
        if self.leeway > LEEWAY_MAX {
            return Err(("leeway", format!("{} is too much: at most {LEEWAY_MAX}", self.leeway)));
        }
        if empty(&self.subject_claim) {
            return Err(("subject_claim", "it is empty".to_owned()));
        }
        let keys = keys::check(&self, directory, dev)?;
        let header = self.header()?;
        let config = IssuerConfig {
            name: self.name,
            issuer: self.issuer,
            audience: self.audience,
            algorithms,
            leeway: self.leeway.std(),
            header,
            subject_claim: self.subject_claim,
            pass: self.claims,
        };
        Ok(Issuer { config, keys })
    }

    fn algorithms(&self) -> Result<Vec<Algorithm>, Wrong> {
        let known = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA";
        let mut algorithms = Vec::new();
        for name in &self.algorithms {
            let shown = name.escape_debug();
            let algorithm = Algorithm::parse(name).ok_or_else(|| {
                let why = if name.to_ascii_uppercase().starts_with("HS") {
                    format!("`{shown}` needs a secret that makes tokens as well as it checks them")
                } else {
                    format!("`{shown}` is not understood")
                };
                ("algorithms", format!("{why}; write some of {known}"))
            })?;
            if !algorithms.contains(&algorithm) {
                algorithms.push(algorithm);
            }
        }
        if algorithms.is_empty() {
            return Err(("algorithms", format!("name those that it signs with: some of {known}")));
        }
        Ok(algorithms)
    }

    /// The field that carries the tokens. None that means something else, or that the gateway
    /// takes out of requests.
    fn header(&self) -> Result<String, Wrong> {
        const OTHERS: &[&str] =
            &["host", "cookie", "connection", "content-length", "content-type", "traceparent"];
        let name = self.header.to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = !name.is_empty() && name.len() <= 64 && name.bytes().all(plain);
        if !fits || OTHERS.contains(&name.as_str()) || gateway::is_reserved_header(&name) {
            let why = format!("`{}` cannot carry a token", self.header.escape_debug());
            return Err(("header", why));
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "shop"
        issuer = "https://idp.example"
        audience = ["casemate"]
        algorithms = ["ES256"]
        keys = "jwks.json"
    "#;

    fn read(texts: &[String]) -> Result<Vec<Issuer>, String> {
        let section = |text: &String| toml::from_str::<Section>(text).map_err(|e| e.to_string());
        let sections = texts.iter().map(section).collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        resolve(sections, Path::new("/etc/casemate"), false, &mut rows).map_err(|it| it.to_string())
    }

    #[test]
    fn a_section_has_safe_defaults() {
        let issuers = read(&[GOOD.to_owned()]).expect("good");
        let Issuer { config, keys } = &issuers[0];
        assert_eq!(keys.to_string(), "/etc/casemate/jwks.json");
        assert_eq!(
            (config.header.as_str(), config.subject_claim.as_str()),
            ("authorization", "sub")
        );
        assert_eq!((config.leeway.as_secs(), config.pass.len()), (30, 0));
    }

    #[test]
    fn what_would_be_weak_or_cannot_work_is_refused_and_says_why() {
        for (from, to, why) in [
            (r#"["ES256"]"#, r#"["HS256"]"#, "makes tokens as well"),
            (r#"["ES256"]"#, r#"["none"]"#, "not understood"),
            (r#"["ES256"]"#, "[]", "some of RS256"),
            (r#"["casemate"]"#, "[]", "at least one audience"),
            (r#"["casemate"]"#, r#"[""]"#, "at least one audience"),
            ("https://idp.example", "", "it is empty"),
            ("jwks.json", "https://idp.example/jwks", "keys_url"),
            ("name = \"shop\"", "name = \"shop\"\nleeway = \"1h\"", "too much"),
            ("name = \"shop\"", "name = \"shop\"\nheader = \"cookie\"", "cannot carry"),
            ("name = \"shop\"", "name = \"shop\"\nheader = \"casemate-x\"", "cannot carry"),
            ("name = \"shop\"", "name = \"shop\"\nheader = \"a b\"", "cannot carry"),
            ("name = \"shop\"", "name = \"Shop\"", "issuer name"),
            ("name = \"shop\"", "name = \"shop\"\nsecret = \"x\"", "secret"),
        ] {
            let said = read(&[GOOD.replace(from, to)]).expect_err(to);
            assert!(said.contains(why), "{said:?} is not {why:?}");
        }
        let twice = read(&[GOOD.to_owned(), GOOD.to_owned()]).expect_err("twice");
        assert!(twice.contains("this name"), "{twice}");
        let same = read(&[GOOD.to_owned(), GOOD.replace("\"shop\"", "\"corp\"")]);
        assert!(same.expect_err("same").contains("the same"));
    }
}
