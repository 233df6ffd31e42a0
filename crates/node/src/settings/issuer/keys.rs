//! Where the keys of an issuer are: in a file, or at an address.

use super::{Section, Wrong};
use http::Uri;
use ipnet::IpNet;
use model::unit::Duration;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// How long keys are used whose source does not answer, unless the section says otherwise.
const STALE: Duration = Duration::seconds(24 * 3600);
/// Longest such time: a key that an issuer took back has to end at some time.
const STALE_MAX: Duration = Duration::seconds(7 * 24 * 3600);
/// What an OpenID provider says about itself (OpenID Connect Discovery 1.0, section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keys {
    /// In a file, which is watched.
    File(PathBuf),
    /// At an address, which is asked.
    Fetched(Fetched),
}

/// Keys that are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// From where.
    pub(crate) place: Place,
    /// Networks that may be dialled for them although they are not the public internet.
    pub(crate) networks: Vec<IpNet>,
    /// How long they are used while their source does not answer.
    pub(crate) stale: std::time::Duration,
    /// Whether this machine may be asked in the clear.
    pub(crate) dev: bool,
}

/// What is asked first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The key set.
    Set(Uri),
    /// A document that names the key set.
    Discovery(Uri),
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Fetched(fetched) => fetched.place.fmt(f),
        }
    }
}

impl fmt::Display for Place {
    /// Without a query, which could hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Set(uri) | Self::Discovery(uri)) = self;
        let host = uri.authority().map_or("", http::uri::Authority::as_str);
        write!(f, "{}://{host}{}", uri.scheme_str().unwrap_or_default(), uri.path())
    }
}

/// Where the keys of a section are.
pub(super) fn check(section: &Section, directory: &Path, dev: bool) -> Result<Keys, Wrong> {
    let place = match (&section.keys, &section.keys_url, section.discover) {
        (Some(name), None, false) => return file(section, name, directory),
        (None, Some(url), false) => Place::Set(address(url, dev).map_err(|why| ("keys_url", why))?),
        (None, None, true) => {
            let url = format!("{}{WELL_KNOWN}", section.issuer.trim_end_matches('/'));
            Place::Discovery(address(&url, dev).map_err(|why| ("issuer", why))?)
        }
        _ => {
            let why = "say once where the keys are: `keys` names a file, `keys_url` the address \
                       of a key set, and `discover = true` asks the issuer where it is";
            return Err(("keys", why.to_owned()));
        }
    };
    let stale = section.keys_stale.unwrap_or(STALE);
    if stale > STALE_MAX {
        return Err(("keys_stale", format!("{stale} is too much: at most {STALE_MAX}")));
    }
    let networks = section.keys_networks.iter().map(|network| network.0).collect();
    Ok(Keys::Fetched(Fetched { place, networks, stale: stale.std(), dev }))
}

fn file(section: &Section, name: &str, directory: &Path) -> Result<Keys, Wrong> {
    if name.contains("://") {
        let why = "`keys` names a file; write an address as `keys_url`";
        return Err(("keys", why.to_owned()));
    }
    if name.trim().is_empty() {
        return Err(("keys", "it is empty; name the file of the public keys".to_owned()));
    }
    if !section.keys_networks.is_empty() || section.keys_stale.is_some() {
        let why = "`keys_networks` and `keys_stale` are for keys that are fetched";
        return Err(("keys", why.to_owned()));
    }
    Ok(Keys::File(directory.join(name)))
}

/// An address that keys may come from: over HTTPS, or with `dev` from this machine.
pub(crate) fn address(text: &str, dev: bool) -> Result<Uri, String> {
    let shown = text.escape_debug();
    let uri: Uri = text.parse().map_err(|_| format!("`{shown}` is no address"))?;
    let host = uri.host().unwrap_or_default();
    let four = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    let own = four || matches!(host, "localhost" | "[::1]");
    if text.contains(['#', '@']) || host.is_empty() {
        return Err(format!("`{shown}` is no plain address of a host and a path"));
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if dev && own => Ok(uri),
        _ => Err(format!(
            "`{shown}` does not begin with https://; who can change keys on their way can make tokens"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, dev: bool) -> Result<Keys, String> {
        let rest = "name = \"shop\"\nissuer = \"https://idp.example/realm/\"\naudience = [\"a\"]\n\
                    algorithms = [\"ES256\"]\n";
        let section = toml::from_str(&format!("{rest}{text}"));
        let section: Section = section.map_err(|error| error.to_string())?;
        check(&section, Path::new("/etc"), dev).map_err(|(key, why)| format!("{key}: {why}"))
    }

    #[test]
    fn keys_are_in_one_place() {
        let set = read("keys_url = \"https://idp.example/jwks?secret=1\"", false);
        assert_eq!(set.map(|keys| keys.to_string()), Ok("https://idp.example/jwks".to_owned()));
        let discovered = read("discover = true\nkeys_stale = \"1h\"", false).expect("good");
        let Keys::Fetched(fetched) = discovered else { panic!("a file") };
        let expected = "https://idp.example/realm/.well-known/openid-configuration";
        assert_eq!(fetched.place.to_string(), expected);
        assert_eq!(fetched.stale.as_secs(), 3600);
        let local = "keys_url = \"http://127.0.0.1:1/k\"\nkeys_networks = [\"10.0.0.0/8\"]";
        assert!(read(local, true).is_ok());
        for (text, dev, why) in [
            ("", true, "say once"),
            ("keys = \"a\"\ndiscover = true", true, "say once"),
            ("keys_url = \"https://a/\"\ndiscover = true", true, "say once"),
            (local, false, "https://"),
            ("keys_url = \"http://127.0.0.1.example/k\"", true, "https://"),
            ("keys_url = \"http://idp.example/k\"", true, "https://"),
            ("keys_url = \"http://127.0.0.1.example/k\"", false, "https://"),
            ("keys_url = \"ftp://a/\"", true, "https://"),
            ("keys_url = \"jwks.json\"", true, "https://"),
            ("keys_url = \"https://u:p@a/\"", true, "no plain address"),
            ("keys_url = \"https://a/#b\"", true, "no plain address"),
            ("keys_url = \"https://a/\"\nkeys_stale = \"8d\"", true, "too much"),
            ("keys = \"a\"\nkeys_stale = \"1h\"", true, "are fetched"),
            ("keys = \" \"", true, "it is empty"),
        ] {
            let said = read(text, dev).expect_err(text);
            assert!(said.contains(why), "{said:?} is not {why:?}");
        }
    }
}
