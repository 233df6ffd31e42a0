//! A component without a manifest: one function with safe defaults.

use super::component::{self, Component, Content};
use super::{Plan, unreadable};
use model::manifest::{Auth, FunctionSpec, HttpTrigger};
use model::route::Route;
use model::{ApplicationName, Code, FunctionName, Manifest, Problem};
use std::path::Path;

/// What the command line says about a bare component.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bare {
    /// The function's name; the file's if absent.
    pub(crate) name: Option<FunctionName>,
    /// Its routes; one below its name if empty.
    pub(crate) routes: Vec<Route>,
    /// Whether the routes ask to be public.
    pub(crate) public: bool,
}

impl Bare {
    /// The first option that was given, as it is written.
    pub(super) fn first_option(&self) -> Option<&'static str> {
        let given = [
            ("--name", self.name.is_some()),
            ("--route", !self.routes.is_empty()),
            ("--public", self.public),
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
