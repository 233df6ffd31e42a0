//! Reads where a request goes.

use crate::fault::fail;
use crate::host::Host;
use http::Uri;
use model::Destination;
use ports::outbound::{Error, Failure};
use std::fmt;

/// One place that connections lead to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) secure: bool,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// A place that is dialled, and what it is called in the log.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) host: Host,
    pub(crate) port: u16,
    name: String,
}

impl Place {
    pub(crate) fn of(destination: &Destination) -> Self {
        let host = match destination.host() {
            model::destination::Host::Name(name) => Host::Name((**name).into()),
            model::destination::Host::Address(address) => Host::Address(*address),
        };
        Self { host, port: destination.port(), name: format!("tcp://{destination}") }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Target {
    /// The place that it is at.
    pub(crate) fn place(&self) -> Place {
        Place { host: self.host.clone(), port: self.port, name: self.to_string() }
    }

    /// Reads an absolute URI. Whatever two programs could read differently is refused.
    pub(crate) fn read(uri: &Uri) -> Result<Self, Error> {
        let wrong = |what: &str| fail(Failure::Request, format!("{}: {what}", shown(uri)));
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("neither `http` nor `https`")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("there is no host"))?.as_str();
        if authority.contains('@') {
            return Err(wrong("a user name in a URL is not sent; use a field of the request"));
        }
        let (host, port) = split(authority);
        let port = match port {
            None if secure => 443,
            None => 80,
            Some(digits) => read_port(digits).ok_or_else(|| wrong("not a port"))?,
        };
        let host = Host::parse(host).map_err(wrong)?;
        Ok(Self { secure, host, port })
    }
}

/// The host, brackets included, and what follows its colon.
fn split(authority: &str) -> (&str, Option<&str>) {
    let after = authority.rfind(']').map_or(0, |end| end + 1);
    match authority.get(after..).and_then(|rest| rest.find(':')) {
        Some(colon) => (&authority[..after + colon], authority.get(after + colon + 1..)),
        None => (authority, None),
    }
}

fn read_port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0)
}

/// A URI for the record: without its query, and without what could be a password.
fn shown(uri: &Uri) -> String {
    let host = uri
        .authority()
        .map_or("", |authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    format!("{}://{host}", uri.scheme_str().unwrap_or_default())
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Failure> {
        let uri: Uri = text.parse().map_err(|_| Failure::Request)?;
        Target::read(&uri).map(|target| target.to_string()).map_err(|error| error.failure)
    }

    #[test]
    fn places_are_read() {
        assert_eq!(read("http://Example.com/x?y"), Ok("http://example.com:80".to_owned()));
        assert_eq!(read("https://example.com."), Ok("https://example.com:443".to_owned()));
        assert_eq!(read("https://[::1]:8443/"), Ok("https://[::1]:8443".to_owned()));
        assert_eq!(read("http://192.0.2.1:81"), Ok("http://192.0.2.1:81".to_owned()));
    }

    #[test]
    fn what_programs_read_differently_is_refused() {
        let all = "ftp://a/ / a:1 * http://u@a/ http://u:p@a/ http://a:0/ http://a:65536/ \
            http://a:+80/ http://a:/ http://a:80:90/ http://[::1]x/ http://[::1]:x/ http://@a/ \
            http://a@b@c/ http://0x7f.1/ http://a%2eb/ http://127.1/ http://[::1%25lo]/ \
            http://2130706433/ http://a\\b/";
        for text in all.split(' ') {
            assert_eq!(read(text), Err(Failure::Request), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let uri: Uri = "http://me:secret@a/?token".parse().expect("a URI");
        let error = Target::read(&uri).expect_err("a user");
        assert!(!error.detail.contains("secret") && !error.detail.contains("token"), "{error}");
    }
}
