//! `[[source]]`: where messages are pulled from.

mod folder;
mod nats;
mod redis;

use super::pick::SettingRow;
use ipnet::IpNet;
use model::{
    Code, Destination, EnvironmentName, Problem, Scope, SecretName, TenantName, TriggerName,
};
use serde::Deserialize;
use sources::{Begin, Kind, Shape};
use std::path::Path;

/// Longest name on the other side.
const NAME_BYTES_MAX: usize = 512;

/// A `[[source]]` section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    name: TriggerName,
    tenant: Option<TenantName>,
    environment: Option<EnvironmentName>,
    backlog: Option<u64>,
    redis: Option<redis::Section>,
    nats: Option<nats::Section>,
    folder: Option<folder::Section>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BeginWord {
    #[default]
    Start,
    New,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormWord {
    Data,
    Event,
    Path,
}

/// A source.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Whose it is.
    pub(crate) scope: Scope,
    /// Its name.
    pub(crate) name: TriggerName,
    /// What it is opened with.
    pub(crate) secret: Option<SecretName>,
    /// Messages that may wait or run here before it is pulled no more.
    pub(crate) backlog: Option<u64>,
    /// Networks that it may be in, beside the public internet.
    pub(crate) networks: Vec<IpNet>,
    /// What it is. A consumer without a name has that of the node.
    pub(crate) kind: Kind,
}

/// Checks the sections. Folders are named from the configuration file's directory. With `dev`, sources
/// may be on this machine.
pub(super) fn resolve(
    sections: Vec<Section>,
    directory: &Path,
    dev: bool,
    rows: &mut Vec<SettingRow>,
) -> Result<Vec<Source>, Problem> {
    let mut sources: Vec<Source> = Vec::with_capacity(sections.len());
    for section in sections {
        let name = section.name.clone();
        let bad = |why: String| {
            Problem::new(Code::BadConfig).detail(format!("[[source]] `{name}`: {why}"))
        };
        let source = section.check(directory, dev).map_err(bad)?;
        if sources.iter().any(|known| known.name == name && known.scope == source.scope) {
            return Err(bad("two sections have this name".to_owned()));
        }
        let value = match &source.kind {
            Kind::Redis(redis) => format!("redis {} stream {}", redis.at, redis.stream),
            Kind::Nats(nats) => format!("nats {} stream {}", nats.at, nats.stream),
            Kind::Folder(folder) => format!("folder {}", folder.path.display()),
        };
        rows.push(SettingRow { key: format!("source.{name}"), value, origin: "file".to_owned() });
        sources.push(source);
    }
    Ok(sources)
}

/// What a section says beside the kind: the secret's name, and the networks.
type Checked = (Kind, Option<SecretName>, Vec<IpNet>);

impl From<BeginWord> for Begin {
    fn from(word: BeginWord) -> Self {
        match word {
            BeginWord::Start => Self::Start,
            BeginWord::New => Self::New,
        }
    }
}

impl Section {
    fn check(self, directory: &Path, dev: bool) -> Result<Source, String> {
        let mut scope = Scope::default();
        scope.tenant = self.tenant.unwrap_or(scope.tenant);
        scope.environment = self.environment.unwrap_or(scope.environment);
        if self.backlog == Some(0) {
            return Err("`backlog` is at least 1".to_owned());
        }
        let (kind, secret, mut networks) = match (self.redis, self.nats, self.folder) {
            (Some(redis), None, None) => redis.check()?,
            (None, Some(nats), None) => nats.check()?,
            (None, None, Some(folder)) => (folder.check(directory)?, None, Vec::new()),
            _ => return Err("write one of `redis`, `nats` and `folder`".to_owned()),
        };
        if dev && networks.is_empty() {
            let own = ["127.0.0.0/8", "::1/128"];
            networks.extend(own.iter().filter_map(|text| text.parse::<IpNet>().ok()));
        }
        let (name, backlog) = (self.name, self.backlog);
        Ok(Source { scope, name, secret, backlog, networks, kind })
    }
}

/// What messages hold, of brokers.
fn message_shape(form: Option<FormWord>, kind: Option<String>) -> Result<Shape, String> {
    match form {
        Some(FormWord::Path) => Err("`form` is `data` or `event`".to_owned()),
        form => shape(form, kind, "application/json"),
    }
}

fn shape(form: Option<FormWord>, kind: Option<String>, default: &str) -> Result<Shape, String> {
    if form == Some(FormWord::Event) {
        return match kind {
            None => Ok(Shape::Event),
            Some(_) => Err("`type` is about data, and an event has its own".to_owned()),
        };
    }
    let kind = kind.unwrap_or_else(|| default.to_owned());
    let plain = kind.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if !plain || kind.len() > 200 || !kind.contains('/') {
        return Err("`type` is a media type, such as `application/json`".to_owned());
    }
    Ok(Shape::Data(kind))
}

/// Refuses names that are none on the other side.
fn names(names: &[(&str, Option<&String>)]) -> Result<(), String> {
    for (key, name) in names {
        if name.is_some_and(|name| name.is_empty() || name.len() > NAME_BYTES_MAX) {
            return Err(format!("`{key}` must be 1 to {NAME_BYTES_MAX} bytes"));
        }
    }
    Ok(())
}

/// What begins the address of a broker, without TLS and with it, and its port if nothing is said.
struct Scheme {
    plain: &'static str,
    secure: &'static str,
    port: u16,
}

impl Scheme {
    /// `SCHEME://HOST[:PORT]`, whether that is with TLS, and what is behind the next slash.
    fn read<'u>(&self, url: &'u str) -> Result<(Destination, bool, &'u str), String> {
        let Self { plain, secure, port } = self;
        let (tls, rest) = match url.split_once("://") {
            Some((word, rest)) if word == *plain => (false, rest),
            Some((word, rest)) if word == *secure => (true, rest),
            _ => {
                let why = format!("`url` begins with `{plain}://`, or with `{secure}://` for TLS");
                return Err(why);
            }
        };
        if rest.contains('@') {
            let why = "`url` has no user and no password in it: write `user`, and `secret` with the name of a secret";
            return Err(why.to_owned());
        }
        let (host, behind) = rest.split_once('/').unwrap_or((rest, ""));
        let bare = host.rsplit_once(':').is_none_or(|(_, port)| port.ends_with(']'));
        let at = match bare {
            true => Destination::parse(&format!("{host}:{port}")),
            false => Destination::parse(host),
        };
        Ok((at.map_err(|error| error.to_string())?, tls, behind))
    }
}

#[cfg(test)]
mod tests;
