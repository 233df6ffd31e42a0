//! The manifest: what an application is made of and what it asks for (`casemate.toml`).
//!
//! The same types describe the file and the body that the admin API takes. Reading TOML, with
//! line numbers and nearest keys, is the command line's work.
//!
//! Invariant: keys that do not exist are errors, never ignored.

mod allow;
mod assets;
mod auth;
mod batch;
mod cap;
mod config;
mod cors;
mod data;
mod dialect;
mod domains;
mod environment;
mod event_form;
mod example;
mod files;
mod from;
mod function;
mod http;
mod image;
mod later;
mod native;
mod on;
mod rate;
mod require;
mod rules;
mod schedule;
mod secret;
mod server;
mod surroundings;
mod tcp;
mod upload;
mod wasi;
mod webhook;
mod websocket;
pub mod worker;

pub use allow::Allow;
pub use assets::{AssetsSpec, Mount};
pub use auth::{Auth, Way};
pub use batch::BATCH_MAX;
pub use cap::{CAPS_MAX, Cap, CapOf};
pub use config::{CONFIG_BYTES_MAX, CONFIG_KEY_BYTES_MAX, CONFIG_KEYS_MAX, Config};
pub use cors::{Cors, Origin};
pub(crate) use data::is_purpose;
pub use data::{
    Arrival, DataField, DataSpec, DataTable, Exit, LaidField, LaidSpec, RevealSpec, Unnamed,
};
pub use dialect::Dialect;
pub use domains::Domain;
pub use environment::Environment;
pub use event_form::EventForm;
pub use example::{EXAMPLE_TIME, Example, ExampleAnswer, ExampleRequest, Outside, Stored, named};
pub use files::{FilesSpec, Included, Placed};
pub use from::{SOURCES_MAX, SourceTrigger};
pub use function::{Durability, FunctionSpec, Runtime};
pub use http::HttpTrigger;
pub use image::ImageConfig;
pub use later::{AsyncSpec, Told};
pub use native::{Contract, NativeSpec};
pub use on::{EVENT_TRIGGERS_MAX, EventShape, EventTrigger, Filter};
pub use rate::{By, Rate, RateLimit};
pub use require::{Network, Require, Texts};
pub use rules::{CacheRule, FileRules, HeaderRule, fits};
pub use schedule::{DATA_BYTES_MAX, Missed, SCHEDULES_MAX, ScheduleSpec};
pub use secret::{
    Algorithm, BodyField, ClientAuth, Encoding, Form, Hmac, KeyText, Mac, OAuth2, Part, Places,
    SecretUse, SigV4, Unit, is_access_key,
};
pub use server::{Hook, ServerSpec, Signature};
pub use tcp::DESTINATIONS_MAX;
pub use upload::{Upload, UploadLimits};
pub use wasi::Wasi;
pub use webhook::{Sender, WEBHOOKS_MAX, WebhookSpec};
pub use websocket::{WebSocket, WebSocketLimits};
pub use worker::WorkerSpec;

use crate::limit::Ceiling;
use crate::{ApplicationName, Code, FunctionName, Problem, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The manifest format that this build reads.
pub const FORMAT: u32 = 1;
/// Most functions in one application.
pub const FUNCTIONS_MAX: usize = 10_000;
/// Most domains of one application.
pub const DOMAINS_MAX: usize = 100;

/// An application: deployed, rolled back and removed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format's number: 1.
    pub manifest: u32,
    /// The application's name.
    pub application: ApplicationName,
    /// Hosts that all routes without a host are answered on, and on no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Domain>,
    /// Its functions.
    #[serde(rename = "function", default)]
    pub functions: Vec<FunctionSpec>,
    /// Its directories of files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetsSpec>,
}

impl Manifest {
    /// An application that is made of functions only.
    #[must_use]
    pub const fn of(application: ApplicationName, functions: Vec<FunctionSpec>) -> Self {
        Self { manifest: FORMAT, application, domains: Vec::new(), functions, assets: Vec::new() }
    }

    /// What the platform is to hold: the functions, and the directories of files as functions
    /// without code, with their routes on the application's domains.
    ///
    /// # Errors
    /// A directory of files has no name that fits.
    pub fn members(&self) -> Result<Vec<FunctionSpec>, Problem> {
        let mut members = self.functions.clone();
        for assets in &self.assets {
            members.push(assets.member(&self.application)?);
        }
        for member in &mut members {
            domains::settle(member, &self.domains);
        }
        Ok(members)
    }

