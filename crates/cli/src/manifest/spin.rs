//! `spin.toml` version 2, as a manifest of ours.
//!
//! Invariant: what has no counterpart is refused, all of it in one message; nothing is left out in
//! silence that would change what the application may do or how it answers.

mod function;
mod host;
mod route;
mod schema;
mod template;

use model::manifest::{Dialect, FunctionSpec};
use model::{ApplicationName, Code, FunctionName, Manifest, Problem};
use schema::{App, Component, ComponentSpec, HttpTrigger, Route};
use std::collections::BTreeMap;
use template::Values;
use toml::{Table, Value};

/// The file's name.
pub(crate) const FILE_NAME: &str = "spin.toml";
/// The key that every version of the file has.
const VERSION_KEY: &str = "spin_manifest_version";

/// What is known of the values of variables.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    /// These, and no more will come.
    These(&'a [(String, String)]),
    /// They come later: nothing is deployed of what is read.
    Later,
}

/// What has no counterpart, in the order of the file.
#[derive(Debug, Default)]
struct Missing(Vec<String>);

impl Missing {
    fn note(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }
}

/// A component, and where it answers.
struct Part<'a> {
    id: String,
    component: &'a Component,
    routes: Vec<String>,
}

/// Whether a text is a manifest of Spin's, of whichever version.
pub(super) fn is_one(text: &str) -> bool {
    let line = |line: &str| {
        let (key, _) = line.split_once('=').unwrap_or(("", ""));
        matches!(key.trim(), VERSION_KEY | "spin_version")
    };
    text.lines().take_while(|line| !line.trim_start().starts_with('[')).any(line)
}

/// What a `spin.toml` becomes.
///
/// # Errors
/// E0180 if it cannot be read, E0181 with all that has no counterpart, E0182 for variables.
pub(super) fn translated(file: &str, text: &str, given: Given<'_>) -> Result<Manifest, Problem> {
    let app = read(file, text)?;
    let refused =
        |code, why: &dyn std::fmt::Display| Problem::new(code).detail(format!("{file}: {why}"));
    let application =
        application(&app.application.name).map_err(|error| refused(Code::BadName, &error))?;
    let mut missing = Missing::default();
    let values = Values::of(&app.variables, &given, &mut missing)
        .map_err(|why| refused(Code::SpinVariable, &why))?;
    unsupported(&app, &mut missing);
    let parts = parts(&app, &mut missing).map_err(|why| refused(Code::SpinUnreadable, &why))?;
    let functions = functions(&application, &parts, &values, &mut missing)
        .map_err(|why| refused(Code::SpinVariable, &why))?;
    if !missing.0.is_empty() {
        let why = missing.0.join("; ");
        return Err(refused(Code::SpinNoCounterpart, &why));
    }
    if !values.unset.is_empty() {
        return Err(unset(file, &values));
    }
    Ok(Manifest::of(application, functions))
}

fn read(file: &str, text: &str) -> Result<App, Problem> {
    let unreadable = |error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
        });
        let why = error.message().lines().next().unwrap_or_default();
        Problem::new(Code::SpinUnreadable).detail(format!("{file}:{line}: {why}"))
    };
    let table: Table = toml::from_str(text).map_err(|error| unreadable(&error))?;
    if table.get(VERSION_KEY) != Some(&Value::Integer(2)) {
        let version = table.get(VERSION_KEY).or_else(|| table.get("spin_version"));
        let version = version.map_or_else(|| "none".to_owned(), ToString::to_string);
        return Err(Problem::new(Code::SpinUnreadable)
            .detail(format!("{file}: its version is {version}, and version 2 is read"))
            .hint("bring the file to version 2 with Spin's own `spin doctor`"));
    }
    toml::from_str(text).map_err(|error| unreadable(&error))
}

/// The application's name: what may not stand in one becomes `-`.
fn application(text: &str) -> Result<ApplicationName, model::name::Error> {
    let mut name = String::new();
    for c in text.to_lowercase().chars() {
        let c = if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        if c != '-' || !(name.is_empty() || name.ends_with('-')) {
            name.push(c);
        }
    }
    ApplicationName::parse(name.trim_end_matches('-'))
}

