//! What calls a function: its HTTP events become routes, and the others are named.

use super::super::draft::{Draft, Import, shown};
use super::super::lambda;
use super::super::yaml::Node;
use super::Function;
use model::manifest::EventForm;

/// Reads the events of a function, and its URL.
pub(super) fn read(
    import: &mut Import,
    draft: &mut Draft,
    function: &Function<'_>,
    template: &Node,
) {
    let mut forms = Vec::new();
    if let Some(events) = function.get("Events") {
        for (name, event) in events.entries() {
            let kind = event.text_at("Type").unwrap_or_default();
            let empty = Node::nothing(event.line);
            let said = event.get("Properties").unwrap_or(&empty);
            match kind {
                "Api" | "HttpApi" => {
                    let old = kind == "Api" || said.text_at("PayloadFormatVersion") == Some("1.0");
                    forms.push(if old { EventForm::HttpV1 } else { EventForm::HttpV2 });
                    http(import, draft, (kind, said), function, template);
                }
                kind => {
                    let what = format!(
                        "event `{}` ({}): there is no such trigger here yet",
                        shown(name),
                        shown(kind)
                    );
                    import.lack(event.line, what);
                }
            }
        }
    }
    if let Some(url) = function.get("FunctionUrlConfig") {
        let open = url.text_at("AuthType") == Some("NONE");
        forms.push(EventForm::HttpV2);
        let at = format!("* /{}/{{*proxy}}", draft.name);
        super::super::route(import, draft, url.line, at, open);
        import.note(url.line, format!("its URL is `/{}/` here", draft.name));
        if url.get("Cors").is_some() {
            import.lack(url.line, "`Cors` of its URL: write `cors` at the route");
        }
    }
    draft.event = forms.first().copied().unwrap_or_default();
    if forms.iter().any(|form| *form != draft.event) {
        import.note(
            draft.line,
            "its routes had events of two forms, and a function here has one: see `native.event`",
        );
    }
}

/// A route of an API.
fn http(
    import: &mut Import,
    draft: &mut Draft,
    (kind, said): (&str, &Node),
    function: &Function<'_>,
    template: &Node,
) {
    let text = |key: &str, otherwise: &str| match said.get(key) {
        None => Ok(otherwise.to_owned()),
        Some(node) => function.scope.text(node),
    };
    let (Ok(method), Ok(path)) = (text("Method", "any"), text("Path", "/{proxy+}")) else {
        return import.lack(said.line, "an event's path or method is not in the file");
    };
    let open = is_open(kind, said, template);
    let route = lambda::route(&method, &path);
    super::super::route(import, draft, said.line, route, open);
}

/// Whether no authorizer stands before a route.
fn is_open(kind: &str, said: &Node, template: &Node) -> bool {
    let auth = said.get("Auth");
    let text = |key: &str| auth.and_then(|auth| auth.get(key)).and_then(Node::scalar);
    match text("Authorizer") {
        Some("NONE") => return true,
        Some(_) => return false,
        None => {}
    }
    if text("ApiKeyRequired").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return false;
    }
    let api = said.get(if kind == "Api" { "RestApiId" } else { "ApiId" });
    let api = api.and_then(super::iam::referenced);
    let own = api.and_then(|id| template.at(&["Resources", &id, "Properties", "Auth"]));
    let all = template.at(&["Globals", kind, "Auth"]);
    let guarded = |auth: &Node| {
        auth.get("DefaultAuthorizer").is_some()
            || auth.text_at("ApiKeyRequired").is_some_and(|it| it.eq_ignore_ascii_case("true"))
    };
    !own.or(all).is_some_and(guarded)
}
