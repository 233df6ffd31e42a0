//! A request as variables of a process.
//!
//! Invariant: no header field becomes a variable that means something to programs: each name has its
//! contract's beginning, and those that programs take for their own are refused (CVE-2016-5385).

use crate::contract::server;
use http::{HeaderMap, Request};
use model::manifest::Contract;
use ports::executor::Manner;
use std::collections::BTreeMap;

/// What programs take for their own, however it is written, although it begins like a header field.
const DANGEROUS: [&str; 2] = ["http_proxy", "http_proxies"];

/// How one contract writes a request.
struct Table<'a> {
    /// What stands before the names of header fields.
    field: &'static str,
    /// How the rest of a name is written.
    write: fn(&str) -> String,
    /// Between values of one field.
    between: &'static str,
    own: Vec<(&'static str, &'a str)>,
}

/// The variables of one request, or of an event, which is a POST of nothing but its body.
pub(crate) fn variables<B>(
    contract: Contract,
    request: &Request<B>,
    manner: Manner,
    id: &str,
) -> Vec<(String, String)> {
    let mut headers = request.headers().clone();
    server::strip(&mut headers, manner);
    let said = Said::of(request, manner, &headers);
    let table = match contract {
        Contract::Ironfunctions => said.iron(id),
        Contract::OpenfaasClassic => said.openfaas(id),
        Contract::Cgi => said.cgi(),
        _ => return Vec::new(),
    };
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &headers {
        // Two names of fields can be one name of a variable, and then nobody knows which is meant.
        let plain = name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let (true, Ok(value)) = (plain, value.to_str()) else { continue };
        let variable = format!("{}{}", table.field, (table.write)(name.as_str()));
        let known = all.entry(variable).or_default();
        let between = if known.is_empty() { "" } else { table.between };
        *known = format!("{known}{between}{value}");
    }
    // What the platform says comes after what a caller says.
    all.extend(table.own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let is_dangerous = |name: &str| DANGEROUS.iter().any(|it| name.eq_ignore_ascii_case(it));
    let fits = |(name, value): &(String, String)| !is_dangerous(name) && !value.contains('\0');
    all.into_iter().filter(fits).collect()
}

/// What is known of a request.
struct Said<'a> {
    method: &'a str,
    uri: String,
    path: String,
    query: &'a str,
    host: String,
    port: String,
    client: String,
    kind: &'a str,
    length: &'a str,
}

impl<'a> Said<'a> {
    fn of<B>(request: &'a Request<B>, manner: Manner, headers: &'a HeaderMap) -> Self {
        let uri = request.uri();
        let authority = uri.authority().map(|authority| authority.as_str().to_owned());
        let named = || headers.get("host").and_then(|host| host.to_str().ok()).map(str::to_owned);
        let whole = authority.or_else(named).unwrap_or_else(|| "localhost".to_owned());
        let (host, port) = match whole.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host.to_owned(), port.to_owned())
            }
            _ => (whole, "80".to_owned()),
        };
        let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let client = field("x-forwarded-for").and_then(|all| all.split(',').next());
        let (method, path, query) = match manner {
            Manner::Request => (request.method().as_str(), uri.path(), uri.query()),
            Manner::Event => ("POST", "/", None),
        };
        Self {
            method,
            uri: uri.to_string(),
            path: path.to_owned(),
            query: query.unwrap_or_default(),
            host,
            port,
            client: client.unwrap_or("127.0.0.1").trim().to_owned(),
            kind: field("content-type").unwrap_or_default(),
            length: field("content-length").unwrap_or_default(),
        }
    }

    /// IronFunctions' default format.
    fn iron(&self, id: &'a str) -> Table<'_> {
        let own = vec![
            ("FORMAT", "default"),
            ("CALL_ID", id),
            ("METHOD", self.method),
            ("ROUTE", self.path.as_str()),
            ("REQUEST_URL", self.uri.as_str()),
        ];
        Table { field: "HEADER_", write: upper, between: " ", own }
    }

    /// OpenFaaS' classic watchdog.
    fn openfaas(&self, id: &'a str) -> Table<'_> {
        let path = server::without_function(&self.path).unwrap_or(&self.path);
        let mut own = vec![
            ("Http_Method", self.method),
            ("Http_Query", self.query),
            ("Http_Path", path),
            ("Http_Host", self.host.as_str()),
            ("Http_X_Call_Id", id),
        ];
        if !self.length.is_empty() {
            own.push(("Http_ContentLength", self.length));
        }
        Table { field: "Http_", write: canonical, between: ", ", own }
    }

    /// RFC 3875, section 4.1.
    fn cgi(&self) -> Table<'_> {
        let mut own = vec![
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SERVER_SOFTWARE", "casemate"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("SERVER_NAME", self.host.as_str()),
            ("SERVER_PORT", self.port.as_str()),
            ("REMOTE_ADDR", self.client.as_str()),
            ("REQUEST_METHOD", self.method),
            ("REQUEST_URI", self.uri.as_str()),
            ("SCRIPT_NAME", ""),
            ("PATH_INFO", self.path.as_str()),
            ("QUERY_STRING", self.query),
        ];
        for (name, value) in [("CONTENT_TYPE", self.kind), ("CONTENT_LENGTH", self.length)] {
            if !value.is_empty() {
                own.push((name, value));
            }
        }
        Table { field: "HTTP_", write: upper, between: ", ", own }
    }
}

