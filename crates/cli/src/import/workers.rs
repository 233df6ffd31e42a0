//! `wrangler.toml` and `wrangler.jsonc` of Cloudflare Workers.
//!
//! One Worker becomes one function. Its environments are other Workers there, and another manifest's
//! here.

mod cron;
mod forms;

use super::draft::{Draft, Import, Variable, shown};
use super::plain::Seeker;
use super::source;
use super::yaml::{self, Node};
use forms::{line, of_table, without_comments};
use model::manifest::worker::EXPERIMENTAL;
use model::manifest::{Contract, WorkerSpec};
use model::{FunctionName, Problem, SharedStoreName};
use std::collections::BTreeMap;
use std::path::Path;
use toml::de::DeTable;

/// Bindings that lead nowhere here, and what they would be.
const BINDINGS: &[(&str, &str, &str)] = &[
    ("r2_buckets", "binding", "a container of blobs, which a Worker has no binding for here"),
    ("d1_databases", "binding", "a database: there is none here"),
    (
        "queues",
        "binding",
        "a queue: publish events, which a trigger with `batch` brings to `queue`",
    ),
    ("durable_objects", "name", "a durable object: there is none here"),
];
/// What is read elsewhere, or says nothing about what a Worker does.
const QUIET: &[&str] = &[
    "$schema",
    "account_id",
    "build",
    "compatibility_date",
    "compatibility_flags",
    "kv_namespaces",
    "main",
    "name",
    "route",
    "routes",
    "services",
    "triggers",
    "vars",
    "workers_dev",
];

/// Reads a file, in whichever of its two forms.
///
/// # Errors
/// E0156: it is neither.
pub(super) fn read(import: &mut Import, text: &str, root: &Path) -> Result<(), Problem> {
    let (node, values) = if import.file.ends_with(".toml") {
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line(text, span.start));
            let why = error.message().lines().next().unwrap_or_default().to_owned();
            super::unreadable(&format!("{}:{line}", import.file), &why)
        })?;
        let values = toml::from_str::<toml::Table>(text).ok();
        let values = values.and_then(|table| serde_json::to_value(table).ok());
        (of_table(text, table.get_ref(), 1), values)
    } else {
        let plain = without_comments(text);
        let documents = yaml::read(&plain).map_err(|error| {
            super::unreadable(&format!("{}:{}", import.file, error.line), &error.why)
        })?;
        (super::first(&import.file, documents)?, serde_json::from_str(&plain).ok())
    };
    let name = node.text_at("name").unwrap_or("worker").to_owned();
    import.application = shown(&name);
    worker(import, (&name, &node), values.as_ref(), root);
    import.about = Some(shown(&name));
    for (environment, inner) in node.get("env").map(Node::entries).unwrap_or_default() {
        let what = "is another Worker there, and takes another manifest here";
        import.lack(inner.line, format!("environment `{}` {what}", shown(environment)));
    }
    Ok(())
}

fn worker(
    import: &mut Import,
    (name, node): (&str, &Node),
    values: Option<&serde_json::Value>,
    root: &Path,
) {
    let Some(mut draft) = import.draft(name, node.line, Contract::Workers) else { return };
    draft.interpreter = Some("workerd".to_owned());
    let mut spec = WorkerSpec {
        main: None,
        compatibility_date: String::new(),
        compatibility_flags: Vec::new(),
        kv: BTreeMap::new(),
        services: BTreeMap::new(),
        json: Vec::new(),
    };
    others(import, node);
    compatibility(import, &mut spec, node);
    if !code(import, (&mut draft, &mut spec), node, root) {
        return;
    }
    variables(import, (&mut draft, &mut spec), node, values);
    namespaces(import, (&mut draft, &mut spec), node);
    services(import, (&mut draft, &mut spec), node);
    times(import, &mut draft, node);
    routes(import, &mut draft, node);
    import.grant(
        node.line,
        "it may send requests to every address; here to nothing that `allow.http` does not name",
    );
    draft.worker = Some(spec);
    import.drafts.push(draft);
}

