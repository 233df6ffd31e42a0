//! Names, routes, hosts and other texts, as they may have been meant.

/// What a complaint says should be written: what stands between backticks after such a word.
pub(super) fn advised(said: &str) -> Vec<String> {
    let starts = ["write ", "expected ", "such as ", " like "];
    let start = starts.iter().filter_map(|start| said.find(start)).min();
    let advice = start.and_then(|start| said.get(start..)).unwrap_or_default();
    advice.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Numbers, durations and sizes that a complaint names as limits.
pub(super) fn limits(said: &str) -> Vec<String> {
    let words = said.split(|c: char| c.is_whitespace() || "`,;()\"".contains(c));
    let limit = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && *word != "0s"
    };
    let mut found: Vec<String> = words.filter(limit).map(str::to_owned).collect();
    // `above 0s and at most 15m`: the last one is the nearest to what was wanted.
    found.reverse();
    found
}

/// Other spellings of a text: as a route, a host, an origin, a name.
pub(super) fn alike(text: &str, owner: &str) -> Vec<String> {
    let trimmed = text.trim();
    let mut all = vec![trimmed.to_owned(), trimmed.to_ascii_lowercase()];
    if let Some(issuer) = trimmed.strip_prefix("jwt:") {
        all.push(format!("jwt:{}", slug(issuer)));
    }
    if trimmed.contains("public") {
        all.push(trimmed.replace("public", "private"));
    }
    if !trimmed.contains('/') {
        all.push(trimmed.to_ascii_uppercase());
    }
    all.push(format!("/{}", trimmed.trim_start_matches(['.', '/'])));
    all.extend(routes(trimmed));
    let name = slug(trimmed);
    if !name.is_empty() {
        all.push(name.clone());
        all.push(format!("{}-2", name.chars().take(60).collect::<String>().trim_end_matches('-')));
        all.push(format!("my-{}", name.chars().take(60).collect::<String>().trim_end_matches('-')));
    }
    all.push("my-function".to_owned());
    let bare = trimmed.split_once("://").map_or(trimmed, |(_, rest)| rest);
    let host = bare.split(['/', '?', '#']).next().unwrap_or_default().rsplit('@').next();
    let host = host.unwrap_or_default().to_ascii_lowercase();
    let port = host.split(':').next().unwrap_or_default();
    all.extend([
        host.clone(),
        port.to_owned(),
        format!("https://{host}"),
        format!("https://{port}"),
    ]);
    all.push(format!("https://{}.com", port.trim_start_matches("*.")));
    all.extend([format!("GET /{owner}"), format!("* /{owner}/{{*rest}}")]);
    all
}

/// A route that others have, below a name of its own; a place of files too.
pub(super) fn below(route: &str, owner: &str) -> String {
    let (method, target) =
        route.split_once(' ').map_or(("", route), |(method, rest)| (method, rest));
    let (host, path) = target.split_at(target.find('/').unwrap_or(target.len()));
    format!("{method} {host}/{owner}{path}").trim_start().to_owned()
}

/// A route with its method in capitals, a path from the root, and parameters in braces.
fn routes(text: &str) -> Vec<String> {
    let (method, target) = match text.split_once(char::is_whitespace) {
        Some((method, target)) => (method.to_ascii_uppercase(), target.trim()),
        None => ("GET".to_owned(), text),
    };
    let target = target.split(['?', '#']).next().unwrap_or_default();
    let target = target.split_once("://").map_or(target, |(_, rest)| rest);
    let mut segments: Vec<String> = Vec::new();
    for segment in target.trim_start_matches('/').split('/') {
        let parameter = segment.trim_matches(['{', '}', '<', '>', ':', '*', '$', ' ']);
        let marked =
            segment.starts_with([':', '<', '{', '*', '$']) || segment.ends_with(['}', '>']);
        match segment {
            "" | "." | ".." => {}
            "*" | "**" => segments.push("{*rest}".to_owned()),
            _ if marked => segments.push(format!("{{{}}}", parameter.replace('-', "_"))),
            _ => segments.push(segment.to_owned()),
        }
    }
    let path = segments.join("/");
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let mut near: Vec<&str> = methods.to_vec();
    near.sort_by_key(|known| strsim::damerau_levenshtein(known, &method));
    let mut all = vec![format!("{method} /{path}")];
    all.extend(near.first().map(|near| format!("{near} /{path}")));
    all.push(format!("* /{path}"));
    // A parameter that has the name of another.
    if let Some(last) = segments.last_mut().filter(|last| last.starts_with('{')) {
        *last = "{rest}".to_owned();
        all.push(format!("{method} /{}", segments.join("/")));
    }
    all
}

/// Lower-case letters, digits and `-`, beginning with a letter.
fn slug(text: &str) -> String {
    let mut name = String::new();
    for c in text.to_lowercase().chars() {
        let c = if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    name.chars().take(63).collect::<String>().trim_end_matches('-').to_owned()
}