/// `content-type` as `CONTENT_TYPE`.
fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// `content-type` as `Content_Type`.
fn canonical(name: &str) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    name.split('-').map(part).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Contract; 3] = [Contract::Ironfunctions, Contract::OpenfaasClassic, Contract::Cgi];

    fn of(contract: Contract, request: http::request::Builder) -> BTreeMap<String, String> {
        let request = request.body(()).expect("a request");
        variables(contract, &request, Manner::Request, "0199").into_iter().collect()
    }

    fn request() -> http::request::Builder {
        Request::put("http://shop.example:8080/function/f/a?b=c")
            .header("content-type", "text/plain")
            .header("content-length", "3")
            .header("x-two", "1")
            .header("x-two", "2")
    }

    #[test]
    fn each_contract_writes_a_request_in_its_own_way() {
        let iron = of(Contract::Ironfunctions, request());
        assert_eq!((iron["METHOD"].as_str(), iron["ROUTE"].as_str()), ("PUT", "/function/f/a"));
        assert_eq!(iron["REQUEST_URL"], "http://shop.example:8080/function/f/a?b=c");
        assert_eq!((iron["HEADER_X_TWO"].as_str(), iron["CALL_ID"].as_str()), ("1 2", "0199"));
        let openfaas = of(Contract::OpenfaasClassic, request());
        assert_eq!(
            (openfaas["Http_Path"].as_str(), openfaas["Http_Query"].as_str()),
            ("/a", "b=c")
        );
        assert_eq!(openfaas["Http_Content_Type"], "text/plain");
        assert_eq!(openfaas["Http_ContentLength"], "3");
        let cgi = of(Contract::Cgi, request());
        assert_eq!(
            (cgi["SERVER_NAME"].as_str(), cgi["SERVER_PORT"].as_str()),
            ("shop.example", "8080")
        );
        assert_eq!((cgi["CONTENT_LENGTH"].as_str(), cgi["HTTP_X_TWO"].as_str()), ("3", "1, 2"));
        assert_eq!(
            (cgi["PATH_INFO"].as_str(), cgi["QUERY_STRING"].as_str()),
            ("/function/f/a", "b=c")
        );
    }

    #[test]
    fn no_field_becomes_a_variable_that_programs_take_for_their_own() {
        for contract in ALL {
            let request = request()
                .header("proxy", "http://evil.example")
                .header("casemate_caller", "forged")
                .header("fn-call-id", "forged")
                .header("x_two", "forged")
                .header("a!b", "forged")
                .header("method", "forged")
                .header("x-call-id", "0199");
            let found = of(contract, request);
            assert!(found.keys().all(|name| !name.eq_ignore_ascii_case("http_proxy")), "{found:?}");
            let forged = found.iter().filter(|(_, value)| value.as_str() == "forged");
            let forged: Vec<_> = forged.map(|(name, _)| name.as_str()).collect();
            let expected: &[&str] = match contract {
                Contract::Ironfunctions => &["HEADER_METHOD"],
                Contract::Cgi => &["HTTP_METHOD"],
                // The platform's word is the one that counts.
                _ => &[],
            };
            assert_eq!(forged, expected);
        }
    }

    proptest! {
        #[test]
        fn whatever_a_field_is_called_its_variable_is_a_name_of_the_contracts(
            name in "[a-zA-Z0-9!#$%&'*+.^_|~-]{1,12}",
            value in "[ -~]{0,12}",
        ) {
            for contract in ALL {
                let plain = of(contract, Request::get("http://a/"));
                let with = of(contract, Request::get("http://a/").header(name.as_str(), value.as_str()));
                for (variable, value) in &with {
                    let known = plain.contains_key(variable) || ["CONTENT_TYPE", "CONTENT_LENGTH", "Http_ContentLength"].contains(&variable.as_str());
                    let begins = ["HEADER_", "Http_", "HTTP_"].iter().any(|it| variable.starts_with(it));
                    prop_assert!(known || begins, "{}", variable);
                    prop_assert!(variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
                    prop_assert!(!variable.eq_ignore_ascii_case("http_proxy") && !value.contains('\0'));
                }
            }
        }
    }
}
