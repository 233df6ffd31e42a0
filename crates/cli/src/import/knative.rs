//! Services of Knative Serving and of Cloud Run, in Kubernetes' YAML.

use super::draft::{Draft, Import, Variable, shown};
use super::yaml::Node;
use super::{Said, lambda};
use model::Problem;
use model::manifest::Contract;
use std::path::Path;

/// The label that says which application something belongs to.
const PART_OF: &str = "app.kubernetes.io/part-of";
/// Keys of a container that are read, or say nothing about how it runs.
const CONTAINER_KEYS: &[&str] = &[
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "name",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "startupProbe",
];
/// What both platforms give without a word, in seconds.
const TIMEOUT: &str = "300";
const UNLIMITED: &str = "`containerConcurrency` without a limit: one at a time here, unless `native.parallel` says more";
/// Keys of a revision's `spec`.
const SPEC_KEYS: &[&str] = &["containerConcurrency", "containers", "timeoutSeconds"];

/// Reads all services of a file.
///
/// # Errors
/// It has none.
pub(super) fn read(
    import: &mut Import,
    documents: &[Node],
    root: &Path,
    said: &Said,
) -> Result<(), Problem> {
    let mut any = false;
    for document in documents {
        import.about = None;
        let kind = document.text_at("kind").unwrap_or_default();
        let api = document.text_at("apiVersion").unwrap_or_default();
        if kind == "Service" && api.starts_with("serving.knative.dev/") {
            any = true;
            service(import, document, root, said);
        } else if !document.entries().is_empty() {
            import.lack(
                document.line,
                format!("`{}` (`{}`) is not made here", shown(kind), shown(api)),
            );
        }
    }
    if any {
        Ok(())
    } else {
        Err(super::unreadable(&import.file, "it has no Service of `serving.knative.dev`"))
    }
}

fn service(import: &mut Import, document: &Node, root: &Path, said: &Said) {
    let name = document.at(&["metadata", "name"]).and_then(Node::text).unwrap_or("service");
    if let Some(whole) = document.at(&["metadata", "labels", PART_OF]).and_then(Node::text) {
        whole.clone_into(&mut import.application);
    }
    let cloud_run = document
        .at(&["metadata", "annotations"])
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .any(|(key, _)| key.starts_with("run.googleapis.com/"));
    let contract = if cloud_run { Contract::CloudRun } else { Contract::Knative };
    let Some(mut draft) = import.draft(name, document.line, contract) else { return };
    let spec = document.at(&["spec", "template", "spec"]);
    let containers =
        spec.and_then(|spec| spec.get("containers")).map(Node::items).unwrap_or_default();
    let (Some(spec), [container, beside @ ..]) = (spec, containers) else {
        return import.lack(document.line, "it has no container");
    };
    for other in beside {
        import.lack(other.line, "a second container: a function here has one program");
    }
    if !program(import, &mut draft, container, root, said) {
        return;
    }
    environment(&mut draft, container);
    limits(import, &mut draft, document, spec, container);
    import.lack_others(spec, SPEC_KEYS);
    import.lack_others(container, CONTAINER_KEYS);
    over(import, document, spec, container);
    for traffic in document.at(&["spec", "traffic"]).map(Node::items).unwrap_or_default() {
        if traffic.text_at("percent").is_some_and(|it| it != "100") || traffic.get("tag").is_some()
        {
            import.lack(traffic.line, "a share of `traffic`: one revision answers here");
        }
    }
    let private = document
        .at(&["metadata", "labels", "networking.knative.dev/visibility"])
        .is_some_and(|it| it.text() == Some("cluster-local"));
    let at = format!("* /{}/{{*rest}}", draft.name);
    import.note(
        document.line,
        format!("it answers below `/{}/` here; for a host of its own write `domains`", draft.name),
    );
    super::route(import, &mut draft, document.line, at, !private && !cloud_run);
    import.drafts.push(draft);
}

/// Where the code lies and what is started. Whether it can be.
fn program(
    import: &mut Import,
    draft: &mut Draft,
    container: &Node,
    root: &Path,
    said: &Said,
) -> bool {
    let words = |key: &str| -> Vec<String> {
        let items = container.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|it| it.text().map(str::to_owned)).collect()
    };
    draft.command = words("command");
    draft.command.extend(words("args"));
    let image = container.get("image");
    let line = image.map_or(container.line, |it| it.line);
    let named = image.and_then(Node::text).map(shown).unwrap_or_default();
    super::code(import, draft, (line, &named), root, said)
}