    /// Checks all that can be known from the manifest alone: format, duplicate names, clashing
    /// routes, values outside the node's ceiling.
    ///
    /// # Errors
    /// The first [`Problem`] found, naming the function and the key.
    pub fn check(&self, ceiling: &Ceiling) -> Result<(), Problem> {
        if self.manifest != FORMAT {
            let why = format!("`manifest = {}`: this build reads format {FORMAT}", self.manifest);
            return Err(Problem::new(Code::ManifestValue).detail(why).below("/manifest"));
        }
        let count = self.functions.len() + self.assets.len();
        if count == 0 || count > FUNCTIONS_MAX {
            let why = format!(
                "an application has 1 to {FUNCTIONS_MAX} functions and assets, this one has {count}"
            );
            return Err(Problem::new(Code::ManifestValue).detail(why).below(""));
        }
        self.check_domains()?;
        if let Some(function) = self.functions.iter().find(|function| function.assets.is_some()) {
            let why = format!("function `{}`: files are declared as `[[assets]]`", function.name);
            return Err(Problem::new(Code::ManifestValue).detail(why));
        }
        for (at, assets) in self.assets.iter().enumerate() {
            let below = |problem: Problem| problem.below(format_args!("/assets/{at}"));
            assets.check(&self.application).map_err(below)?;
        }
        self.check_members(&self.members()?, ceiling)
    }

    fn check_domains(&self) -> Result<(), Problem> {
        let mut seen = std::collections::BTreeSet::new();
        let twice = self.domains.iter().position(|domain| !seen.insert(domain));
        let (at, why) = match twice.and_then(|at| Some((at, self.domains.get(at)?))) {
            Some((at, domain)) => (at, format!("`domains` names `{domain}` twice")),
            None if self.domains.len() > DOMAINS_MAX => {
                (DOMAINS_MAX, format!("`domains` has more than {DOMAINS_MAX} entries"))
            }
            None => return Ok(()),
        };
        Err(Problem::new(Code::ManifestValue).detail(why).below(format_args!("/domains/{at}")))
    }

    fn check_members(&self, members: &[FunctionSpec], ceiling: &Ceiling) -> Result<(), Problem> {
        let mut names = std::collections::BTreeSet::new();
        let mut routes: BTreeMap<(Option<&str>, String, &str), &FunctionName> = BTreeMap::new();
        let mut triggers: BTreeMap<&TriggerName, &FunctionName> = BTreeMap::new();
        for (at, member) in members.iter().enumerate() {
            let below = |problem: Problem| problem.below(self.pointer_of(at));
            // As it was written, so that places are told as they were written.
            self.functions.get(at).unwrap_or(member).check(ceiling).map_err(below)?;
            if !names.insert(&member.name) {
                let why = format!("two functions are called `{}`", member.name);
                let twice = Problem::new(Code::ManifestValue).detail(why);
                return Err(below(twice.below("/name")));
            }
            for (name, place) in member.triggers() {
                if let Some(other) = triggers.insert(name, &member.name) {
                    let why = format!(
                        "the trigger `{name}` is declared by `{other}` and by `{}`",
                        member.name
                    );
                    let twice = Problem::new(Code::ManifestValue).detail(why);
                    return Err(below(twice.below(place)));
                }
            }
            for (index, trigger) in member.http.iter().enumerate() {
                let route = &trigger.route;
                let key = (route.host.as_deref(), route.shape(), route.method.as_str());
                if let Some(other) = routes.insert(key, &member.name) {
                    let why =
                        format!("`{route}` is asked for by `{other}` and by `{}`", member.name);
                    let clash = Problem::new(Code::RouteClash).detail(why);
                    return Err(below(clash.below(self.route_of(at, index))));
                }
            }
        }
        Ok(())
    }

    /// Where the member of this number was written.
    fn pointer_of(&self, member: usize) -> String {
        match member.checked_sub(self.functions.len()) {
            None => format!("/function/{member}"),
            Some(at) => format!("/assets/{at}"),
        }
    }

