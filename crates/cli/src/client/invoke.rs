//! Calling a function as the operator.

use super::Client;
use super::transport::Patience;
use crate::voice::Failure;
use model::{FunctionName, InvocationId};
use std::io::Read;
use ureq::SendBody;
use ureq::http::HeaderMap;

/// A call to make.
pub(crate) struct Call<'a> {
    /// The function.
    pub(crate) function: &'a FunctionName,
    /// The method that the function sees.
    pub(crate) method: &'a str,
    /// The path and query that it sees, beginning with `/`.
    pub(crate) path: &'a str,
    /// The headers that it sees.
    pub(crate) headers: &'a [(String, String)],
    /// The body that it sees, and its length where that is known.
    pub(crate) body: Option<(&'a mut dyn Read, Option<u64>)>,
    /// Whether it only has to be accepted, and runs later.
    pub(crate) later: bool,
}

/// What the function answered.
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// The headers, without the platform's.
    pub(crate) headers: Vec<(String, String)>,
    /// The invocation.
    pub(crate) invocation: Option<InvocationId>,
    /// The body.
    pub(crate) body: Box<dyn Read + Send>,
}

impl Client {
    /// Calls a function. A refusal by the platform is an error; any answer of the function is
    /// none, whatever its status.
    pub(crate) fn invoke(&self, call: Call<'_>) -> Result<Reply, Failure> {
        let path = self.scoped(&format!("functions/{}/invoke{}", call.function, call.path));
        let mut builder = self.request(call.method, &path);
        for (name, value) in call.headers {
            builder = builder.header(format!("guest-{name}"), value);
        }
        if call.later {
            builder = builder.header("prefer", "respond-async");
        }
        let answer = match call.body {
            Some((reader, length)) => {
                if let Some(length) = length {
                    builder = builder.header("content-length", length.to_string());
                }
                self.send(builder, SendBody::from_reader(reader), Patience::Endless)?
            }
            None => self.send(builder, (), Patience::Endless)?,
        };
        let headers = answer.response.headers();
        if headers.contains_key("casemate-problem")
            || is_refusal(answer.response.status().as_u16(), headers)
        {
            let invocation = text(headers, "casemate-invocation").and_then(|id| id.parse().ok());
            let failure = answer.refused();
            return Err(Failure { invocation: failure.invocation.or(invocation), ..failure });
        }
        Ok(Reply {
            status: answer.response.status().as_u16(),
            headers: guest_headers(headers),
            invocation: text(headers, "casemate-invocation").and_then(|id| id.parse().ok()),
            body: Box::new(answer.reader()),
        })
    }
}

/// Whether the admin API itself refused, before there was an invocation: an answer of a function
/// always carries its invocation's id.
fn is_refusal(status: u16, headers: &HeaderMap) -> bool {
    status >= 400 && text(headers, "casemate-invocation").is_none()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn guest_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let own = |name: &str| name.starts_with("casemate-") || name == "transfer-encoding";
    headers
        .iter()
        .filter(|(name, _)| !own(name.as_str()))
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}
