//! `[[source]]`: where messages are pulled from.

use super::network::Network;
use super::pick::SettingRow;
use ipnet::IpNet;
use model::unit::Duration;
use model::{
    Code, Destination, EnvironmentName, Problem, Scope, SecretName, TenantName, TriggerName,
};
use serde::Deserialize;
use sources::{Begin, FileShape, Folder, Kind, Redis, Shape};
use std::path::{Path, PathBuf};

/// The port that Redis listens on if nothing else is said.
const REDIS_PORT: u16 = 6379;
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
    redis: Option<RedisSection>,
    folder: Option<FolderSection>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RedisSection {
    url: String,
    stream: String,
    #[serde(default = "group")]
    group: String,
    consumer: Option<String>,
    user: Option<String>,
    secret: Option<SecretName>,
    #[serde(default)]
    networks: Vec<Network>,
    #[serde(default)]
    begin: BeginWord,
    #[serde(default = "claim_after")]
    claim_after: Duration,
    field: Option<String>,
    form: Option<FormWord>,
    #[serde(rename = "type")]
    kind: Option<String>,
    key: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderSection {
    path: PathBuf,
    #[serde(default = "stable")]
    stable: Duration,
    form: Option<FormWord>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default = "keep")]
    keep: bool,
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

fn group() -> String {
    "casemate".to_owned()
}

const fn claim_after() -> Duration {
    Duration::seconds(300)
}

const fn stable() -> Duration {
    Duration::seconds(2)
}

const fn keep() -> bool {
    true
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
            Kind::Folder(folder) => format!("folder {}", folder.path.display()),
        };
        rows.push(SettingRow { key: format!("source.{name}"), value, origin: "file".to_owned() });
        sources.push(source);
    }
    Ok(sources)
}

impl Section {
    fn check(self, directory: &Path, dev: bool) -> Result<Source, String> {
        let mut scope = Scope::default();
        scope.tenant = self.tenant.unwrap_or(scope.tenant);
        scope.environment = self.environment.unwrap_or(scope.environment);
        if self.backlog == Some(0) {
            return Err("`backlog` is at least 1".to_owned());
        }
        let (kind, secret, mut networks) = match (self.redis, self.folder) {
            (Some(redis), None) => redis.check()?,
            (None, Some(folder)) => (folder.check(directory)?, None, Vec::new()),
            _ => return Err("write either `redis` or `folder`".to_owned()),
        };
        if dev && networks.is_empty() {
            let own = ["127.0.0.0/8", "::1/128"];
            networks.extend(own.iter().filter_map(|text| text.parse::<IpNet>().ok()));
        }
        let (name, backlog) = (self.name, self.backlog);
        Ok(Source { scope, name, secret, backlog, networks, kind })
    }
}

impl RedisSection {
    fn check(self) -> Result<(Kind, Option<SecretName>, Vec<IpNet>), String> {
        let (at, secure, database) = address(&self.url)?;
        let names = [
            ("stream", Some(&self.stream)),
            ("group", Some(&self.group)),
            ("consumer", self.consumer.as_ref()),
            ("user", self.user.as_ref()),
            ("field", self.field.as_ref()),
            ("key", self.key.as_ref()),
        ];
        for (key, name) in names {
            if name.is_some_and(|name| name.is_empty() || name.len() > NAME_BYTES_MAX) {
                return Err(format!("`{key}` must be 1 to {NAME_BYTES_MAX} bytes"));
            }
        }
        if self.user.is_some() && self.secret.is_none() {
            return Err("`user` goes with `secret`, the name of a secret with the password".into());
        }
        if self.claim_after < Duration::seconds(1) {
            return Err("`claim_after` is at least 1s".to_owned());
        }
        if self.field.is_none() && (self.form.is_some() || self.kind.is_some()) {
            return Err("`form` and `type` are about a `field`: without one, the data is a JSON object of all fields".into());
        }
        let shape = match self.form {
            Some(FormWord::Path) => return Err("`form` is `data` or `event`".to_owned()),
            form => shape(form, self.kind, "application/json")?,
        };
        let redis = Redis {
            at,
            secure,
            database,
            user: self.user,
            stream: self.stream,
            group: self.group,
            consumer: self.consumer.unwrap_or_default(),
            begin: match self.begin {
                BeginWord::Start => Begin::Start,
                BeginWord::New => Begin::New,
            },
            claim_after: self.claim_after.std(),
            field: self.field,
            shape,
            key: self.key,
        };
        let networks = self.networks.iter().map(|network| network.0).collect();
        Ok((Kind::Redis(redis), self.secret, networks))
    }
}