    /// Where a member's route was written, seen from the member. On several domains it is there as
    /// often.
    fn route_of(&self, member: usize, route: usize) -> String {
        let Some(function) = self.functions.get(member) else { return "/route".to_owned() };
        let on = |trigger: &HttpTrigger| match trigger.route.host {
            Some(_) => 1,
            None => self.domains.len().max(1),
        };
        let ends = function.http.iter().scan(0, |end, trigger| {
            *end += on(trigger);
            Some(*end)
        });
        format!("/http/{}/route", ends.take_while(|end| *end <= route).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn manifest(functions: &str) -> Manifest {
        let text = format!(r#"{{"manifest":1,"application":"shop","function":[{functions}]}}"#);
        serde_json::from_str(&text).expect(&text)
    }

    fn check(functions: &str) -> Result<(), Code> {
        manifest(functions).check(&Ceiling::DEFAULT).map_err(|problem| problem.code)
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let spec =
            FunctionSpec::bare(FunctionName::parse("hello").expect("name"), None, Auth::Token);
        assert_eq!(spec.limits(), Limits::default());
        assert_eq!(spec.http[0].route.to_string(), "* /hello/{*rest}");
    }

    #[test]
    fn unknown_keys_are_errors() {
        let text = r#"{"manifest":1,"application":"a","function":[{"name":"b","timout":"3s"}]}"#;
        assert!(serde_json::from_str::<Manifest>(text).is_err());
    }

    #[test]
    fn domains_take_every_route_without_a_host_and_files_are_members() {
        let text = r#"{"manifest":1,"application":"shop","domains":["Shop.example","*.shop.example"],
            "function":[{"name":"a","http":[{"route":"GET /x"},{"route":"GET api.example/y"}]}],
            "assets":[{}]}"#;
        let manifest: Manifest = serde_json::from_str(text).expect(text);
        manifest.check(&Ceiling::DEFAULT).expect("fits");
        let members = manifest.members().expect("members");
        let routes = |at: usize| {
            let routes = members[at].http.iter().map(|trigger| trigger.route.to_string());
            routes.collect::<Vec<_>>()
        };
        assert_eq!(routes(0), ["GET shop.example/x", "GET *.shop.example/x", "GET api.example/y"]);
        assert_eq!(members[1].name.as_str(), "shop-assets");
        assert_eq!(routes(1), ["GET shop.example/{*path}", "GET *.shop.example/{*path}"]);
        assert!(members[1].assets.is_some() && members[0].assets.is_none());
    }

    #[test]
    fn a_function_and_files_do_not_answer_the_same_paths() {
        let text = r#"{"manifest":1,"application":"shop",
            "function":[{"name":"a","http":[{"route":"GET /{*all}"}]}],"assets":[{}]}"#;
        let manifest: Manifest = serde_json::from_str(text).expect(text);
        let problem = manifest.check(&Ceiling::DEFAULT).expect_err("a clash");
        assert_eq!(problem.code, Code::RouteClash);
    }

    #[test]
    fn clashes_duplicates_and_absurd_values_are_refused() {
        assert_eq!(check(r#"{"name":"a","http":[{"route":"GET /x/{id}"}]}"#), Ok(()));
        assert_eq!(check(r#"{"name":"a"},{"name":"a"}"#), Err(Code::ManifestValue));
        assert_eq!(
            check(
                r#"{"name":"a","http":[{"route":"GET /x/{id}"}]},{"name":"b","http":[{"route":"GET /x/{key}"}]}"#
            ),
            Err(Code::RouteClash)
        );
        for bad in [
            r#""timeout":"0s""#,
            r#""cpu":"2d""#,
            r#""memory":"1KiB""#,
            r#""memory":"64GiB""#,
            r#""concurrency":0"#,
            r#""allow":{"http":["nonsense"]}"#,
            r#""http":[{"route":"GET /x","require":{"claims":{"role":"admin"}}}]"#,
            r#""http":[{"route":"GET /x","limit":{"rate":"1/1s","burst":0}}]"#,
        ] {
            assert_eq!(
                check(&format!(r#"{{"name":"a",{bad}}}"#)),
                Err(Code::ManifestValue),
                "{bad}"
            );
        }
        assert_eq!(check(""), Err(Code::ManifestValue));
    }
}