fn environment(draft: &mut Draft, container: &Node) {
    for one in container.get("env").map(Node::items).unwrap_or_default() {
        let Some(name) = one.text_at("name") else { continue };
        let value = match (one.get("value"), one.get("valueFrom")) {
            (Some(value), _) => Variable::Value(value.scalar().unwrap_or_default().to_owned()),
            (None, Some(from)) if from.get("secretKeyRef").is_some() => Variable::Secret,
            (None, Some(_)) => Variable::Unknown("in a ConfigMap or a field".to_owned()),
            (None, None) => Variable::Value(String::new()),
        };
        // The port is told by the contract.
        if name != "PORT" {
            draft.environment.insert(name.to_owned(), (one.line, value));
        }
    }
}

fn limits(import: &mut Import, draft: &mut Draft, document: &Node, spec: &Node, container: &Node) {
    let (line, seconds) = spec
        .get("timeoutSeconds")
        .map_or((draft.line, TIMEOUT), |it| (it.line, it.scalar().unwrap_or_default()));
    lambda::timeout(import, draft, line, seconds);
    if spec.get("containerConcurrency").is_none() {
        import.note(spec.line, UNLIMITED);
    }
    if let Some(node) = spec.get("containerConcurrency") {
        match node.scalar().and_then(|text| text.parse::<u32>().ok()) {
            Some(count @ 1..=1000) => draft.parallel = Some(count),
            _ => import.note(node.line, UNLIMITED),
        }
    }
    if let Some(node) = container.at(&["resources", "limits", "memory"]) {
        match node.scalar().and_then(quantity) {
            Some(bytes) => lambda::size(import, draft, node.line, bytes),
            None => import.lack(node.line, "its memory is no quantity"),
        }
    }
    if let Some(node) = container.at(&["resources", "limits", "cpu"]) {
        import.lack(node.line, "`limits.cpu`: `cpu` is a time for each invocation here");
    }
    let ports = container.get("ports").map(Node::items).unwrap_or_default();
    for port in ports.iter().filter_map(|port| port.get("containerPort")) {
        match port.scalar().and_then(|text| text.parse::<u16>().ok()) {
            Some(8080) => {}
            Some(number) => draft.port = Some(number),
            None => import.lack(port.line, "`containerPort` is no port"),
        }
    }
    if let Some(probe) = container.get("readinessProbe").or_else(|| container.get("startupProbe")) {
        match probe.at(&["httpGet", "path"]).and_then(Node::text) {
            Some(path) => draft.probe = Some(path.to_owned()),
            None => import.note(probe.line, "its readiness is that its port is listened on"),
        }
    }
    let annotations = document.at(&["spec", "template", "metadata", "annotations"]);
    for (key, value) in annotations.map(Node::entries).unwrap_or_default() {
        let short = key.rsplit('/').next().unwrap_or(key);
        let number = value.scalar().and_then(|text| text.parse::<u32>().ok());
        match (short, number) {
            ("min-scale" | "minScale", Some(0)) => {}
            ("min-scale" | "minScale", Some(count)) => draft.provisioned = Some(count),
            _ => import.lack(value.line, format!("annotation `{}`", shown(key))),
        }
    }
}

/// What the container may do there beyond what anybody named.
fn over(import: &mut Import, document: &Node, spec: &Node, container: &Node) {
    let security = container.get("securityContext");
    if let Some(node) =
        security.and_then(|it| it.get("privileged")).filter(|it| it.scalar() == Some("true"))
    {
        import.grant(node.line, "`privileged`: the whole machine");
    }
    if security
        .and_then(|it| it.get("readOnlyRootFilesystem"))
        .is_none_or(|it| it.scalar() != Some("true"))
    {
        import.grant(container.line, "it may write everywhere in its file system; here it sees its package read-only, and `/tmp`");
    }
    if security.and_then(|it| it.at(&["capabilities", "add"])).is_some() {
        import.grant(container.line, "capabilities of the kernel: here it has none");
    }
    match spec.get("serviceAccountName") {
        Some(account) => import.grant(
            account.line,
            format!(
                "all that the service account `{}` may do, with a token that it can read",
                shown(account.scalar().unwrap_or_default())
            ),
        ),
        None => import.grant(
            document.line,
            "the default service account, with a token that it can read; here it has none",
        ),
    }
    import.grant(document.line, "it may connect to everything that no network policy forbids; here to nothing that `allow` does not name");
}

/// A quantity of Kubernetes', in bytes.
pub(super) fn quantity(text: &str) -> Option<u64> {
    let units: [(&str, u64); 8] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("m", 1 << 20),
    ];
    let (number, unit) = units
        .iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)))
        .unwrap_or((text, 1));
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn quantities_are_bytes() {
        assert_eq!(quantity("128Mi"), Some(128 << 20));
        assert_eq!(quantity("128m"), Some(128 << 20), "as OpenFaaS writes it");
        assert_eq!(quantity("1G"), Some(1_000_000_000));
        assert_eq!(quantity("4096"), Some(4096));
        for text in ["", "Mi", "-1Mi", "1.5Gi", "99999999999999999999Ti", "0"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
