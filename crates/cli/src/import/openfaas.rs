//! Stack files of OpenFaaS.

use super::draft::{Draft, Import, Variable, shown};
use super::knative::quantity;
use super::yaml::Node;
use super::{lambda, source};
use model::Problem;
use model::manifest::Contract;
use std::path::Path;

/// Keys of a function that are read, or say nothing about how it runs.
const READ: &[&str] = &[
    "annotations",
    "build_args",
    "environment",
    "fprocess",
    "handler",
    "image",
    "labels",
    "lang",
    "limits",
    "readonly_root_filesystem",
    "requests",
    "secrets",
    "skip_build",
];

/// How handlers of a template are called here.
struct Template {
    contract: Contract,
    interpreter: Option<&'static str>,
}

fn template(lang: &str) -> Option<Template> {
    let interpreter = match lang {
        "python3" | "python3-http" | "python3-http-debian" | "python3-debian" => "python3",
        "node" | "node20" | "node18" | "node17" | "node16" | "node14" | "node12" => "node",
        _ => return None,
    };
    Some(Template { contract: Contract::Openfaas, interpreter: Some(interpreter) })
}

/// Reads all functions of a stack file.
///
/// # Errors
/// It has none.
pub(super) fn read(import: &mut Import, node: &Node, root: &Path) -> Result<(), Problem> {
    let Some(functions) = node.get("functions") else {
        return Err(super::unreadable(&import.file, "it has no `functions`"));
    };
    import.lack_others(node, &["configuration", "functions", "provider", "version"]);
    for (id, function) in functions.entries() {
        read_one(import, id, function, root);
    }
    Ok(())
}

fn read_one(import: &mut Import, id: &str, function: &Node, root: &Path) {
    let lang = function.text_at("lang").unwrap_or_default();
    let process = function.at(&["environment", "fprocess"]).or_else(|| function.get("fprocess"));
    let words: Vec<String> = process
        .and_then(Node::scalar)
        .map(|text| text.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default();
    let known = template(lang);
    let contract = match (&known, words.is_empty()) {
        (Some(template), true) => template.contract,
        _ => Contract::OpenfaasClassic,
    };
    let Some(mut draft) = import.draft(id, function.line, contract) else { return };
    if contract == Contract::OpenfaasClassic && words.is_empty() {
        let what = if lang.is_empty() {
            "an image".to_owned()
        } else {
            format!("the template `{}`", shown(lang))
        };
        return import.lack(function.line, format!("{what}: what it starts is not in the file; write the function by hand (docs/guides/http-servers.md)"));
    }
    draft.interpreter = known
        .as_ref()
        .and_then(|it| it.interpreter)
        .map(str::to_owned)
        .filter(|_| words.is_empty());
    if let Some(program) = words.first().filter(|it| it.starts_with("python3") || *it == "node") {
        draft.interpreter = Some(program.clone());
    }
    draft.command = words;
    let Some(handler) = function.get("handler") else {
        return import.lack(function.line, "its code is a container image");
    };
    if !source::place(import, &mut draft, handler.line, handler.scalar().unwrap_or_default(), root)
    {
        return;
    }
    limits(import, &mut draft, function);
    if let Some(variables) = function.get("environment") {
        let value = |node: &Node| Variable::Value(node.scalar().unwrap_or_default().to_owned());
        lambda::environment(&mut draft, variables, &value);
        draft.environment.remove("fprocess");
    }
    for secret in function.get("secrets").map(Node::items).unwrap_or_default() {
        let name = secret.scalar().unwrap_or_default();
        draft
            .environment
            .insert(name.to_uppercase().replace('-', "_"), (secret.line, Variable::Secret));
        import.note(
            secret.line,
            format!(
                "secret `{}` was the file `/var/openfaas/secrets/{0}`: here it is a variable",
                shown(name)
            ),
        );
    }
    import.lack_others(function, READ);
    over(import, &draft, function);
    let route = format!("* /function/{}/{{*rest}}", draft.name);
    super::route(import, &mut draft, function.line, route, true);
    let bare = format!("* /function/{}", draft.name);
    draft.route(bare, true);
    import.drafts.push(draft);
}

fn limits(import: &mut Import, draft: &mut Draft, function: &Node) {
    if let Some(node) = function.at(&["limits", "memory"]) {
        match node.scalar().and_then(quantity) {
            Some(bytes) => lambda::size(import, draft, node.line, bytes),
            None => import.lack(node.line, "its memory is no quantity"),
        }
    }
    if let Some(node) = function.at(&["limits", "cpu"]) {
        import.lack(node.line, "`limits.cpu`: `cpu` is a time for each invocation here");
    }
    let timeout = function.at(&["environment", "exec_timeout"]);
    if let Some(node) = timeout {
        let seconds = node.scalar().and_then(|text| text.strip_suffix('s')).unwrap_or_default();
        lambda::timeout(import, draft, node.line, seconds);
    }
    for key in ["labels", "annotations"] {
        for (name, value) in function.get(key).map(Node::entries).unwrap_or_default() {
            match (name.as_str(), value.scalar().and_then(|text| text.parse::<u32>().ok())) {
                ("com.openfaas.scale.min", Some(count)) if draft.contract == Contract::Openfaas => {
                    draft.provisioned = Some(count);
                }
                ("topic" | "schedule", _) => import.lack(
                    value.line,
                    format!("`{}`: there is no such trigger here yet", shown(name)),
                ),
                _ => import.lack(value.line, format!("{key} `{}`", shown(name))),
            }
        }
    }
}

/// What a function may do there beyond what anybody named.
fn over(import: &mut Import, draft: &Draft, function: &Node) {
    if function.get("readonly_root_filesystem").is_none_or(|it| it.scalar() != Some("true")) {
        import.grant(function.line, "it may write everywhere in its file system; here it sees its package read-only, and `/tmp`");
    }
    if draft.memory.is_none() {
        import.grant(
            function.line,
            "all memory of its machine: here 128MiB, unless `memory` says otherwise",
        );
    }
    import.grant(function.line, "it may connect to everything that no network policy forbids; here to nothing that `allow` does not name");
}
