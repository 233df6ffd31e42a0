//! One example of a function: what is sent, and what must come back. `casemate test` runs it.
//!
//! Examples are the developer's: `casemate deploy` leaves them at home.

mod world;

pub use world::{Outside, Stored, named};

use crate::{Code, Problem, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The time that a function sees where an example says nothing: 2026-01-01T00:00:00Z.
pub const EXAMPLE_TIME: Timestamp = Timestamp(1_767_225_600_000_000);

/// A request and the answer that it must get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it shows, in words; unique in the function.
    pub name: String,
    /// What is sent.
    pub request: ExampleRequest,
    /// What must come back. `casemate test --update` writes it down if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<ExampleAnswer>,
    /// The time that the function's wall clock shows, RFC 3339. It stands still.
    /// Default `2026-01-01T00:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What is answered outside. A request that is not among them fails: nothing leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outbound: Vec<Outside>,
    /// What is stored before: `carts = { ann = "3" }`. All other stores are empty.
    #[serde(default, skip_serializing_if = "Stored::is_empty")]
    pub keyvalue: Stored,
}

/// The request of an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleRequest {
    /// The method. Default `GET`; `POST` where there is a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path, with its query if there is one; it takes one of the function's routes.
    pub path: String,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body, as JSON; also sets `content-type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
}

/// The answer that an example must get. What is not said may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleAnswer {
    /// The status. Default 200.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers that must be there with these values; others may be there too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The whole body, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The whole body, as JSON: spaces and the order of keys do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Text that must stand in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
}

const fn ok() -> u16 {
    200
}

impl Example {
    /// The time that the function sees.
    ///
    /// # Errors
    /// `at` is no time.
    pub fn time(&self) -> Result<Timestamp, Problem> {
        let Some(at) = &self.at else { return Ok(EXAMPLE_TIME) };
        let time: jiff::Timestamp = at.parse().map_err(|_| {
            self.wrong(format!(
                "`at`: `{}` is no time: write it like `2026-01-01T00:00:00Z`",
                at.escape_debug()
            ))
            .below("/at")
        })?;
        Ok(Timestamp(time.as_microsecond()))
    }

    /// The method that is sent.
    #[must_use]
    pub fn method(&self) -> &str {
        let request = &self.request;
        let default = if request.body.is_some() || request.json.is_some() { "POST" } else { "GET" };
        request.method.as_deref().unwrap_or(default)
    }

    /// What is wrong with this example.
    #[must_use]
    pub fn wrong(&self, why: impl std::fmt::Display) -> Problem {
        Problem::new(Code::ManifestValue)
            .detail(format!("example `{}`, {why}", self.name.escape_debug()))
    }

    fn check(&self) -> Result<(), Problem> {
        self.time()?;
        let request = &self.request;
        if self.name.trim().is_empty() {
            return Err(self.wrong("`name`: say in some words what it shows").below("/name"));
        }
        if !request.path.starts_with('/') {
            let why = format!("`path`: `{}` does not begin with `/`", request.path.escape_debug());
            return Err(self.wrong(why).below("/request/path"));
        }
        if request.body.is_some() && request.json.is_some() {
            let why = "`request`: `body` and `json` are two bodies";
            return Err(self.wrong(why).below("/request/json"));
        }
        for (at, outside) in self.outbound.iter().enumerate() {
            let below = format_args!("/outbound/{at}");
            outside.check().map_err(|why| self.wrong(why).below(below))?;
        }
        world::check_stored(&self.keyvalue).map_err(|why| self.wrong(why).below("/keyvalue"))?;
        let Some(expect) = &self.expect else { return Ok(()) };
        if !(100..=599).contains(&expect.status) {
            let why = format!("`status`: {} is none, they are 100 to 599", expect.status);
            return Err(self.wrong(why).below("/expect/status"));
        }
        let bodies = [expect.body.is_some(), expect.json.is_some(), expect.contains.is_some()];
        if bodies.iter().filter(|said| **said).count() > 1 {
            let why = "`expect`: of `body`, `json` and `contains` only one is said";
            let second = if expect.contains.is_some() { "contains" } else { "json" };
            return Err(self.wrong(why).below(format_args!("/expect/{second}")));
        }
        Ok(())
    }
}

/// Checks the examples of one function.
pub(super) fn check(examples: &[Example]) -> Result<(), Problem> {
    let mut names = std::collections::BTreeSet::new();
    for (at, example) in examples.iter().enumerate() {
        let below = |problem: Problem| problem.below(format_args!("/example/{at}"));
        example.check().map_err(below)?;
        if !names.insert(&example.name) {
            let twice = example.wrong("`name`: there are two of that name");
            return Err(below(twice.below("/name")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: &str) -> Example {
        serde_json::from_str(text).expect(text)
    }

    fn refused(text: &str) -> String {
        check(&[example(text)]).expect_err(text).detail.unwrap_or_default()
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let small = example(r#"{"name":"a","request":{"path":"/a"},"expect":{"json":null}}"#);
        assert_eq!((small.method(), small.time()), ("GET", Ok(EXAMPLE_TIME)));
        assert_eq!(EXAMPLE_TIME.to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(small.expect.as_ref().map(|expect| expect.status), Some(200));
        let posted = example(r#"{"name":"a","request":{"path":"/a","json":{}}}"#);
        assert_eq!(posted.method(), "POST");
        assert!(check(&[small, example(r#"{"name":"b","request":{"path":"/"}}"#)]).is_ok());
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_the_key() {
        for (text, expect) in [
            (r#"{"name":" ","request":{"path":"/"}}"#, "`name`"),
            (r#"{"name":"a","request":{"path":"a"}}"#, "`path`"),
            (r#"{"name":"a","at":"noon","request":{"path":"/"}}"#, "`at`: `noon`"),
            (r#"{"name":"a","request":{"path":"/","body":"","json":1}}"#, "two bodies"),
            (r#"{"name":"a","request":{"path":"/"},"expect":{"status":99}}"#, "`status`"),
            (
                r#"{"name":"a","request":{"path":"/"},"expect":{"body":"a","contains":"a"}}"#,
                "only one",
            ),
        ] {
            let said = refused(text);
            assert!(said.contains(expect), "{said}");
        }
        let twice = example(r#"{"name":"a","request":{"path":"/"}}"#);
        assert!(check(&[twice.clone(), twice]).is_err());
        assert!(serde_json::from_str::<Example>(r#"{"name":"a","requests":{}}"#).is_err());
    }
}
