//! `[compat]`: being called as AWS Lambda.

use super::pick::Pick;
use super::resolve::{address, from_environment};
use super::{Options, SettingRow};
use model::{Code, Problem};
use serde::Deserialize;
use std::net::SocketAddr;

/// Where it listens, if nothing else is said.
const LISTEN: &str = "127.0.0.1:8090";
/// What is said to have none.
const OFF: &str = "off";
/// What stands for the public listener.
const OWN: &str = "own";
/// Where addresses of functions are then, without the port.
pub(crate) const LOCAL: &str = "http://localhost";

/// The section, as the file has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    listen: Option<String>,
    urls: Option<String>,
}

/// A listener for those who call this node as AWS Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compat {
    /// Where.
    pub(crate) listen: SocketAddr,
    /// Whether somebody said so. A node starts without one that nobody asked for and whose address
    /// another program has.
    pub(crate) wanted: bool,
    /// Where addresses of functions are, as scheme, domain and port; below `localhost` at the
    /// public listener if nobody said it.
    pub(crate) urls: Option<String>,
}

impl Compat {
    /// # Errors
    /// `E0603` if it is no address, `E0607` if it is not one of this machine's own.
    pub(super) fn pick(
        pick: &mut Pick,
        file: File,
        options: &Options,
    ) -> Result<Option<Self>, Problem> {
        let listen = pick.from(
            "compat.listen",
            LISTEN.to_owned(),
            file.listen,
            from_environment("CASEMATE_API"),
            options.api.clone().map(|api| ("--api", api)),
        );
        let wanted = pick.0.last().is_some_and(|row: &SettingRow| row.origin != "default");
        let urls = pick.of("compat.urls", OWN.to_owned(), file.urls);
        if listen == OFF {
            return Ok(None);
        }
        let listen = address("compat.listen", &listen)?;
        if !listen.ip().is_loopback() {
            let detail = format!(
                "`compat.listen` speaks plain HTTP, and {listen} is not a loopback address"
            );
            let hint = "listen on 127.0.0.1, and put a proxy with TLS before it that keeps `Host`";
            return Err(Problem::new(Code::Unsafe).detail(detail).hint(hint));
        }
        let urls = (urls != OWN).then(|| domain(urls)).transpose()?;
        Ok(Some(Self { listen, wanted, urls }))
    }
}

/// The domain below which addresses of functions are.
pub(crate) fn address_domain(compat: Option<&Compat>) -> String {
    let urls = compat.and_then(|compat| compat.urls.as_deref()).unwrap_or(LOCAL);
    let rest = urls.split_once("://").map_or(urls, |(_, rest)| rest);
    rest.split(':').next().unwrap_or(rest).to_owned()
}

/// A scheme, a domain, and perhaps a port.
fn domain(text: String) -> Result<String, Problem> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let sound = rest.is_some_and(|rest| {
        rest.bytes().all(|byte| letter(byte) || b".-:".contains(&byte))
            && rest.bytes().next().is_some_and(letter)
            && rest.bytes().last().is_some_and(letter)
    });
    if sound {
        return Ok(text);
    }
    let detail = format!("`compat.urls` is `{}`", text.escape_debug());
    let hint = "write scheme, domain and port, such as \"https://fn.example.com\"";
    Err(Problem::new(Code::BadConfig).detail(detail).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(file: &str, api: Option<&str>) -> Result<Option<Compat>, Code> {
        let file: File = toml::from_str(file).expect("keys that exist");
        let options = Options { api: api.map(str::to_owned), ..Options::default() };
        Compat::pick(&mut Pick(Vec::new()), file, &options).map_err(|problem| problem.code)
    }

    #[test]
    fn it_listens_where_it_is_told_to_and_nowhere_if_it_is_off() {
        let at = |port, wanted| {
            let listen = SocketAddr::from(([127, 0, 0, 1], port));
            Ok(Some(Compat { listen, wanted, urls: None }))
        };
        assert_eq!(picked("", None), at(8090, false));
        assert_eq!(picked("listen = \"127.0.0.1:1\"", None), at(1, true));
        assert_eq!(picked("listen = \"127.0.0.1:1\"", Some("localhost:2")), at(2, true));
        assert_eq!(picked("", Some("off")), Ok(None));
        assert_eq!(picked("listen = \"off\"", None), Ok(None));
    }

    #[test]
    fn addresses_are_below_a_domain() {
        for good in ["https://fn.example.com", "http://localhost:8080"] {
            let found = picked(&format!("urls = \"{good}\""), None);
            assert_eq!(found.map(|it| it.and_then(|it| it.urls)), Ok(Some(good.to_owned())));
        }
        let domain = |file: &str| address_domain(picked(file, None).expect("good").as_ref());
        assert_eq!(domain("urls = \"https://fn.example.com:8443\""), "fn.example.com");
        assert_eq!(
            (domain("").as_str(), address_domain(None).as_str()),
            ("localhost", "localhost")
        );
        for bad in ["", "fn.example.com", "https://", "https://a/b", "https://a.", "ftp://a"] {
            let found = picked(&format!("urls = \"{bad}\""), None);
            assert_eq!(found, Err(Code::BadConfig), "{bad}");
        }
    }

    #[test]
    fn it_listens_on_this_machine_only() {
        for open in ["0.0.0.0:8090", "[::]:8090", "192.0.2.1:8090"] {
            assert_eq!(picked("", Some(open)), Err(Code::Unsafe), "{open}");
        }
        assert_eq!(picked("", Some("on")), Err(Code::BadConfig));
        assert!(toml::from_str::<File>("listn = \"off\"").is_err());
    }
}
