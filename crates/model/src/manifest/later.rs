//! Calls of a function that wait: how often they are tried, how old they become, and where their
//! end is told.

use super::FunctionSpec;
use super::allow::Asked;
use super::batch;
use crate::unit::Duration;
use crate::{Action, ApplicationName, Code, FunctionName, Grant, Principal, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often a call may be tried again at most.
const RETRIES_MAX: u32 = 100;
/// How old a call may become at most.
const AGE_MAX: Duration = Duration::seconds(14 * 24 * 60 * 60);
/// Longest name of a header field.
const FIELD_BYTES_MAX: usize = 100;
/// How long a call may be kept back at most.
const DELAY_MAX: Duration = Duration::seconds(24 * 60 * 60);

/// Where the end of a call is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    /// A function of the environment is called with it. That asks for `function:NAME invoke` it.
    Invoke(FunctionName),
    /// It is published to an application. That asks for `function:NAME publish` there.
    Publish(ApplicationName),
}

/// What holds for calls of a function that are done later: asynchronous ones, and those of its
/// triggers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AsyncSpec {
    /// How often a call that failed is tried again, at most 100. Default: what the node says, 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// How old a call becomes; one that is older when its turn comes is given up. At most `14d`.
    /// Default: any age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
    /// How long a call waits before its first attempt, times of schedules apart. At most `1d`.
    /// Default `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// The header field that says which calls belong together, in small letters, such as `x-order`:
    /// asynchronous calls with one value of it run one after the other, in the order in which they
    /// came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
    /// The function is called with up to so many asynchronous calls at once, 1 to 100: those of one
    /// caller to one path, which differ in header fields and bodies only. Default: with each alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u16>,
    /// How long a call waits at most for others of its batch, up to `5m`. Default `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_window: Option<Duration>,
    /// Where it is told that a call was done, with what the function answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<Told>,
    /// Where it is told that a call was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Told>,
}

impl AsyncSpec {
    /// Each destination with its key.
    pub fn told(&self) -> impl Iterator<Item = (&'static str, &Told)> {
        let both = [("on_success", &self.on_success), ("on_failure", &self.on_failure)];
        both.into_iter().filter_map(|(key, told)| Some((key, told.as_ref()?)))
    }

    fn check(&self, spec: &FunctionSpec) -> Result<(), (&'static str, String)> {
        if self.retries.is_some_and(|retries| retries > RETRIES_MAX) {
            return Err(("retries", format!("must be at most {RETRIES_MAX}")));
        }
        if self.max_age.is_some_and(|age| age.ms < 1000 || age > AGE_MAX) {
            return Err(("max_age", format!("must be 1s to {AGE_MAX}")));
        }
        if self.delay.is_some_and(|delay| delay > DELAY_MAX) {
            return Err(("delay", format!("must be at most {DELAY_MAX}")));
        }
        let is_field = |name: &str| {
            name.len() <= FIELD_BYTES_MAX
                && ::http::HeaderName::try_from(name).is_ok_and(|read| read.as_str() == name)
        };
        if self.ordered_by.as_deref().is_some_and(|name| !is_field(name)) {
            return Err(("ordered_by", "is no header field's name in small letters".to_owned()));
        }
        batch::check(self.batch, self.batch_window, spec)
    }
}

impl FunctionSpec {
    /// Refuses what cannot be followed.
    ///
    /// # Errors
    /// E0104, naming the function and the key.
    pub(super) fn check_later(&self) -> Result<(), Problem> {
        let Some(Err((key, why))) = self.later.as_ref().map(|later| later.check(self)) else {
            return Ok(());
        };
        let why = format!("function `{}`, `async.{key}`: {why}", self.name);
        let wrong = Problem::new(Code::ManifestValue).detail(why);
        Err(wrong.below(format_args!("/async/{key}")))
    }

    /// The grants that its destinations ask for.
    pub(super) fn told_grants(&self) -> impl Iterator<Item = Asked> {
        let all = self.later.iter().flat_map(|later| later.told());
        all.map(|(key, told)| {
            let (word, action) = match told {
                Told::Invoke(function) => ("invoke", Action::Invoke { function: function.clone() }),
                Told::Publish(application) => {
                    ("publish", Action::Publish { application: application.clone() })
                }
            };
            let pointer = format!("/async/{key}/{word}");
            let key = if key == "on_success" { "async.on_success" } else { "async.on_failure" };
            let who = Principal::Function(self.name.clone());
            Asked { key, pointer, grant: Grant { who, action } }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Ceiling;
    use crate::manifest::{Auth, Manifest};

    fn read(spec: &str) -> Result<FunctionSpec, String> {
        let text = format!(
            r#"{{"manifest":1,"application":"a","function":[{{"name":"f","async":{spec}}}]}}"#
        );
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        manifest.check(&Ceiling::DEFAULT).map_err(|it| it.detail.unwrap_or_default())?;
        Ok(manifest.functions[0].clone())
    }

    #[test]
    fn what_cannot_be_followed_names_its_key() {
        let all = r#"{"retries":0,"max_age":"6h","delay":"1m","ordered_by":"x-order","on_success":{"invoke":"g"},
                      "on_failure":{"publish":"shop"}}"#;
        let spec = read(all).expect("good");
        let asked: Vec<_> = spec
            .grants()
            .map(|it| (it.key, it.pointer, it.grant.who.to_string(), it.grant.action.word()))
            .collect();
        let me = "function:f".to_owned();
        assert_eq!(
            asked,
            [
                ("async.on_success", "/async/on_success/invoke".to_owned(), me.clone(), "invoke"),
                ("async.on_failure", "/async/on_failure/publish".to_owned(), me, "publish"),
            ]
        );
        for (wrong, why) in [
            (r#"{"retries":101}"#, "`async.retries`: must be at most 100"),
            (r#"{"max_age":"500ms"}"#, "`async.max_age`: must be 1s to"),
            (r#"{"max_age":"15d"}"#, "`async.max_age`"),
            (r#"{"delay":"2d"}"#, "`async.delay`"),
            (r#"{"ordered_by":"X-Order"}"#, "`async.ordered_by`: is no header field"),
            (r#"{"ordered_by":"x order"}"#, "`async.ordered_by`"),
            (r#"{"batch":0}"#, "`async.batch`: must be 1 to 100"),
            (r#"{"batch":101}"#, "`async.batch`: must be 1 to 100"),
            (r#"{"batch_window":"1s"}"#, "`async.batch_window`: is for what has a `batch`"),
            (r#"{"batch":2,"batch_window":"6m"}"#, "`async.batch_window`: must be at most"),
            (r#"{"retry":1}"#, "unknown field"),
            (r#"{"on_failure":{"call":"g"}}"#, "unknown variant"),
            (r#"{"on_failure":{"invoke":"Not a name"}}"#, "no function name"),
        ] {
            let said = read(wrong).expect_err(wrong);
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let spec = FunctionSpec::bare("f".parse().expect("name"), None, Auth::Token);
        let plain = serde_json::to_value(&spec).expect("JSON");
        assert_eq!(plain.get("async"), None, "revisions from before the key keep their digest");
        let text = r#"{"on_failure":{"invoke":"g"}}"#;
        let later: AsyncSpec = serde_json::from_str(text).expect("read");
        assert_eq!(serde_json::to_string(&later).expect("JSON"), text);
    }
}
