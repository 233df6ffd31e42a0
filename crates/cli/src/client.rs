//! The admin API's client: one typed function per operation.
//!
//! Invariant: the only module that speaks HTTP. The operator's token goes to the node's own
//! address and nowhere else: no proxy, no redirect, no plain text beyond this machine.

mod access;
mod caps;
mod data;
mod deploy;
mod invoke;
mod keys;
mod operate;
mod query;
mod queue;
mod refusal;
mod schedules;
mod secrets;
mod sources;
mod transport;

pub(crate) use invoke::{Call, Reply};
pub(crate) use query::{LogFilter, RecordFilter};

use model::{Code, Problem, Scope, Secret};

/// The version that this command says it is.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A client of one node, for one tenant and environment.
pub(crate) struct Client {
    agent: ureq::Agent,
    /// The admin listener's URL, without a slash at the end.
    base: String,
    token: Secret<String>,
    scope: Scope,
}

impl Client {
    /// A client of the node at `url`. Nothing is sent yet.
    ///
    /// # Errors
    /// E0603 if the URL cannot be used, E0607 if the token would travel readable by others.
    pub(crate) fn new(url: &str, token: Secret<String>, scope: Scope) -> Result<Self, Problem> {
        let base = url.trim_end_matches('/').to_owned();
        check_url(&base)?;
        Ok(Self { agent: transport::agent(), base, token, scope })
    }

    /// The path of something in this client's tenant and environment.
    fn scoped(&self, rest: &str) -> String {
        format!("/v1/tenants/{}/environments/{}/{rest}", self.scope.tenant, self.scope.environment)
    }
}

fn check_url(url: &str) -> Result<(), Problem> {
    let bad = |why: &str| {
        Err(Problem::new(Code::BadConfig)
            .detail(format!("the node's URL `{url}` {why}"))
            .hint("set CASEMATE_URL to something like `http://127.0.0.1:8089`"))
    };
    let Ok(uri) = url.parse::<http::Uri>() else { return bad("is no URL") };
    if uri.scheme_str() != Some("http") {
        return bad("does not begin with `http://`, the only scheme understood so far");
    }
    if uri.path().len() > 1 || uri.query().is_some() {
        return bad("has a path, and none belongs there");
    }
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if !loopback {
        return Err(Problem::new(Code::Unsafe)
            .detail(format!("`{url}` is not on this machine, and plain HTTP would show the operator's token to everybody on the way"))
            .hint("forward the port, for example `ssh -L 8089:127.0.0.1:8089 HOST`, and use http://127.0.0.1:8089"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_this_machine_only() {
        let check = |url: &str| {
            Client::new(url, Secret::new(String::new()), Scope::default())
                .map(|_| ())
                .map_err(|problem| problem.code)
        };
        for good in [
            "http://127.0.0.1:8089",
            "http://127.0.0.1:8089/",
            "http://[::1]:1",
            "http://localhost:2",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, code) in [
            ("", Code::BadConfig),
            ("127.0.0.1:8089", Code::BadConfig),
            ("https://127.0.0.1", Code::BadConfig),
            ("http://127.0.0.1/admin", Code::BadConfig),
            ("http://example.com", Code::Unsafe),
            ("http://127.0.0.1.example.com", Code::Unsafe),
            ("http://127.0.0.1@example.com", Code::Unsafe),
            ("http://0.0.0.0:80", Code::Unsafe),
        ] {
            assert_eq!(check(bad), Err(code), "{bad}");
        }
    }
}
