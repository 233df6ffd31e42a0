//! What the fuzzer and the tests call: an operator's policy files, and targets of outgoing
//! requests.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::target::{Method, Target, Url};
use crate::{Asker, Error, FunctionPolicies, HttpAsk, InvokeAsk, Policies};
use model::{Claims, FunctionName, FunctionRef, Grant, Scope, TokenName};
use std::sync::{Arc, OnceLock};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// Longest text of policies: Cedar reads a longer one no differently, only later.
const POLICY_BYTES_MAX: usize = 2048;

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

fn broken(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// An operator's policy file. A complaint names a place in the text; the same text is the same
/// version; a decision that is remembered is the decision; with a `forbid` behind it nobody may do
/// anything; and a grant permits at most what nothing forbids.
///
/// # Errors
/// The promise that was broken.
pub fn policies(bytes: &[u8]) -> Outcome {
    let bytes = &bytes[..bytes.len().min(POLICY_BYTES_MAX)];
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let file = |text: &str| vec![("op.cedar".to_owned(), text.to_owned())];
    let policies = match Policies::new(&file(text)) {
        Ok(policies) => policies,
        Err(Error::Syntax { place, .. } | Error::Schema { place, .. }) => {
            let line = text.split('\n').nth(place.line.wrapping_sub(1));
            let line = line.ok_or_else(|| format!("line {} is not there", place.line))?;
            return hold(
                (1..=line.chars().count() + 1).contains(&place.column),
                format_args!("{place} is not there"),
            );
        }
        Err(Error::Invariant { what }) => return Err(what),
        Err(_) => return Ok(()),
    };
    let again = Policies::new(&file(text)).map_err(broken)?;
    hold(again.version() == policies.version(), "the same text has two versions")?;
    let closed = format!("{text}\nforbid(principal, action, resource);");
    let closed = match Policies::new(&file(&closed)) {
        Ok(closed) => closed,
        // A policy calls itself by the number that the new one has.
        Err(Error::Twice { .. }) => return Ok(()),
        Err(error) => return Err(broken(error)),
    };
    hold(closed.version() != policies.version(), "two texts have one version")?;
    let function = hello("hello")?;
    let grants = [Grant::parse("token:ci", "invoke", "hello").map_err(broken)?];
    let bare = policies.for_function(&function, &[]).map_err(broken)?;
    let granted = policies.for_function(&function, &grants).map_err(broken)?;
    let closed = closed.for_function(&function, &grants).map_err(broken)?;
    let ci = TokenName::parse("ci").map_err(broken)?;
    for principal in [Asker::Anonymous, Asker::Operator, Asker::Token(&ci)] {
        let may = |policies: &FunctionPolicies| {
            let ask = InvokeAsk {
                principal,
                function: &function,
                source: Some(std::net::Ipv4Addr::LOCALHOST.into()),
                method: "GET",
                route: "/hello/{*rest}",
                trigger: "http",
                claims: Claims::NONE,
            };
            let decided = policies.decide_invoke(&ask);
            let same =
                decided == policies.evaluate(&ask) && decided == policies.decide_invoke(&ask);
            hold(same, "a decision that is remembered is another").map(|()| decided.is_ok())
        };
        hold(!may(&closed)?, "a permit beats a forbid")?;
        let (without, with) = (may(&bare)?, may(&granted)?);
        hold(with || !without, "a grant took something away")?;
        let is_its = matches!(principal, Asker::Token(_));
        hold(with == without || is_its, "a grant to one permits another")?;
    }
    Ok(())
}

fn hello(name: &str) -> Result<FunctionRef, String> {
    let name = FunctionName::parse(name).map_err(broken)?;
    Ok(FunctionRef { scope: Scope::default(), name })
}

/// Two lines: what a grant covers, and the URL that a guest asks for. A URL's normal form is its
/// own, and means nothing to a shell; what a target covers lies at its host, and below its path if
/// it ends in `*`, in whatever spelling; a target without one covers its own place and nothing
/// else; and the hint of a refusal, granted, permits exactly what was refused.
///
/// # Errors
/// The promise that was broken.
pub fn outbound(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let (target, url) = text.split_once('\n').unwrap_or((text, text));
    let read = Target::parse(target);
    if let Some(url) = Url::parse(url) {
        normal(&url)?;
        if let Some(target) = &read {
            covered(target, &url)?;
        }
    }
    if let Some((method, url)) = target.split_once(' ').filter(|_| read.is_some()) {
        let own = Url::parse(url.trim_end_matches('*')).ok_or("a target's URL is none")?;
        let method = if method == "*" { "GET" } else { method };
        hold(read.is_some_and(|it| it.covers(method, &own)), "a target does not cover itself")?;
    }
    hint(url)
}

fn normal(url: &Url) -> Outcome {
    let text = url.to_string();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/:@&+,;=()'[]".contains(&byte);
    hold(text.bytes().all(fits), format_args!("{text:?} means something to a shell"))?;
    hold(Url::parse(&text).as_ref() == Some(url), format_args!("{text:?} reads as another"))?;
    let lower = text.to_ascii_lowercase().replace("%2e", ".");
    let lower = lower.replace("%2f", "/").replace("%5c", "/").replace("%3b", ";");
    let path = lower.splitn(4, '/').nth(3).unwrap_or_default();
    let climbs = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    hold(!path.split('/').any(climbs), format_args!("{text:?} climbs"))
}

fn covered(target: &Target, url: &Url) -> Outcome {
    let text = url.to_string();
    let path = text.match_indices('/').nth(2).ok_or("a URL without a path")?.0;
    let (place, path) = text.split_at(path);
    let read = |text: &str| Url::parse(text).ok_or_else(|| format!("{text:?} is no URL"));
    let respelt = read(&format!("{}{path}?q#f", place.to_ascii_uppercase()))?;
    let deeper = read(&format!("{text}/x"))?;
    let elsewhere = read(&format!("{}://other.example{path}", &place[..place.len().min(4)]))?;
    for method in ["GET", "POST", "get", ""] {
        let covers = target.covers(method, url);
        let same = covers == target.covers(method, &respelt);
        hold(same, "the case of a host, or a query, matters")?;
        let deep = target.covers(method, &deeper);
        hold(!covers || deep || !target.whole_host(), "a whole host is not covered")?;
        let two = covers && target.covers(method, &elsewhere);
        hold(!two || text.contains("//other.example/"), "two hosts are covered")?;
    }
    Ok(())
}

/// What a refusal says to grant covers what was refused, and no other method or path.
fn hint(url: &str) -> Outcome {
    static NONE: OnceLock<Arc<Policies>> = OnceLock::new();
    let policies = match NONE.get() {
        Some(policies) => policies,
        None => NONE.get_or_init({
            let policies = Policies::new(&[]).map_err(broken)?;
            || policies
        }),
    };
    let function = hello("hello")?;
    let none = policies.for_function(&function, &[]).map_err(broken)?;
    let Err(denial) = none.decide_http(HttpAsk { method: "GET", url }) else {
        return Err("nothing granted it".into());
    };
    let Some(hint) = denial.hint else { return Ok(()) };
    let target = hint.strip_prefix("casemate grant function:hello http \"");
    let target = target.and_then(|rest| rest.strip_suffix('"')).ok_or("another command")?;
    hold(!target.contains(['"', '$', '`', '\\', '!', '*', '\n']), "a shell would expand it")?;
    let grant = Grant::parse("function:hello", "http", target).map_err(broken)?;
    let granted = policies.for_function(&function, &[grant]).map_err(broken)?;
    hold(granted.decide_http(HttpAsk { method: "GET", url }).is_ok(), "the hint does not help")?;
    hold(
        granted.decide_http(HttpAsk { method: "POST", url }).is_err(),
        "the hint permits another method",
    )?;
    let own = Method::parse("GET").zip(Url::parse(url)).ok_or("a hint for no URL")?.1;
    let beside = format!("{own}x");
    hold(
        granted.decide_http(HttpAsk { method: "GET", url: &beside }).is_err(),
        "the hint permits another path",
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn policies() {
        fuzzing::run("policies", 40, super::policies);
    }

    #[test]
    fn outbound() {
        fuzzing::run("outbound", 200, super::outbound);
    }
}
