//! One component of a Spin application, as a function.

use super::schema::{Build, Commands, Component, Mount, Source};
use super::template::Values;
use super::{Missing, Part, host, route};
use crate::shell::quoted;
use model::manifest::{Auth, Dialect, FilesSpec, FunctionSpec, HttpTrigger, Included, Placed};
use model::store::Access;
use model::{ApplicationName, FunctionName};

/// What a component becomes.
///
/// # Errors
/// A template that cannot be filled in. What has no counterpart is noted in `missing`.
pub(super) fn translated(
    name: FunctionName,
    part: &Part<'_>,
    application: &ApplicationName,
    all: &[FunctionName],
    values: &Values,
    missing: &mut Missing,
) -> Result<FunctionSpec, String> {
    let component = part.component;
    let whose = format!("component `{}`", part.id.escape_debug());
    let mut spec = FunctionSpec::bare(name, None, Auth::Public);
    spec.dialect = Some(Dialect::Spin);
    spec.http = routes(part, &whose, missing);
    match &component.source {
        Source::Local(path) => spec.source = Some(path.clone()),
        Source::Remote {} => missing.note(format!("{whose}: a `source` that is fetched")),
    }
    spec.build = component.build.as_ref().map(build);
    spec.environment = component.environment.clone().into_iter().collect();
    spec.files = files(component);
    let fill = |what: &str, text: &str| {
        values.fill(text).map_err(|why| format!("{whose}: `{what}`: {why}"))
    };
    let mut config = Vec::new();
    for (key, template) in &component.variables {
        config.push((key.clone(), fill(&format!("variables.{key}"), template)?));
    }
    spec.config = config.into_iter().collect();
    for entry in &component.allowed_outbound_hosts {
        let filled = fill("allowed_outbound_hosts", entry)?;
        // A value that is not known yet is not judged.
        if entry != &filled && values.is_open(entry) {
            continue;
        }
        if let Err(why) = host::add(&filled, application, all, &mut spec.allow) {
            let entry = entry.escape_debug();
            missing.note(format!("{whose}: `allowed_outbound_hosts` with `{entry}`: {why}"));
        }
    }
    for entry in &component.allowed_http_hosts {
        host::add_old(entry, &mut spec.allow, missing, &whose);
    }
    stores(component, application, &mut spec, missing, &whose);
    unsupported(component, missing, &whose);
    Ok(spec)
}

fn routes(part: &Part<'_>, whose: &str, missing: &mut Missing) -> Vec<HttpTrigger> {
    let mut triggers: Vec<HttpTrigger> = Vec::new();
    for path in &part.routes {
        match route::translated(path) {
            Ok(routes) => {
                for route in routes {
                    if !triggers.iter().any(|known| known.route == route) {
                        triggers.push(HttpTrigger::new(route, Auth::Public));
                    }
                }
            }
            Err(why) => missing.note(format!("{whose}: route `{}`: {why}", path.escape_debug())),
        }
    }
    triggers
}

/// One line for a shell in the manifest's directory.
fn build(build: &Build) -> String {
    let line = match &build.command {
        Commands::One(line) => line.clone(),
        Commands::Several(lines) => lines.join(" && "),
    };
    match build.workdir.as_deref() {
        None | Some("" | ".") => line,
        Some(directory) => format!("cd {} && {line}", quoted(directory)),
    }
}

fn files(component: &Component) -> Option<FilesSpec> {
    let include: Vec<Included> = component
        .files
        .iter()
        .cloned()
        .map(|mount| match mount {
            Mount::Pattern(pattern) => Included::Pattern(pattern),
            Mount::Placed { source, destination } => {
                Included::Placed(Placed { source, destination })
            }
        })
        .collect();
    let exclude = component.exclude_files.clone();
    (!include.is_empty()).then_some(FilesSpec { include, exclude, digest: None })
}

/// All components of an application mean the same store by one label.
fn stores(
    component: &Component,
    application: &ApplicationName,
    spec: &mut FunctionSpec,
    missing: &mut Missing,
    whose: &str,
) {
    for label in &component.key_value_stores {
        match Dialect::store(application, label) {
            Ok(store) => {
                spec.allow.keyvalue.insert(store.to_string(), Access::ReadWrite);
                spec.stores.insert(label.clone(), store);
            }
            Err(error) => {
                let label = label.escape_debug();
                missing.note(format!("{whose}: `key_value_stores` with `{label}`: {error}"));
            }
        }
    }
}

fn unsupported(component: &Component, missing: &mut Missing, whose: &str) {
    for (key, there) in [
        ("sqlite_databases", !component.sqlite_databases.is_empty()),
        ("ai_models", !component.ai_models.is_empty()),
        ("dependencies", !component.dependencies.is_empty()),
    ] {
        if there {
            missing.note(format!("{whose}: `{key}`"));
        }
    }
}
