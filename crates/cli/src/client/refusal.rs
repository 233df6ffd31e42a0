//! What went wrong between this command and a node, in words that help.

use super::VERSION;
use crate::voice::Failure;
use model::problem::Body;
use model::{Code, Problem};
use serde::Deserialize;
use std::error::Error;
use std::io;
use ureq::http::HeaderMap;

/// A problem document as the admin API sends it: with the reason.
#[derive(Deserialize)]
struct Document {
    #[serde(flatten)]
    body: Body,
    #[serde(default)]
    reason: Option<String>,
}

/// The version that the other side says it is.
pub(super) fn version(headers: &HeaderMap) -> Option<String> {
    headers.get("casemate-version")?.to_str().ok().map(str::to_owned)
}

/// Refuses an answer that does not come from a Casemate.
pub(super) fn check_casemate(base: &str, asked: &str, headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key("casemate-version") {
        return Ok(());
    }
    Err(Problem::new(Code::VersionSkew)
        .detail(format!(
            "what answers at {base} does not say that it is a Casemate: another program, or one older than `{asked}`"
        ))
        .hint(format!("check CASEMATE_URL and `--admin`; this is casemate {VERSION}")))
}

/// Nobody answered.
pub(super) fn unreachable(base: &str, error: &ureq::Error) -> Problem {
    let why = match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "refuses the connection".to_owned()
        }
        ureq::Error::Timeout(_) => "did not answer in time".to_owned(),
        ureq::Error::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ) =>
        {
            "ended the connection before it took the whole request".to_owned()
        }
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "ended the connection before it answered".to_owned()
        }
        other => format!("cannot be reached: {other}"),
    };
    Problem::new(Code::NotRunning).detail(format!("{base} {why}")).hint("casemate up")
}

/// The answer ended before its end.
pub(super) fn cut(asked: &str, error: &ureq::Error) -> Problem {
    Problem::new(Code::NotRunning)
        .detail(format!("the answer to `{asked}` was cut off"))
        .internal(error)
        .hint("see whether the node still runs, then try again")
}

/// The request cannot be written down.
pub(super) fn unusable(asked: &str, error: &dyn Error) -> Problem {
    Problem::new(Code::BadRequest)
        .detail(format!("`{asked}` cannot be sent: {error}"))
        .hint("look at the path and the headers that you gave")
}

/// The answer is none that this version knows.
pub(super) fn unreadable(asked: &str, version: Option<&str>, error: &serde_json::Error) -> Problem {
    let node = version.unwrap_or("unknown");
    Problem::new(Code::VersionSkew)
        .detail(format!(
            "the node is {node}, this command is {VERSION}, and it cannot read the answer to `{asked}`"
        ))
        .internal(error)
        .hint(older_side(node))
}

/// The node refused.
pub(super) fn refused(asked: &str, status: u16, version: Option<&str>, bytes: &[u8]) -> Failure {
    let Ok(document) = serde_json::from_slice::<Document>(bytes) else {
        return strange(asked, status, version).into();
    };
    let Some(code) = Code::parse(&document.body.code) else {
        return unknown_code(&document, version).into();
    };
    let problem = Problem {
        code,
        detail: document.body.detail,
        internal: document.reason,
        hint: document.body.hint,
        pointer: None,
    };
    Failure { problem: skew(problem, asked, version), invocation: document.body.invocation }
}

/// Says what the other side misses, where versions differ.
fn skew(problem: Problem, asked: &str, version: Option<&str>) -> Problem {
    match version {
        Some(node) if node != VERSION && unknown_word(&problem).is_some() => {
            let word = unknown_word(&problem).unwrap_or_default();
            let said = problem.detail.clone().unwrap_or_default();
            Problem::new(Code::VersionSkew)
                .detail(format!(
                    "the node is {node}, this command is {VERSION}, and the node does not know `{word}` in `{asked}`"
                ))
                .internal(said)
                .hint(format!("{}, or do without `{word}`", older_side(node)))
        }
        Some(node) if problem.code == Code::VersionSkew && node != VERSION => problem
            .detail(format!(
                "the node is {node}, this command is {VERSION}, and the node does not know `{asked}`"
            ))
            .hint(older_side(node)),
        _ => problem,
    }
}