/// Names what has no counterpart.
fn others(import: &mut Import, node: &Node) {
    for (key, value) in node.entries() {
        let binding = BINDINGS.iter().find(|(known, _, _)| known == key);
        match (key.as_str(), binding) {
            ("env", _) => {}
            (key, _) if QUIET.contains(&key) => {}
            (key, Some((_, name, what))) => {
                for one in value.items() {
                    let named = one.text_at(name).unwrap_or_default();
                    import.lack(one.line, format!("`{key}` `{}`: {what}", shown(named)));
                }
            }
            (key, None) => {
                import.lack(value.line, format!("`{}` has no counterpart here", shown(key)))
            }
        }
    }
}

fn compatibility(import: &mut Import, spec: &mut WorkerSpec, node: &Node) {
    match node.text_at("compatibility_date") {
        Some(date) => date.clone_into(&mut spec.compatibility_date),
        None => {
            // What Cloudflare takes for a Worker that says none.
            "2021-11-02".clone_into(&mut spec.compatibility_date);
            let what = "it has no `compatibility_date`, which means 2021-11-02 there";
            import.note(node.line, what);
        }
    }
    for flag in node.get("compatibility_flags").map(Node::items).unwrap_or_default() {
        let text = flag.text().unwrap_or_default();
        if EXPERIMENTAL.contains(&text) {
            let what = format!("compatibility flag `{}`: it is experimental", shown(text));
            import.lack(flag.line, what);
        } else {
            spec.compatibility_flags.push(text.to_owned());
        }
    }
}

/// Where its modules lie. Whether they may lie there.
fn code(
    import: &mut Import,
    (draft, spec): (&mut Draft, &mut WorkerSpec),
    node: &Node,
    root: &Path,
) -> bool {
    let Some(main) = node.get("main") else {
        import.lack(node.line, "it has no `main`: a Worker without code is `[[assets]]` here");
        return false;
    };
    let text = main.text().unwrap_or_default();
    let Some(path) = source::within(import, main.line, "its code", text, root) else {
        return false;
    };
    let (directory, file) = path.rsplit_once('/').unwrap_or((".", &path));
    let (stem, end) = file.rsplit_once('.').unwrap_or((file, ""));
    let own = node.at(&["build", "command"]).and_then(Node::text);
    let plain = matches!(end, "js" | "mjs");
    if plain && (own.is_some() || !source::names_any(&root.join("package.json"))) {
        directory.clone_into(&mut draft.source);
        spec.main = Some(file.to_owned());
        draft.build = own.map(str::to_owned);
        if directory == "." {
            let what =
                "every file beside it is taken, too: put the modules into a directory of their own";
            import.note(main.line, what);
        }
    } else {
        // As Cloudflare's own tool bundles it, without sending it anywhere.
        let made = format!("dist/{}", draft.name);
        draft.build = Some(format!("npx wrangler deploy --dry-run --outdir {made}"));
        draft.source = made;
        spec.main = Some(format!("{stem}.js"));
        let what = "it is bundled by a `build` command that was written for it: look at it, then type `casemate build`";
        import.note(main.line, what);
    }
    draft.code.clone_from(&draft.source);
    true
}

/// Variables: texts as they are, all else as JSON.
fn variables(
    import: &mut Import,
    (draft, spec): (&mut Draft, &mut WorkerSpec),
    node: &Node,
    values: Option<&serde_json::Value>,
) {
    let seeker = Seeker::new();
    let vars = node.get("vars").map(Node::entries).unwrap_or_default();
    for (name, value) in vars {
        let text = match values.and_then(|values| values["vars"].get(name)) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) if hides(&seeker, name, other) => {
                let what = "holds a secret among other values: give it as a variable of its own, and import it again";
                import.lack(value.line, format!("variable `{}` {what}", shown(name)));
                continue;
            }
            Some(other) => {
                spec.json.push(name.clone());
                other.to_string()
            }
            None => value.scalar().unwrap_or_default().to_owned(),
        };
        draft.environment.insert(name.clone(), (value.line, Variable::Value(text)));
    }
}

/// Whether a secret stands somewhere in a value.
fn hides(seeker: &Seeker, name: &str, value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => seeker.why(name, text).is_some(),
        serde_json::Value::Array(items) => items.iter().any(|item| hides(seeker, name, item)),
        serde_json::Value::Object(entries) => {
            entries.iter().any(|(name, value)| hides(seeker, name, value))
        }
        _ => false,
    }
}