fn unsupported(app: &App, missing: &mut Missing) {
    for kind in app.triggers.others.keys() {
        missing.note(format!("trigger `{}`: functions answer HTTP", kind.escape_debug()));
    }
    for (kind, settings) in &app.application.triggers {
        let base = settings.get("base").and_then(Value::as_str);
        let plain = kind == "http" && settings.keys().all(|key| key == "base");
        let nothing = plain && base.is_none_or(|base| base == "/");
        // The trigger itself is noted already.
        let noted = app.triggers.others.contains_key(kind);
        if !nothing && !noted {
            missing.note(format!("`[application.trigger.{}]`", kind.escape_debug()));
        }
    }
}

/// The components with their routes. One that nothing triggers is called by others.
fn parts<'a>(app: &'a App, missing: &mut Missing) -> Result<Vec<Part<'a>>, String> {
    let mut parts: BTreeMap<&str, Part<'a>> = app
        .components
        .iter()
        .map(|(id, component)| {
            (id.as_str(), Part { id: id.clone(), component, routes: Vec::new() })
        })
        .collect();
    let mut inline = Vec::new();
    for (at, trigger) in app.triggers.http.iter().enumerate() {
        let whose = match (&trigger.id, &trigger.route) {
            (Some(id), _) => format!("trigger `{}`", id.escape_debug()),
            (None, Route::Path(path)) => format!("trigger `{}`", path.escape_debug()),
            (None, Route::Private { .. }) => format!("trigger {}", at + 1),
        };
        check_trigger(trigger, &whose, missing);
        let route = match &trigger.route {
            Route::Path(path) => Some(path.clone()),
            Route::Private { private: true } => None,
            Route::Private { private: false } => {
                return Err(format!("{whose}: a route is a path or `{{ private = true }}`"));
            }
        };
        match &trigger.component {
            Some(ComponentSpec::Named(id)) => {
                let known = parts.get_mut(id.as_str());
                let known = known.ok_or_else(|| {
                    format!("{whose}: there is no component `{}`", id.escape_debug())
                })?;
                known.routes.extend(route);
            }
            Some(ComponentSpec::Inline(component)) => {
                let id = trigger.id.clone().unwrap_or_else(|| format!("http-trigger-{}", at + 1));
                let id = format!("{id}-component");
                inline.push(Part { id, component, routes: route.into_iter().collect() });
            }
            None => {}
        }
    }
    Ok(parts.into_values().chain(inline).collect())
}

fn check_trigger(trigger: &HttpTrigger, whose: &str, missing: &mut Missing) {
    if trigger.static_response.is_some() {
        missing.note(format!("{whose}: `static_response`"));
    }
    if !trigger.components.is_empty() || !trigger.dependencies.is_empty() {
        missing.note(format!("{whose}: several components in one trigger"));
    }
    if let Some(executor) = &trigger.executor
        && !matches!(executor.kind.as_str(), "http" | "spin")
    {
        missing.note(format!("{whose}: executor `{}`", executor.kind.escape_debug()));
    }
}

fn functions(
    application: &ApplicationName,
    parts: &[Part<'_>],
    values: &Values,
    missing: &mut Missing,
) -> Result<Vec<FunctionSpec>, String> {
    let mut names: Vec<FunctionName> = Vec::new();
    for part in parts {
        match Dialect::function(application, &part.id) {
            Ok(name) => names.push(name),
            Err(error) => missing.note(format!("component `{}`: {error}", part.id.escape_debug())),
        }
    }
    if names.len() < parts.len() {
        return Ok(Vec::new());
    }
    let each = parts.iter().zip(&names);
    each.map(|(part, name)| {
        function::translated(name.clone(), part, application, &names, values, missing)
    })
    .collect()
}

fn unset(file: &str, values: &Values) -> Problem {
    let names: Vec<String> = values.unset.iter().map(|name| format!("`{name}`")).collect();
    let options: Vec<String> =
        values.unset.iter().map(|name| format!("--variable {name}=VALUE")).collect();
    Problem::new(Code::SpinVariable)
        .detail(format!("{file}: no value for {}", names.join(", ")))
        .hint(format!("casemate deploy {} {}", crate::shell::quoted(file), options.join(" ")))
}

#[cfg(test)]
mod tests;