/// The key or value of a request that the node has never heard of, as serde says it.
fn unknown_word(problem: &Problem) -> Option<&str> {
    let detail = problem.detail.as_deref().filter(|_| problem.code == Code::BadRequest)?;
    let rest = ["unknown field `", "unknown variant `"]
        .iter()
        .find_map(|mark| detail.split_once(mark).map(|(_, rest)| rest))?;
    rest.split('`').next()
}

fn strange(asked: &str, status: u16, version: Option<&str>) -> Problem {
    let node = version.unwrap_or("unknown");
    if matches!(status, 404 | 405) && node != VERSION {
        return skew(Problem::new(Code::VersionSkew), asked, version);
    }
    Problem::new(Code::VersionSkew)
        .detail(format!("the node ({node}) answered `{asked}` with HTTP {status} and no reason"))
        .hint("the node's log may have the reason")
}

fn unknown_code(document: &Document, version: Option<&str>) -> Problem {
    let body = &document.body;
    let detail = body.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
    let problem = Problem::new(Code::VersionSkew)
        .detail(format!(
            "the node ({}) answered {}, which this command ({VERSION}) does not know: {}{detail}",
            version.unwrap_or("unknown"),
            body.code,
            body.title
        ))
        .hint(body.hint.as_deref().unwrap_or("use the node's version of `casemate` here"));
    Problem { internal: document.reason.clone(), ..problem }
}

/// Which side to bring up to date. Versions that cannot be compared give the neutral advice.
fn older_side(node: &str) -> String {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        text.split(['-', '+']).next()?.split('.').map(|part| part.parse().ok()).collect()
    };
    match (numbers(node), numbers(VERSION)) {
        (Some(theirs), Some(ours)) if theirs < ours => {
            format!("the node is the older one: restart it with casemate {VERSION}")
        }
        (Some(theirs), Some(ours)) if theirs > ours => {
            format!("this command is the older one: use casemate {node}")
        }
        _ => "use the same version of `casemate` on both sides".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_the_older_side() {
        assert!(older_side("0.0.9").contains("the node is the older"));
        assert!(older_side("99.0.0-rc.1").contains("this command is the older"));
        assert!(older_side(VERSION).contains("same version"));
        assert!(older_side("nightly").contains("same version"));
    }

    #[test]
    fn refusals_never_lose_what_the_node_said() {
        let body = r#"{"type":"x","title":"t","status":409,"code":"E0107","detail":"`a` and `b`","hint":"h","reason":"r"}"#;
        let failure = refused("PUT /x", 409, Some("1.0.0"), body.as_bytes());
        assert_eq!(failure.problem.code, Code::RouteClash);
        assert_eq!(failure.problem.detail.as_deref(), Some("`a` and `b`"));
        assert_eq!(failure.problem.internal.as_deref(), Some("r"));
        assert_eq!(failure.problem.hint.as_deref(), Some("h"));
        let newer = body.replace("E0107", "E9901");
        let failure = refused("PUT /x", 409, Some("9.0.0"), newer.as_bytes());
        assert_eq!(failure.problem.code, Code::VersionSkew);
        assert!(failure.problem.detail.is_some_and(|text| text.contains("E9901")));
        let field = r#"{"type":"x","title":"t","status":400,"code":"E0607","detail":"the body: unknown field `wasi`, expected"}"#;
        let field = field.replace("E0607", Code::BadRequest.text());
        let older = refused("PUT /x", 400, Some("0.0.1"), field.as_bytes()).problem;
        assert_eq!(older.code, Code::VersionSkew);
        assert!(older.detail.is_some_and(|text| text.contains("does not know `wasi`")));
        let same = refused("PUT /x", 400, Some(VERSION), field.as_bytes()).problem;
        assert_eq!(same.code, Code::BadRequest);
        let failure = refused("GET /x", 404, Some("0.0.1"), b"not found");
        assert!(failure.problem.detail.is_some_and(|text| text.contains("does not know `GET /x`")));
    }
}
