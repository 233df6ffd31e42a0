//! `casemate invoke`: calls a function as the operator.

mod body;
mod print;

use crate::client::{Call, Reply};
use crate::context::Context;
use clap::Args;
use model::FunctionName;
use model::api::Accepted;
use std::io::Read;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  casemate invoke hello --path /hello/world
  casemate invoke words --data 'to be or not to be'
  casemate invoke words --data @speech.txt -H 'content-type: text/plain'
  generate | casemate invoke words --data - > counts.json
  casemate invoke report --async --data @month.csv
  casemate invoke orders --method DELETE --path '/orders/7?force=true' -i

Exit codes: 0 if the function answered with a status below 400, 1 otherwise, 2 if denied.";

/// Call a function and print its answer
///
/// Goes through the admin API, so no token and no route is needed: the function sees the method,
/// path, headers and body that you give. The call is limited and recorded like any other.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Invoke {
    /// The function
    #[arg(value_name = "NAME")]
    name: FunctionName,
    /// The method [default: GET, or POST with --data]
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = method)]
    method: Option<String>,
    /// The path and query that the function sees
    #[arg(short, long, value_name = "PATH", default_value = "/", value_parser = path)]
    path: String,
    /// The body: text, `@FILE`, or `-` for standard input
    #[arg(short, long, value_name = "STR|@FILE|-")]
    data: Option<String>,
    /// A header, such as 'content-type: text/plain'; may be given more than once
    #[arg(short = 'H', long = "header", value_name = "K: V", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Leave the call to be done later, and print its id: `casemate record ID` says how it ended
    #[arg(long = "async")]
    later: bool,
    /// Print status and headers to standard error
    #[arg(short, long)]
    include: bool,
}

impl Invoke {
    /// Calls the function; the exit code says how it answered.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let client = context.client()?;
        let mut body = self.data.as_deref().map(body::open).transpose()?;
        let method = self.method.as_deref().unwrap_or(if body.is_some() { "POST" } else { "GET" });
        let call = Call {
            function: &self.name,
            method,
            path: &self.path,
            headers: &self.headers,
            later: self.later,
            body: body.as_mut().map(|(reader, length)| (reader as &mut dyn Read, *length)),
        };
        let reply = client.invoke(call)?;
        if self.later {
            return self.accepted(context, &reply);
        }
        let status = reply.status;
        self.print(context, reply)?;
        Ok(if status < 400 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Only the id: it is what a script wants to have.
    fn accepted(&self, context: &Context, reply: &Reply) -> anyhow::Result<ExitCode> {
        let Some(invocation) = reply.invocation.filter(|_| reply.status == 202) else {
            anyhow::bail!("the node answered {} instead of accepting the call", reply.status);
        };
        if context.voice.is_json() {
            context.voice.item(&Accepted { invocation })?;
        } else {
            context.voice.line(invocation)?;
            context.voice.hint(format_args!("casemate record {invocation}"));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, context: &Context, reply: Reply) -> anyhow::Result<()> {
        if context.voice.is_json() {
            return print::document(&context.voice, reply);
        }
        if self.include || !(200..300).contains(&reply.status) {
            print::head(&context.voice, &reply, self.include);
        }
        print::body(reply)
    }
}

fn method(text: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(token) {
        return Err("write a method such as GET or POST".to_owned());
    }
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<String, String> {
    let path = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
    let fits = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !fits || path.parse::<http::uri::PathAndQuery>().is_err() {
        return Err("write a path as it stands in a URL, such as `/orders/7?full=yes`, with other characters percent-encoded".to_owned());
    }
    Ok(path)
}

fn header(text: &str) -> Result<(String, String), String> {
    let form = || "write it like `content-type: text/plain`".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(form)?;
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
    let name_ok = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !name_ok || http::HeaderValue::from_str(&value).is_err() {
        return Err(form());
    }
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_would_break_the_request_are_refused() {
        assert_eq!(path("a?b=c"), Ok("/a?b=c".to_owned()));
        for bad in ["/a b", "/a\r\nx: y", "/é", "/a#b"] {
            assert!(path(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            header("Content-Type:text/plain"),
            Ok(("content-type".into(), "text/plain".into()))
        );
        for bad in ["", "x", ": y", "x y: z", "x: a\r\nb: c"] {
            assert!(header(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "GET /", "GÉT"] {
            assert!(method(bad).is_err(), "{bad:?}");
        }
    }
}