impl FolderSection {
    fn check(self, directory: &Path) -> Result<Kind, String> {
        if self.path.as_os_str().is_empty() {
            return Err("`path` names the folder".to_owned());
        }
        if self.stable > Duration::seconds(24 * 60 * 60) {
            return Err("`stable` is at most 1d".to_owned());
        }
        let shape = match self.form {
            Some(FormWord::Path) if self.kind.is_some() => {
                return Err("`type` is about the data, and `path` has its own".to_owned());
            }
            Some(FormWord::Path) if !self.keep => {
                return Err("a file whose path is told must be kept".to_owned());
            }
            Some(FormWord::Path) => FileShape::Path,
            form => FileShape::Whole(shape(form, self.kind, "application/octet-stream")?),
        };
        let (path, keep) = (directory.join(self.path), self.keep);
        Ok(Kind::Folder(Folder { path, stable: self.stable.std(), shape, keep }))
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

/// `redis://HOST[:PORT][/DATABASE]`, or `rediss://` with TLS.
fn address(url: &str) -> Result<(Destination, bool, u32), String> {
    let (secure, rest) = match url.split_once("://") {
        Some(("redis", rest)) => (false, rest),
        Some(("rediss", rest)) => (true, rest),
        _ => return Err("`url` begins with `redis://`, or with `rediss://` for TLS".to_owned()),
    };
    if rest.contains('@') {
        let why = "`url` has no user and no password in it: write `user`, and `secret` with the name of a secret";
        return Err(why.to_owned());
    }
    let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
    let bare = host.rsplit_once(':').is_none_or(|(_, port)| port.ends_with(']'));
    let at = match bare {
        true => Destination::parse(&format!("{host}:{REDIS_PORT}")),
        false => Destination::parse(host),
    };
    let database = match database {
        "" => 0,
        digits => digits.parse().map_err(|_| "`url` ends with a database's number".to_owned())?,
    };
    Ok((at.map_err(|error| error.to_string())?, secure, database))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Source>, String> {
        #[derive(Deserialize)]
        struct File {
            source: Vec<Section>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        resolve(file.source, Path::new("/etc/casemate"), false, &mut rows)
            .map_err(|problem| problem.to_string())
    }

    fn redis(lines: &str) -> String {
        format!("[[source]]\nname = \"a\"\n[source.redis]\n{lines}\n")
    }

    fn folder(lines: &str) -> String {
        format!("[[source]]\nname = \"a\"\n[source.folder]\n{lines}\n")
    }

    #[test]
    fn sources_have_safe_defaults() {
        let text = redis("url = \"redis://broker\"\nstream = \"orders\"");
        let found = read(&text).expect("a source");
        let Kind::Redis(config) = &found[0].kind else { panic!("not redis") };
        assert_eq!(
            (config.at.to_string().as_str(), config.group.as_str()),
            ("broker:6379", "casemate")
        );
        assert_eq!((config.secure, config.database, config.begin), (false, 0, Begin::Start));
        assert!(found[0].networks.is_empty() && found[0].secret.is_none());
        let found = read(&folder("path = \"inbox\"")).expect("a source");
        let Kind::Folder(config) = &found[0].kind else { panic!("not a folder") };
        assert_eq!((config.path.to_str(), config.keep), (Some("/etc/casemate/inbox"), true));
        let text = redis(
            "url = \"rediss://[2001:db8::7]:7000/3\"\nstream = \"s\"\nnetworks = [\"10.0.0.0/8\"]",
        );
        let found = read(&text).expect("a source");
        let Kind::Redis(config) = &found[0].kind else { panic!("not redis") };
        assert_eq!(config.at.to_string(), "[2001:db8::7]:7000");
        assert_eq!((config.secure, config.database, found[0].networks.len()), (true, 3, 1));
    }

    #[test]
    fn what_would_be_unsafe_or_cannot_work_is_refused_and_says_why() {
        let with = |more: &str| redis(&format!("url = \"redis://b\"\nstream = \"s\"\n{more}"));
        for (text, why) in [
            (redis("url = \"redis://me:pw@b\"\nstream = \"s\""), "no password in it"),
            (redis("url = \"http://b\"\nstream = \"s\""), "begins with"),
            (redis("url = \"redis://b/x\"\nstream = \"s\""), "database's number"),
            (redis("url = \"redis://b:0\"\nstream = \"s\""), "port"),
            (redis("url = \"redis://b\"\nstream = \"\""), "`stream` must be"),
            (with("user = \"u\""), "goes with `secret`"),
            (with("password = \"x\""), "unknown field"),
            (with("claim_after = \"10ms\""), "at least 1s"),
            (with("form = \"event\""), "are about a `field`"),
            (with("field = \"f\"\nform = \"path\""), "`data` or `event`"),
            (with("field = \"f\"\ntype = \"json\""), "media type"),
            (with("field = \"f\"\nform = \"event\"\ntype = \"a/b\""), "has its own"),
            (folder("path = \"\""), "names the folder"),
            (folder("path = \"a\"\nform = \"path\"\nkeep = false"), "must be kept"),
            (folder("path = \"a\"\nstable = \"2d\""), "at most 1d"),
            ("[[source]]\nname = \"a\"\n".to_owned(), "either"),
            (format!("{}{}", folder("path = \"a\""), folder("path = \"b\"")), "this name"),
            (folder("path = \"a\"").replace("[source.", "backlog = 0\n[source."), "at least 1"),
        ] {
            let said = read(&text).expect_err(&text);
            assert!(said.contains(why), "{said:?} is not {why:?}");
        }
    }
}
