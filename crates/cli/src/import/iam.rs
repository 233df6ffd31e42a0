//! Roles and policies of AWS: which of them let a function do more than was named.

use super::draft::{Draft, Import, shown};
use super::yaml::{Node, Value};

/// Managed policies that let a function write its logs and traces, and no more.
const HARMLESS: &[&str] =
    &["AWSLambdaBasicExecutionRole", "AWSXRayDaemonWriteAccess", "AWSXrayWriteOnlyAccess"];

/// What resolves a scalar to its text, or says what it is instead.
pub(super) type Resolve<'a> = &'a dyn Fn(&Node) -> Result<String, String>;

/// Reads policies in any form that SAM has: names, templates, documents and statements.
pub(super) fn policies(import: &mut Import, draft: &mut Draft, node: &Node, resolve: Resolve<'_>) {
    for policy in node.items() {
        let statements =
            policy.get("Statement").or_else(|| policy.at(&["PolicyDocument", "Statement"]));
        if let Some(statements) = statements {
            self::statements(import, draft, statements, resolve);
        } else if policy.get("Effect").is_some() {
            statement(import, draft, policy, resolve);
        } else if let (Value::Map(entries), None) = (&policy.value, &policy.tag)
            && let [(template, parameters)] = entries.as_slice()
            && !template.starts_with("Fn::")
            && template != "Ref"
        {
            self::template(import, draft, (template, parameters), resolve);
        } else {
            managed(import, policy, resolve);
        }
    }
}

/// Reads statements of a policy.
pub(super) fn statements(
    import: &mut Import,
    draft: &mut Draft,
    node: &Node,
    resolve: Resolve<'_>,
) {
    for one in node.items() {
        statement(import, draft, one, resolve);
    }
}

/// A managed policy, by its name or its ARN.
pub(super) fn managed(import: &mut Import, node: &Node, resolve: Resolve<'_>) {
    let text = match resolve(node) {
        Ok(text) => text,
        Err(what) => {
            import.note(node.line, format!("policy {what}: what it grants is not in this file"));
            return;
        }
    };
    let name = text.rsplit('/').next().unwrap_or(&text);
    let everything = match name {
        "AdministratorAccess" => Some("everything in the account"),
        "PowerUserAccess" => Some("everything in the account but users and roles"),
        "ReadOnlyAccess" => Some("to read everything in the account"),
        _ if name.contains("FullAccess") => Some("everything in its service"),
        _ => None,
    };
    if let Some(what) = everything {
        let what = format!("managed policy `{}`: {what}", shown(name));
        import.grant(node.line, what);
    } else if !HARMLESS.contains(&name) {
        let what = format!("managed policy `{}`: what it grants is not in this file", shown(name));
        import.note(node.line, what);
    }
}

/// A policy template of SAM's, which is scoped by its parameters.
fn template(
    import: &mut Import,
    draft: &mut Draft,
    (name, parameters): (&str, &Node),
    resolve: Resolve<'_>,
) {
    let bucket = parameters.get("BucketName").and_then(|name| resolve(name).ok());
    match (name.starts_with("S3"), bucket) {
        (true, Some(bucket)) => {
            let methods: &[&str] = match name {
                "S3ReadPolicy" => &["GET", "HEAD"],
                "S3WritePolicy" => &["PUT", "POST"],
                _ => &["*"],
            };
            draft.buckets.extend(methods.iter().map(|method| (*method, format!("{bucket}/*"))));
        }
        _ => service(draft, name.split("Policy").next().unwrap_or(name)),
    }
    if name == "LambdaInvokePolicy" {
        draft.calls.extend(parameters.get("FunctionName").and_then(referenced));
    }
    if name.contains("FullAccess") {
        let what = format!("policy template `{}`: everything in what it names", shown(name));
        import.grant(parameters.line, what);
    }
    for (key, value) in parameters.entries() {
        if resolve(value).is_ok_and(|text| text == "*") {
            let what = format!("policy template `{}`: `{}` is `*`", shown(name), shown(key));
            import.grant(value.line, what);
        }
    }
}

