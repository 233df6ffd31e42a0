//! Templates of AWS SAM, and functions in plain CloudFormation.

mod events;

use super::draft::{Draft, Import, shown};
use super::intrinsic::Scope;
use super::yaml::Node;
use super::{iam, lambda, source};
use model::Problem;
use model::manifest::Contract;
use std::path::Path;

/// What is read of a function, or says nothing about how it runs.
const READ: &[&str] = &[
    "Architectures",
    "AutoPublishAlias",
    "Code",
    "CodeUri",
    "ConnectionString",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Events",
    "FunctionName",
    "FunctionUrlConfig",
    "Handler",
    "ImageConfig",
    "ImageUri",
    "InlineCode",
    "Layers",
    "MemorySize",
    "PackageType",
    "Policies",
    "ProvisionedConcurrencyConfig",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "Timeout",
];

/// What is read of an API, or says nothing about who may call what.
const API_READ: &[&str] = &["Auth", "Description", "Name", "StageName", "Tags"];

/// One function: its own properties, and those of `Globals`.
struct Function<'a> {
    scope: Scope<'a>,
    own: &'a Node,
    globals: Option<&'a Node>,
}

impl<'a> Function<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        self.own.get(key).or_else(|| self.globals.and_then(|globals| globals.get(key)))
    }

    /// The text at a key, which may be made by functions; what is not known is noted.
    fn text(&self, import: &mut Import, key: &str) -> Option<(usize, String)> {
        let node = self.get(key)?;
        match self.scope.text(node) {
            Ok(text) => Some((node.line, text)),
            Err(what) => {
                import.lack(node.line, format!("`{key}` is {what}, which the file does not say"));
                None
            }
        }
    }
}

/// Reads all functions of a template.
///
/// # Errors
/// It has no resources.
pub(super) fn read(import: &mut Import, template: &Node, root: &Path) -> Result<(), Problem> {
    let Some(resources) = template.get("Resources") else {
        return Err(super::unreadable(&import.file, "it has no `Resources`"));
    };
    let scope = Scope(template);
    if let Some(name) = template.at(&["Metadata", "Application"]).and_then(Node::text) {
        name.clone_into(&mut import.application);
    }
    for (kind, globals) in template.get("Globals").map(Node::entries).unwrap_or_default() {
        if kind != "Function" {
            import.lack_others(globals, API_READ);
        }
    }
    for (id, resource) in resources.entries() {
        import.about = None;
        let kind = resource.text_at("Type").unwrap_or_default();
        match kind {
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                let globals = template.at(&["Globals", "Function"]);
                let globals = globals.filter(|_| kind == "AWS::Serverless::Function");
                let empty = Node::nothing(resource.line);
                let own = resource.get("Properties").unwrap_or(&empty);
                let function = Function { scope, own, globals };
                function.read(import, (id, resource.line), template, root);
            }
            // These are read where functions name them.
            "AWS::Serverless::LayerVersion" | "AWS::IAM::Role" => {}
            "AWS::Serverless::Api" | "AWS::Serverless::HttpApi" => {
                let said = resource.get("Properties").map(Node::entries).unwrap_or_default();
                for (key, value) in said.iter().filter(|(key, _)| !API_READ.contains(&key.as_str()))
                {
                    let what =
                        format!("`{}` of `{}` has no counterpart here", shown(key), shown(id));
                    import.lack(value.line, what);
                }
            }
            "AWS::Lambda::Permission" => permission(import, (id, resource)),
            kind => {
                let what = format!("resource `{}` (`{}`) is not made here", shown(id), shown(kind));
                import.lack(resource.line, what);
            }
        }
    }
    Ok(())
}

/// Somebody who may call a function, beside those who come over HTTP.
fn permission(import: &mut Import, (id, resource): (&str, &Node)) {
    let principal = resource.at(&["Properties", "Principal"]).and_then(Node::scalar);
    let who = shown(principal.unwrap_or_default());
    import.about = resource.at(&["Properties", "FunctionName"]).and_then(iam::referenced);
    if who == "*" {
        import.grant(resource.line, "everybody in AWS may call it; here only who was granted");
    }
    import.lack(
        resource.line,
        format!("permission `{}` for `{who}`: `casemate grant` says who may call", shown(id)),
    );
}

