//! A component without a manifest: one function with safe defaults.

use super::component::{self, Component, Content};
use super::{Plan, unreadable};
use model::manifest::{Auth, FunctionSpec, HttpTrigger, Wasi};
use model::route::Route;
use model::store::Access;
use model::{ApplicationName, Code, FunctionName, Grant, Manifest, Problem};
use std::path::Path;
use std::str::FromStr;

/// What the command line says about a bare component.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bare {
    /// The function's name; the file's if absent.
    pub(crate) name: Option<FunctionName>,
    /// Its routes; one below its name if empty.
    pub(crate) routes: Vec<Route>,
    /// Whether the routes ask to be public.
    pub(crate) public: bool,
    /// The version of WASI that it is built for.
    pub(crate) wasi: Wasi,
    /// Outgoing requests that it asks for.
    pub(crate) allow: Vec<Target>,
    /// Key-value stores that it asks for.
    pub(crate) keyvalue: Vec<Wanted>,
    /// Values of a Spin application's variables; no option of a bare component, but of the other
    /// kind of path that is no manifest of ours.
    pub(crate) variables: Vec<(String, String)>,
}

/// An outgoing request as `--allow` says it: `METHOD URL`, or a URL for all methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target(pub(crate) String);

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let mut target = if text.contains(' ') { text.to_owned() } else { format!("* {text}") };
        let after = target.split_once("://").map_or("", |(_, rest)| rest);
        if !after.is_empty() && !after.contains('/') {
            target.push_str("/*");
        }
        // The grant that it asks for says whether it is one.
        let asked = Grant::parse("function:it", "http", &target);
        asked.map(|_| Self(target)).map_err(|error| error.to_string())
    }
}

/// A store as `--keyvalue` says it: `NAME`, or `NAME=read`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted(pub(crate) String, pub(crate) Access);

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, access) = text.split_once('=').unwrap_or((text, "read-write"));
        let all = [Access::Read, Access::Write, Access::ReadWrite];
        let known = all.into_iter().find(|known| known.word() == access);
        let access = known.ok_or("write NAME, NAME=read, NAME=write or NAME=read-write")?;
        let target = format!("{} {name}", access.word());
        let asked = Grant::parse("function:it", "keyvalue", &target);
        asked.map(|_| Self(name.to_owned(), access)).map_err(|error| error.to_string())
    }
}

impl Bare {
    /// The first option that was given, as it is written.
    pub(super) fn first_option(&self) -> Option<&'static str> {
        let given = [
            ("--name", self.name.is_some()),
            ("--route", !self.routes.is_empty()),
            ("--public", self.public),
            ("--wasi", !self.wasi.is_default()),
            ("--allow", !self.allow.is_empty()),
            ("--keyvalue", !self.keyvalue.is_empty()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }

    /// The application that the component becomes; it has the function's name.
    pub(super) fn plan(&self, file: &Path) -> anyhow::Result<Plan> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => name_from(file)?,
        };
        let component = Component::digested(Content::File(file.to_owned()))
            .map_err(|error| refused(file, error))?;
        let mut function = self.function(name.clone());
        function.digest = Some(component.digest);
        let application = ApplicationName::parse(name.as_str())
            .map_err(|error| Problem::new(Code::BadName).detail(error))?;
        let manifest = Manifest::of(application, vec![function]);
        Ok(Plan { manifest, components: vec![component], directories: Vec::new() })
    }

    fn function(&self, name: FunctionName) -> FunctionSpec {
        let auth = if self.public { Auth::Public } else { Auth::Token };
        let mut function = FunctionSpec::bare(name, None, auth.clone());
        function.wasi = self.wasi;
        function.allow.http = self.allow.iter().map(|target| target.0.clone()).collect();
        function.allow.keyvalue =
            self.keyvalue.iter().map(|wanted| (wanted.0.clone(), wanted.1)).collect();
        if !self.routes.is_empty() {
            function.http = self
                .routes
                .iter()
                .map(|route| HttpTrigger::new(route.clone(), auth.clone()))
                .collect();
        }
        function
    }
}

fn refused(file: &Path, error: component::Error) -> Problem {
    match error {
        component::Error::Io(error) => unreadable(file, &error),
        component::Error::TooLarge => Problem::new(Code::ArtifactTooLarge).detail(format!(
            "`{}`: {}",
            file.display(),
            component::Error::TooLarge
        )),
        other => {
            Problem::new(Code::ManifestUnreadable).detail(format!("`{}`: {other}", file.display()))
        }
    }
}

/// A function name from a file name: lower case, everything that may not stand in one becomes `-`.
fn name_from(file: &Path) -> Result<FunctionName, Problem> {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    let stem = stem.unwrap_or_default();
    let mut name = String::new();
    for c in stem.chars() {
        let c = if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        if c != '-' || !(name.is_empty() || name.ends_with('-')) {
            name.push(c);
        }
    }
    let name = name.trim_end_matches('-');
    FunctionName::parse(name).map_err(|error| {
        Problem::new(Code::BadName)
            .detail(format!("`{}` gives no function name: {error}", file.display()))
            .hint("choose one with `--name`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_a_target_or_a_store() {
        for (text, expect) in [
            ("https://api.example.com", "* https://api.example.com/*"),
            ("https://api.example.com/v1/*", "* https://api.example.com/v1/*"),
            ("GET https://api.example.com/v1", "GET https://api.example.com/v1"),
        ] {
            assert_eq!(text.parse(), Ok(Target(expect.to_owned())));
        }
        for bad in ["", "api.example.com", "ftp://a/", "get https://a/", "https://", "https://a/ b"]
        {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
        assert_eq!("carts".parse(), Ok(Wanted("carts".to_owned(), Access::ReadWrite)));
        assert_eq!("carts=read".parse(), Ok(Wanted("carts".to_owned(), Access::Read)));
        for bad in ["", "Carts", "carts=", "carts=all", "=read"] {
            assert!(bad.parse::<Wanted>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_come_from_files() {
        for (file, expect) in [
            ("hello.wasm", "hello"),
            ("dist/My_Function.v2.wasm", "my-function-v2"),
            ("_x__y_.wasm", "x-y"),
            ("a--b.wasm", "a-b"),
        ] {
            assert_eq!(name_from(Path::new(file)).expect(file).as_str(), expect);
        }
        for bad in ["1.wasm", "host.wasm", "____.wasm", "..", "é.wasm"] {
            let problem = name_from(Path::new(bad)).expect_err(bad);
            assert_eq!(problem.code, Code::BadName);
            assert_eq!(problem.hint.as_deref(), Some("choose one with `--name`"));
        }
    }
}