fn statement(import: &mut Import, draft: &mut Draft, node: &Node, resolve: Resolve<'_>) {
    if node.text_at("Effect").is_some_and(|effect| effect.eq_ignore_ascii_case("deny")) {
        return;
    }
    for key in ["NotAction", "NotResource"] {
        if let Some(excepted) = node.get(key) {
            let what = format!("`{key}`: everything but what it names");
            import.grant(excepted.line, what);
        }
    }
    let texts = |key: &str| -> Vec<(usize, String)> {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|item| Some((item.line, resolve(item).ok()?))).collect()
    };
    let actions = texts("Action");
    for resource in node.get("Resource").map(Node::items).unwrap_or_default() {
        let verbs = || actions.iter().map(|(_, action)| action.as_str());
        if let (Some(named), true) =
            (referenced(resource), verbs().any(|it| it.starts_with("lambda:Invoke")))
        {
            draft.calls.push(named);
        }
        let bucket = resolve(resource).ok();
        let bucket =
            bucket.as_deref().and_then(|it| it.strip_prefix("arn:aws:s3:::")).map(str::to_owned);
        if let Some(bucket) = bucket {
            let methods = verbs().filter_map(|it| it.strip_prefix("s3:")).flat_map(methods);
            let named: Vec<_> = methods.map(|method| (method, bucket.clone())).collect();
            draft.buckets.extend(named);
        }
    }
    for (line, action) in &actions {
        let (of, verb) = action.split_once(':').unwrap_or((action, ""));
        service(draft, of);
        let what = match (of, verb) {
            ("*", _) => "every action of every service".to_owned(),
            (of, "*") => format!("every action of `{}`", shown(of)),
            (_, verb) if verb.contains('*') => {
                format!("every action whose name fits `{}`", shown(action))
            }
            _ => continue,
        };
        import.grant(*line, what);
    }
    for (line, resource) in texts("Resource") {
        let named: Vec<String> =
            actions.iter().take(3).map(|(_, action)| format!("`{}`", shown(action))).collect();
        let more = if actions.len() > 3 { " and more" } else { "" };
        let what = if resource == "*" {
            "every resource"
        } else if is_wide(&resource) {
            "every resource of its kind"
        } else {
            continue;
        };
        let what = format!("{}{more} on {what} (`{}`)", named.join(", "), shown(&resource));
        import.grant(line, what);
    }
}

/// Whether an ARN names every resource of its kind, such as `arn:aws:s3:::*`.
fn is_wide(resource: &str) -> bool {
    let own = resource.splitn(6, ':').nth(5);
    own.is_some_and(|own| {
        matches!(own.trim_end_matches("/*"), "*" | "table/*" | "secret:*" | "key/*" | "function:*")
            || own == "table/*"
    })
}

/// Methods of S3's API that an action of its stands for.
fn methods(verb: &str) -> Vec<&'static str> {
    match verb {
        verb if verb.starts_with("Get") || verb.starts_with("List") => vec!["GET", "HEAD"],
        verb if verb.starts_with("Put") => vec!["PUT", "POST"],
        verb if verb.starts_with("Delete") => vec!["DELETE"],
        _ => vec!["*"],
    }
}

/// The resource of the same file that is meant.
pub(super) fn referenced(node: &Node) -> Option<String> {
    let (tag, value) = match (&node.tag, &node.value) {
        (Some(tag), _) => (tag.trim_start_matches('!'), node),
        (None, Value::Map(entries)) => match entries.as_slice() {
            [(key, value)] => (key.trim_start_matches("Fn::"), value),
            _ => return None,
        },
        _ => return None,
    };
    if !matches!(tag, "Ref" | "GetAtt") {
        return None;
    }
    let first = match &value.value {
        Value::List(items) => items.first()?.scalar()?,
        _ => value.scalar()?,
    };
    first.split('.').next().map(str::to_owned)
}

fn service(draft: &mut Draft, name: &str) {
    let name = shown(&name.to_lowercase());
    let own = ["", "*", "logs", "xray", "cloudwatch", "cloudwatchputmetric"];
    if !own.contains(&name.as_str()) && !draft.services.contains(&name) {
        draft.services.push(name);
    }
}