impl Function<'_> {
    fn read(&self, import: &mut Import, (id, line): (&str, usize), template: &Node, root: &Path) {
        let Some(mut draft) = import.draft(id, line, Contract::Lambda) else { return };
        // A name that is put together says where it runs, and not what it is.
        if let Some(name) = self.own.text_at("FunctionName") {
            import.call(&mut draft, name);
        }
        if !self.program(import, &mut draft, line, root) {
            return;
        }
        self.limits(import, &mut draft);
        for node in [self.globals, Some(self.own)].into_iter().flatten() {
            if let Some(variables) = node.at(&["Environment", "Variables"]) {
                lambda::environment(&mut draft, variables, &|node| self.scope.value(node));
            }
            for layer in node.get("Layers").map(Node::items).unwrap_or_default() {
                self.layer(import, &mut draft, layer, template, root);
            }
            import.lack_others(node, READ);
        }
        self.role(import, &mut draft, template);
        events::read(import, &mut draft, self, template);
        let condition = template.at(&["Resources", id, "Condition"]);
        if let Some(condition) = condition {
            import.note(condition.line, "it is made under a condition there, and always here");
        }
        import.drafts.push(draft);
    }

    /// What runs, and where it lies. Whether it can.
    fn program(&self, import: &mut Import, draft: &mut Draft, line: usize, root: &Path) -> bool {
        if self.get("ImageUri").is_some() || self.own.text_at("PackageType") == Some("Image") {
            import.lack(line, "its code is a container image");
            return false;
        }
        if self.own.get("InlineCode").is_some() || self.own.at(&["Code", "ZipFile"]).is_some() {
            import.lack(line, "its code stands in the template: put it into a file of its own");
            return false;
        }
        let Some((runtime_line, runtime)) = self.text(import, "Runtime") else {
            import.lack(line, "it says no `Runtime`");
            return false;
        };
        let handler = self.text(import, "Handler").map(|(_, handler)| handler);
        if !lambda::runtime(import, draft, runtime_line, &runtime, handler.as_deref()) {
            return false;
        }
        let code = self.get("CodeUri").or_else(|| self.get("Code"));
        let Some(code) = code else {
            return source::place(import, draft, line, ".", root);
        };
        match self.scope.text(code) {
            Ok(path) => source::place(import, draft, code.line, &path, root),
            Err(what) => {
                import.lack(code.line, format!("its code ({what}) does not lie in the project"));
                false
            }
        }
    }

    fn limits(&self, import: &mut Import, draft: &mut Draft) {
        // Without a word AWS gives 3 s and 128 MB; the latter is what we give, too.
        let (line, text) =
            self.text(import, "Timeout").unwrap_or_else(|| (draft.line, "3".to_owned()));
        lambda::timeout(import, draft, line, &text);
        if let Some((line, text)) = self.text(import, "MemorySize") {
            lambda::memory(import, draft, line, &text);
        }
        if let Some((line, text)) = self.text(import, "ReservedConcurrentExecutions") {
            match text.parse::<u32>().ok().filter(|count| (1..=1000).contains(count)) {
                Some(count) => draft.concurrency = Some(count),
                None => import.lack(line, format!("`ReservedConcurrentExecutions` of `{}`: a function here runs 1 to 1000 at a time", shown(&text))),
            }
        }
        let provisioned = self
            .get("ProvisionedConcurrencyConfig")
            .and_then(|it| it.get("ProvisionedConcurrentExecutions"));
        if let Some(node) = provisioned {
            match self.scope.text(node).ok().and_then(|text| text.parse().ok()) {
                Some(count) => draft.provisioned = Some(count),
                None => import.lack(node.line, "`ProvisionedConcurrentExecutions` is no number"),
            }
        }
        if let Some(storage) = self.get("EphemeralStorage") {
            import.lack(storage.line, "`EphemeralStorage`: `/tmp` counts as memory here, and `native.scratch` is its size");
        }
        if let Some(which) = self.get("Architectures")
            && which.items().iter().any(|it| it.text() == Some("arm64"))
        {
            import.note(
                which.line,
                "it was built for arm64: what runs here is built for this machine",
            );
        }
    }

    fn layer(
        &self,
        import: &mut Import,
        draft: &mut Draft,
        layer: &Node,
        template: &Node,
        root: &Path,
    ) {
        let named = iam::referenced(layer);
        let resource = named.as_ref().and_then(|id| template.at(&["Resources", id]));
        let content = resource.and_then(|it| it.at(&["Properties", "ContentUri"]));
        let path = content.map(|content| self.scope.text(content));
        match path {
            Some(Ok(path)) => {
                let within = source::within(import, layer.line, "a layer", &path, root);
                draft.layers.extend(within);
            }
            _ => {
                let what = match self.scope.text(layer) {
                    Ok(text) => format!("`{}`", shown(&text)),
                    Err(what) => what,
                };
                let advice = "fetch it, and name its zip file in `native.layers`";
                import.lack(
                    layer.line,
                    format!("layer {what} does not lie in the project: {advice}"),
                );
            }
        }
    }

    /// What the function's role lets it do.
    fn role(&self, import: &mut Import, draft: &mut Draft, template: &Node) {
        let resolve = |node: &Node| self.scope.text(node);
        if let Some(policies) = self.get("Policies") {
            iam::policies(import, draft, policies, &resolve);
        }
        let Some(role) = self.get("Role") else { return };
        let named = iam::referenced(role);
        let Some(resource) = named.and_then(|id| template.at(&["Resources", &id, "Properties"]))
        else {
            import.note(role.line, "what its role grants is not in this file");
            return;
        };
        for key in ["Policies", "ManagedPolicyArns"] {
            if let Some(policies) = resource.get(key) {
                iam::policies(import, draft, policies, &resolve);
            }
        }
    }
}