fn namespaces(import: &mut Import, (draft, spec): (&mut Draft, &mut WorkerSpec), node: &Node) {
    for one in node.get("kv_namespaces").map(Node::items).unwrap_or_default() {
        let binding = one.text_at("binding").unwrap_or_default();
        let store = super::name::allowed(binding, |name| SharedStoreName::parse(name).ok());
        let Some(store) = store.filter(|_| !binding.is_empty()) else {
            import.lack(one.line, format!("`kv_namespaces` `{}` has no name", shown(binding)));
            continue;
        };
        let what = format!(
            "`kv_namespaces` `{}` is the store `{store}`, which is empty here; metadata of keys and times at which they expire are refused",
            shown(binding)
        );
        import.note(one.line, what);
        draft.stores.insert(store.to_string());
        spec.kv.insert(binding.to_owned(), store);
    }
}

fn services(import: &mut Import, (draft, spec): (&mut Draft, &mut WorkerSpec), node: &Node) {
    for one in node.get("services").map(Node::items).unwrap_or_default() {
        let binding = one.text_at("binding").unwrap_or_default();
        let service = one.text_at("service").unwrap_or_default();
        let name = super::name::allowed(service, |name| FunctionName::parse(name).ok());
        match name.filter(|_| !binding.is_empty() && !service.is_empty()) {
            Some(name) => {
                if service == draft.was {
                    draft.calls.push(service.to_owned());
                } else {
                    let what = format!(
                        "`services` `{}` is the function `{name}`: import that Worker, too, and write `invoke = [\"{name}\"]` below `[function.allow]`; its `fetch` is called, and no other method",
                        shown(binding)
                    );
                    import.note(one.line, what);
                }
                spec.services.insert(binding.to_owned(), name);
            }
            None => {
                let what = format!("`services` `{}` names no Worker", shown(binding));
                import.lack(one.line, what);
            }
        }
    }
}

fn times(import: &mut Import, draft: &mut Draft, node: &Node) {
    let crons = node.at(&["triggers", "crons"]).map(Node::items).unwrap_or_default();
    for (at, one) in crons.iter().enumerate() {
        let text = one.text().unwrap_or_default();
        let Some(cron) = cron::ours(text) else {
            import.lack(one.line, format!("time `{}` cannot be read", shown(text)));
            continue;
        };
        if cron != text {
            let what =
                format!("time `{}` is `{cron}` here: days of the week count from 0", shown(text));
            import.note(one.line, what);
        }
        draft.times.push((format!("{}-{}", draft.name, at + 1), cron));
    }
}

/// Routes of its own hosts; without any, below its name.
fn routes(import: &mut Import, draft: &mut Draft, node: &Node) {
    let all = ["route", "routes"].iter().filter_map(|key| node.get(key)).flat_map(Node::items);
    let mut some = false;
    for route in all {
        let pattern = route.text().or_else(|| route.text_at("pattern")).unwrap_or_default();
        let custom = route.text_at("custom_domain") == Some("true");
        let plain = pattern.strip_prefix("https://").or(pattern.strip_prefix("http://"));
        let plain = plain.unwrap_or(pattern);
        let whole =
            if custom && !plain.contains('/') { format!("{plain}/*") } else { plain.to_owned() };
        match whole.split_once('/') {
            Some((host, path)) if !host.is_empty() => {
                some = true;
                match path.strip_suffix('*') {
                    Some("") => {
                        super::route(import, draft, route.line, format!("* {host}/"), true);
                        draft.route(format!("* {host}/{{*rest}}"), true);
                    }
                    Some(start) if start.ends_with('/') && !start.contains('*') => {
                        let route_of = format!("* {host}/{start}{{*rest}}");
                        super::route(import, draft, route.line, route_of, true);
                    }
                    None if !path.contains('*') => {
                        super::route(import, draft, route.line, format!("* {host}/{path}"), true);
                    }
                    _ => import.lack(
                        route.line,
                        format!(
                            "route `{}`: `*` stands for whole parts of a path here",
                            shown(pattern)
                        ),
                    ),
                }
            }
            _ => import.lack(route.line, format!("route `{}`", shown(pattern))),
        }
    }
    if !some {
        let name = draft.name.clone();
        super::route(import, draft, node.line, format!("* /{name}/{{*rest}}"), true);
        draft.route(format!("* /{name}"), true);
        import.note(node.line, format!("it has no host of its own, and its paths begin with `/{name}`: with `domains` they do not have to"));
    }
}
