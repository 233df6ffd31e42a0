//! `serverless.yml` of the Serverless Framework, for AWS.

use super::draft::{Draft, Import, Variable, shown};
use super::yaml::Node;
use super::{iam, lambda, source};
use model::Problem;
use model::manifest::{Contract, EventForm};
use std::path::Path;

/// Most variables in each other.
const DEPTH_MAX: usize = 8;
/// Longest text that is put together, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Keys of the file that are read, or say nothing about how functions run.
const FILE_KEYS: &[&str] = &[
    "configValidationMode",
    "custom",
    "frameworkVersion",
    "functions",
    "layers",
    "package",
    "params",
    "provider",
    "service",
    "useDotenv",
];
/// Keys of `provider`.
const PROVIDER_KEYS: &[&str] = &[
    "deploymentBucket",
    "environment",
    "iam",
    "iamManagedPolicies",
    "iamRoleStatements",
    "memorySize",
    "name",
    "region",
    "runtime",
    "stackTags",
    "stage",
    "tags",
    "timeout",
    "versionFunctions",
];
/// Keys of a function.
const FUNCTION_KEYS: &[&str] = &[
    "description",
    "environment",
    "events",
    "handler",
    "iamRoleStatements",
    "image",
    "layers",
    "memorySize",
    "name",
    "package",
    "provisionedConcurrency",
    "reservedConcurrency",
    "role",
    "runtime",
    "tags",
    "timeout",
    "url",
];

/// The file, in which `${…}` means something.
struct File<'a> {
    node: &'a Node,
    empty: Node,
}

/// Reads all functions of a file.
///
/// # Errors
/// It is for another provider, or has no functions.
pub(super) fn read(import: &mut Import, node: &Node, root: &Path) -> Result<(), Problem> {
    let provider = node.at(&["provider", "name"]).or_else(|| node.get("provider"));
    if provider.and_then(Node::text) != Some("aws") {
        return Err(super::unreadable(&import.file, "its `provider.name` is not `aws`"));
    }
    let file = File { node, empty: Node::nothing(1) };
    if let Some(Variable::Value(service)) = node.get("service").map(|it| file.value(it)) {
        import.application = service;
    }
    if let Some(Variable::Value(region)) = node.at(&["provider", "region"]).map(|it| file.value(it))
        && region.len() < 30
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        import.region = region;
    }
    import.lack_others(node, FILE_KEYS);
    if let Some(provider) = node.get("provider") {
        import.lack_others(provider, PROVIDER_KEYS);
    }
    let functions = node.get("functions").map(Node::items).unwrap_or_default();
    for (id, function) in functions.iter().flat_map(Node::entries) {
        file.function(import, id, function, root);
    }
    Ok(())
}

