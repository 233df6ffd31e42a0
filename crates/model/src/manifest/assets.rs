//! A directory of files beside the functions: `[[assets]]`.
//!
//! To everything below the manifest, a directory is a function without code: it has a name,
//! routes, grants and revisions, and its component is the list of its files
//! ([`crate::listing::Listing`]). So deployments, rollbacks, policies and the ledger treat it as
//! they treat a function, and only running it differs.

use super::auth::Auth;
use super::cors::Cors;
use super::http::HttpTrigger;
use super::rules::{CacheRule, FileRules, HeaderRule};
use super::{Durability, FunctionSpec};
use crate::route::Route;
use crate::{ApplicationName, Code, Digest, FunctionName, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A directory of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetsSpec {
    /// What grants and lists call it. Default: the application's name and `-assets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FunctionName>,
    /// The directory, relative to the manifest. Used by `casemate deploy` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The digest of the list of files. `casemate deploy` fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where the files are answered: a path, or a host and a path. Default `/`.
    #[serde(default)]
    pub route: Mount,
    /// Who may read them.
    #[serde(default)]
    pub auth: Auth,
    /// Which pages of other origins may read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Whether files and directories whose names begin with a dot are taken. `.well-known` always
    /// is. Used by `casemate deploy` only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dotfiles: bool,
    /// For single-page applications: the file that answers, with status 200, paths without a file
    /// when the client asks for HTML (its `Accept` names `text/html`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The file that answers all other paths without a file, with status 404.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_found: Option<String>,
    /// How long files may be kept; the first rule that fits holds. Default: `no-cache`, so that
    /// every use is checked against the file's entity tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache: Vec<CacheRule>,
    /// Further header fields; every rule that fits holds, later ones over earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderRule>,
}

/// Where a directory is mounted: `/`, `/docs`, or `www.example.com/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mount(Route);

impl Mount {
    /// Reads a mount point.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let base = text.strip_suffix('/').unwrap_or(text);
        let shown: String = text.chars().take(80).collect();
        let wrong = |why: &str| format!("`{}` is no place for files: {why}", shown.escape_debug());
        if text.contains(['{', '}', ' ']) || !text.contains('/') {
            return Err(wrong("write a path such as `/` or `/docs`, or a host and a path"));
        }
        let route = Route::parse(&format!("GET {base}/{{*path}}"));
        route.map(Self).map_err(|error| wrong(error.reason))
    }
}

impl Default for Mount {
    fn default() -> Self {
        let path = "/{*path}".to_owned();
        Self(Route { method: "GET".to_owned(), host: None, path })
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path.strip_suffix("{*path}").unwrap_or(&self.0.path);
        write!(f, "{}{path}", self.0.host.as_deref().unwrap_or_default())
    }
}

impl TryFrom<String> for Mount {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Mount> for String {
    fn from(mount: Mount) -> Self {
        mount.to_string()
    }
}

impl JsonSchema for Mount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mount".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A path, or a host and a path, below which files are answered.",
            "examples": ["/", "/docs", "www.example.com/"]
        })
    }
}

impl AssetsSpec {
    /// What grants and lists call it in this application.
    ///
    /// # Errors
    /// The application's name leaves no room for `-assets`.
    pub fn name_in(&self, application: &ApplicationName) -> Result<FunctionName, Problem> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        FunctionName::parse(&format!("{application}-assets")).map_err(|error| {
            let problem = Problem::new(Code::BadName).detail(error);
            problem.hint("give the `[[assets]]` a `name`").below("")
        })
    }

    /// Refuses what cannot be carried out.
    ///
    /// # Errors
    /// E0126 and E0128, naming the directory and the key.
    pub(super) fn check(&self, application: &ApplicationName) -> Result<(), Problem> {
        let whose = format!("assets `{}`", self.name_in(application)?);
        if let Some(cors) = &self.cors {
            cors.check(&whose)?;
        }
        self.rules().check(&whose, &self.auth)
    }

    fn rules(&self) -> FileRules {
        FileRules {
            fallback: self.fallback.clone(),
            not_found: self.not_found.clone(),
            cache: self.cache.clone(),
            headers: self.headers.clone(),
        }
    }

    /// The function without code that it is to the rest of the platform.
    ///
    /// # Errors
    /// As [`AssetsSpec::name_in`].
    pub fn member(&self, application: &ApplicationName) -> Result<FunctionSpec, Problem> {
        let mut spec = FunctionSpec::bare(self.name_in(application)?, None, self.auth.clone());
        let trigger = HttpTrigger {
            cors: self.cors.clone(),
            ..HttpTrigger::new(self.route.0.clone(), self.auth.clone())
        };
        spec.http = vec![trigger];
        spec.record = Durability::Grouped;
        spec.digest = self.digest;
        spec.assets = Some(self.rules());
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_for_files_become_routes() {
        for (text, route, printed) in [
            ("/", "GET /{*path}", "/"),
            ("/docs", "GET /docs/{*path}", "/docs/"),
            ("/docs/", "GET /docs/{*path}", "/docs/"),
            ("WWW.example.com/", "GET www.example.com/{*path}", "www.example.com/"),
            ("*.example.com/a/b", "GET *.example.com/a/b/{*path}", "*.example.com/a/b/"),
        ] {
            let mount = Mount::parse(text).expect(text);
            assert_eq!(mount.0.to_string(), route, "{text}");
            assert_eq!(mount.to_string(), printed, "{text}");
            assert_eq!(Mount::parse(printed), Ok(mount), "{text}");
        }
        for bad in ["", "docs", "/a//b", "//", "/../a", "/{x}", "/a b", "GET /", "a_b/", "/%2e"] {
            assert!(Mount::parse(bad).is_err(), "{bad}");
        }
    }
}
