//! What SAM and the Serverless Framework both say of functions of AWS Lambda.

use super::draft::{Draft, Import, Variable, shown};
use super::yaml::Node;
use model::limit::Ceiling;
use model::unit::{Duration, Size};

/// The class with which AWS's runtime interface client starts a handler in Java.
const JAVA_CLIENT: &str = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda";

/// Says what runs a function. Whether anything can.
pub(super) fn runtime(
    import: &mut Import,
    draft: &mut Draft,
    line: usize,
    runtime: &str,
    handler: Option<&str>,
) -> bool {
    draft.handler = handler.map(str::to_owned);
    if runtime.starts_with("python") || runtime.starts_with("nodejs") {
        draft.interpreter = Some(runtime.to_owned());
        return true;
    }
    if runtime.starts_with("provided") || runtime == "go1.x" {
        return true;
    }
    if let (true, Some(handler)) = (runtime.starts_with("java"), handler) {
        draft.interpreter = Some("java".to_owned());
        let words = ["java", "-cp", "/var/task:/var/task/lib/*", JAVA_CLIENT, handler];
        draft.command = words.map(str::to_owned).to_vec();
        import.note(line, "the package has to bring AWS's runtime interface client for Java, and `source` the built classes");
        return true;
    }
    import.lack(line, format!("runtime `{}`: nothing here runs it", shown(runtime)));
    false
}

/// A number of seconds as a limit, at most what a node takes.
pub(super) fn timeout(import: &mut Import, draft: &mut Draft, line: usize, text: &str) {
    let Some(seconds) = text.parse::<u64>().ok().filter(|seconds| *seconds > 0) else {
        return import.lack(line, format!("timeout `{}`: it is no number of seconds", shown(text)));
    };
    let most = Ceiling::DEFAULT.wall;
    draft.timeout = Some(Duration::seconds(seconds.min(most.ms / 1000)));
    if seconds > most.ms / 1000 {
        import.note(
            line,
            format!("a timeout of {seconds} s became {most}, the most that a node takes"),
        );
    }
}

/// A number of MiB as a limit, at most what a node takes.
pub(super) fn memory(import: &mut Import, draft: &mut Draft, line: usize, text: &str) {
    let Some(mib) = text.parse::<u64>().ok().filter(|mib| (1..=1 << 20).contains(mib)) else {
        return import.lack(line, format!("memory `{}`: it is no number of MiB", shown(text)));
    };
    size(import, draft, line, mib << 20);
}

/// A number of bytes as a limit, at most what a node takes.
pub(super) fn size(import: &mut Import, draft: &mut Draft, line: usize, bytes: u64) {
    let most = Ceiling::DEFAULT.memory;
    draft.memory = Some(Size { bytes: bytes.min(most.bytes) });
    if bytes > most.bytes {
        let was = Size { bytes };
        import.note(line, format!("memory of {was} became {most}, the most that a node takes unless it is told otherwise"));
    }
}

/// Variables of an environment.
pub(super) fn environment(draft: &mut Draft, node: &Node, resolve: &dyn Fn(&Node) -> Variable) {
    for (name, value) in node.entries() {
        draft.environment.insert(name.clone(), (value.line, resolve(value)));
    }
}

/// A route of an HTTP API or a REST API as one of ours.
pub(super) fn route(method: &str, path: &str) -> String {
    let method = match method.to_ascii_uppercase().as_str() {
        "ANY" | "*" | "X-AMAZON-APIGATEWAY-ANY-METHOD" => "*".to_owned(),
        method => method.to_owned(),
    };
    let segments: Vec<String> = path.trim_matches('/').split('/').map(segment).collect();
    format!("{method} /{}", segments.join("/"))
}

fn segment(text: &str) -> String {
    let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return if text == "*" { "{*proxy}".to_owned() } else { text.to_owned() };
    };
    let plain = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    match name.strip_suffix('+') {
        Some(name) => format!("{{*{}}}", plain(name)),
        None => format!("{{{}}}", plain(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::route;

    #[test]
    fn routes_of_apis_become_routes_of_ours() {
        for (method, path, expect) in [
            ("get", "/items/{id}", "GET /items/{id}"),
            ("ANY", "/{proxy+}", "* /{*proxy}"),
            ("post", "items/", "POST /items"),
            ("*", "*", "* /{*proxy}"),
            ("get", "/a/{user-id}", "GET /a/{user_id}"),
            ("GET", "/", "GET /"),
        ] {
            assert_eq!(route(method, path), expect);
        }
    }
}