impl File<'_> {
    /// What a value comes to.
    fn value(&self, node: &Node) -> Variable {
        match node.text() {
            Some(text) => self.text(text, 0),
            None => Variable::Unknown("made by AWS".to_owned()),
        }
    }

    fn text(&self, text: &str, depth: usize) -> Variable {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, behind)) = closing(after) else { break };
            rest = behind;
            match self.variable(name, depth) {
                Variable::Value(text) => out.push_str(&text),
                other => return other,
            }
            if out.len() > TEXT_BYTES_MAX {
                return Variable::Unknown("a text that is too long".to_owned());
            }
        }
        Variable::Value(out + rest)
    }

    /// `self:a.b`, `opt:stage, 'dev'`, `sls:stage`; the first of several that is known.
    fn variable(&self, text: &str, depth: usize) -> Variable {
        let unknown = || Variable::Unknown(format!("`${{{}}}`", shown(text)));
        if depth > DEPTH_MAX {
            return unknown();
        }
        for one in text.split(',').map(str::trim) {
            if let Some(quoted) = one.strip_prefix(['\'', '"']) {
                return Variable::Value(quoted.trim_end_matches(['\'', '"']).to_owned());
            }
            if one.starts_with("ssm:") || one.contains("secretsmanager") {
                return Variable::Secret;
            }
            let path: Vec<&str> = match one.strip_prefix("self:") {
                Some(path) => path.split('.').collect(),
                None if one == "sls:stage" => vec!["provider", "stage"],
                None if one == "aws:region" => vec!["provider", "region"],
                None => continue,
            };
            if let Some(text) = self.node.at(&path).and_then(Node::text) {
                return self.text(text, depth + 1);
            }
            if one == "sls:stage" || one == "self:provider.stage" {
                return Variable::Value("dev".to_owned());
            }
        }
        unknown()
    }

    /// What a function says, or else `provider`.
    fn said<'a>(&'a self, function: &'a Node, key: &str) -> Option<(usize, Variable)> {
        let node = function.get(key).or_else(|| self.node.at(&["provider", key]))?;
        Some((node.line, self.value(node)))
    }

    fn function(&self, import: &mut Import, id: &str, function: &Node, root: &Path) {
        let Some(mut draft) = import.draft(id, function.line, Contract::Lambda) else { return };
        if function.get("image").is_some() {
            return import.lack(function.line, "its code is a container image");
        }
        let Some((line, Variable::Value(runtime))) = self.said(function, "runtime") else {
            return import.lack(function.line, "it says no `runtime`");
        };
        let handler = function.get("handler").map(|it| self.value(it));
        let handler = match &handler {
            Some(Variable::Value(handler)) => Some(handler.as_str()),
            _ => None,
        };
        if !lambda::runtime(import, &mut draft, line, &runtime, handler) {
            return;
        }
        let artifact = function
            .at(&["package", "artifact"])
            .or_else(|| self.node.at(&["package", "artifact"]));
        let path = artifact.and_then(Node::text).unwrap_or(".");
        if !source::place(
            import,
            &mut draft,
            artifact.map_or(function.line, |it| it.line),
            path,
            root,
        ) {
            return;
        }
        self.limits(import, &mut draft, function);
        let own = function.get("environment");
        for node in [self.node.at(&["provider", "environment"]), own].into_iter().flatten() {
            lambda::environment(&mut draft, node, &|node| self.value(node));
        }
        self.layers(import, &mut draft, function, root);
        self.role(import, &mut draft, function);
        self.events(import, &mut draft, function);
        import.lack_others(function, FUNCTION_KEYS);
        import.drafts.push(draft);
    }

    fn limits(&self, import: &mut Import, draft: &mut Draft, function: &Node) {
        match self.said(function, "timeout") {
            Some((line, Variable::Value(text))) => lambda::timeout(import, draft, line, &text),
            // What the framework says if nobody else does.
            _ => lambda::timeout(import, draft, function.line, "6"),
        }
        match self.said(function, "memorySize") {
            Some((line, Variable::Value(text))) => lambda::memory(import, draft, line, &text),
            _ => lambda::memory(import, draft, function.line, "1024"),
        }
        for (key, slot) in [
            ("reservedConcurrency", &mut draft.concurrency),
            ("provisionedConcurrency", &mut draft.provisioned),
        ] {
            let Some(node) = function.get(key) else { continue };
            match node
                .text()
                .and_then(|text| text.parse::<u32>().ok())
                .filter(|it| (1..=1000).contains(it))
            {
                Some(count) => *slot = Some(count),
                None => import
                    .lack(node.line, format!("`{key}`: a function here runs 1 to 1000 at a time")),
            }
        }
    }

    fn layers(&self, import: &mut Import, draft: &mut Draft, function: &Node, root: &Path) {
        let layers = function.get("layers").or_else(|| self.node.at(&["provider", "layers"]));
        for layer in layers.map(Node::items).unwrap_or_default() {
            // The framework calls the layer `common` `CommonLambdaLayer`.
            let named = iam::referenced(layer)
                .and_then(|it| it.strip_suffix("LambdaLayer").map(str::to_lowercase));
            let all = self.node.get("layers").unwrap_or(&self.empty).entries();
            let own = all.iter().find(|(name, _)| Some(name.to_lowercase()) == named);
            let path = own.and_then(|(_, layer)| layer.text_at("path"));
            match path {
                Some(path) => {
                    draft.layers.extend(source::within(import, layer.line, "a layer", path, root))
                }
                None => {
                    let what = layer.scalar().unwrap_or("a reference");
                    import.lack(layer.line, format!("layer `{}` does not lie in the project: fetch it, and name its zip file in `native.layers`", shown(what)));
                }
            }
        }
    }

    fn role(&self, import: &mut Import, draft: &mut Draft, function: &Node) {
        let resolve = |node: &Node| match self.value(node) {
            Variable::Value(text) => Ok(text),
            Variable::Secret => Err("a secret".to_owned()),
            Variable::Unknown(what) => Err(what),
        };
        if let Some(role) = function.get("role") {
            import.note(role.line, "what its role grants is not in this file");
        }
        let provider = self.node.get("provider").unwrap_or(&self.empty);
        let statements = [
            function.get("iamRoleStatements"),
            provider.get("iamRoleStatements"),
            provider.at(&["iam", "role", "statements"]),
        ];
        for statements in statements.into_iter().flatten() {
            iam::statements(import, draft, statements, &resolve);
        }
        let managed =
            [provider.get("iamManagedPolicies"), provider.at(&["iam", "role", "managedPolicies"])];
        for policy in managed.into_iter().flatten().flat_map(Node::items) {
            iam::managed(import, policy, &resolve);
        }
    }

    fn events(&self, import: &mut Import, draft: &mut Draft, function: &Node) {
        let mut forms = Vec::new();
        for event in function.get("events").map(Node::items).unwrap_or_default() {
            // `- httpApi: GET /a`, `- http: {…}`, `- httpApi: '*'`.
            for (kind, said) in event.entries() {
                let form = match kind.as_str() {
                    "http" => EventForm::HttpV1,
                    "httpApi" => EventForm::HttpV2,
                    kind => {
                        import.lack(
                            said.line,
                            format!("event `{}`: there is no such trigger here yet", shown(kind)),
                        );
                        continue;
                    }
                };
                forms.push(form);
                self.http(import, draft, said);
            }
        }
        if let Some(url) = function.get("url") {
            let open = url.at(&["authorizer"]).is_none();
            forms.push(EventForm::HttpV2);
            super::route(import, draft, url.line, format!("* /{}/{{*proxy}}", draft.name), open);
        }
        draft.event = forms.first().copied().unwrap_or_default();
        if forms.iter().any(|form| *form != draft.event) {
            import.note(draft.line, "its routes had events of two forms, and a function here has one: see `native.event`");
        }
    }

    fn http(&self, import: &mut Import, draft: &mut Draft, said: &Node) {
        let (method, path) = match said.text() {
            Some("*") => ("*".to_owned(), "*".to_owned()),
            Some(text) => {
                let (method, path) = text.split_once(' ').unwrap_or(("*", text));
                (method.to_owned(), path.to_owned())
            }
            None => {
                let text = |key: &str| match said.get(key).map(|it| self.value(it)) {
                    Some(Variable::Value(text)) => text,
                    _ => "*".to_owned(),
                };
                (text("method"), text("path"))
            }
        };
        let open = said.get("authorizer").is_none()
            && said.text_at("private").is_none_or(|it| it != "true");
        if let Some(cors) = said.get("cors") {
            import.lack(cors.line, "`cors`: write `cors` at the route");
        }
        super::route(import, draft, said.line, lambda::route(&method, path.trim()), open);
    }
}

/// What stands before the brace that closes, and behind it.
fn closing(text: &str) -> Option<(&str, &str)> {
    let mut open = 1usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
    }
    None
}
