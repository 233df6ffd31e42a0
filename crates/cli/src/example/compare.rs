//! What came back beside what had to.

use super::Case;
use crate::local::TrialAnswer;
use model::manifest::ExampleAnswer;
use serde::Serialize;
use serde_json::Value;

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// What: `status`, `header NAME`, `body`, `contains`, `function` or `expect`.
    pub(crate) what: String,
    /// What had to come; as text.
    pub(crate) expected: String,
    /// What came; as text.
    pub(crate) actual: String,
}

fn difference(what: impl Into<String>, expected: &str, actual: &str) -> Difference {
    Difference { what: what.into(), expected: expected.to_owned(), actual: actual.to_owned() }
}

/// Everything that is not as expected.
pub(super) fn differences(case: &Case<'_>, answer: &TrialAnswer) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(other) = answer.function.as_ref().filter(|other| *other != case.function) {
        found.push(difference("function", case.function.as_str(), other.as_str()));
    }
    let Some(expect) = &case.example.expect else {
        found.push(difference("expect", "nothing is said yet", &body_text(&answer.body)));
        return found;
    };
    if expect.status != answer.status {
        found.push(difference("status", &expect.status.to_string(), &answer.status.to_string()));
    }
    for (name, value) in &expect.headers {
        let came = answer.header(&name.to_ascii_lowercase());
        if came != Some(value) {
            found.push(difference(format!("header {name}"), value, came.unwrap_or("none")));
        }
    }
    found.extend(body(expect, answer));
    found
}

fn body(expect: &ExampleAnswer, answer: &TrialAnswer) -> Option<Difference> {
    let came = body_text(&answer.body);
    if let Some(text) = &expect.body {
        return (*text != came).then(|| difference("body", text, &came));
    }
    if let Some(json) = &expect.json {
        let actual: Option<Value> = serde_json::from_slice(&answer.body).ok();
        if actual.as_ref() == Some(json) {
            return None;
        }
        let shown = actual.map_or(came, |actual| pretty(&actual));
        return Some(difference("body", &pretty(json), &shown));
    }
    let part = expect.contains.as_ref()?;
    (!came.contains(part.as_str())).then(|| difference("contains", part, &came))
}

/// A body as text; what is no text is only counted.
pub(super) fn body_text(body: &[u8]) -> String {
    std::str::from_utf8(body)
        .map_or_else(|_| format!("({} bytes that are no text)", body.len()), str::to_owned)
}

fn pretty(value: &Value) -> String {
    // Plain data always has a form.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::FunctionName;
    use model::manifest::Example;

    fn found(expect: &str, status: u16, body: &[u8]) -> Vec<String> {
        let text = format!(r#"{{"name":"x","request":{{"path":"/"}}{expect}}}"#);
        let example: Example = serde_json::from_str(&text).expect(&text);
        let function = FunctionName::parse("a").expect("a name");
        let case = Case { function: &function, example: &example, index: 0 };
        let answer = TrialAnswer {
            status,
            headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            body: body.to_vec(),
            problem: None,
            function: Some(function.clone()),
            logs: Vec::new(),
        };
        let all = differences(&case, &answer);
        all.into_iter()
            .map(|one| format!("{}: {} | {}", one.what, one.expected, one.actual))
            .collect()
    }

    #[test]
    fn what_is_not_said_may_be_anything() {
        let good = |expect: &str, body: &[u8]| {
            assert_eq!(found(expect, 200, body), [] as [&str; 0], "{expect}");
        };
        good(r#","expect":{}"#, b"anything");
        good(r#","expect":{"headers":{"Content-Type":"text/plain"}}"#, b"");
        good(r#","expect":{"body":"a\n"}"#, b"a\n");
        good(r#","expect":{"json":{"b":1,"a":[2]}}"#, b" {\"a\" :[2],\"b\":1}");
        good(r#","expect":{"contains":"needle"}"#, b"hay needle hay");
    }

    #[test]
    fn everything_that_differs_is_named() {
        assert_eq!(
            found(r#","expect":{"headers":{"etag":"1"},"body":"a"}"#, 404, b"b"),
            ["status: 200 | 404", "header etag: 1 | none", "body: a | b"]
        );
        assert_eq!(found(r#","expect":{"json":[1]}"#, 200, b"no"), ["body: [\n  1\n]\n | no"]);
        assert_eq!(found(r#","expect":{"contains":"x"}"#, 200, b"y"), ["contains: x | y"]);
        let bytes = found(r#","expect":{"body":"x"}"#, 200, &[0xff, 0]);
        assert_eq!(bytes, ["body: x | (2 bytes that are no text)"]);
        assert_eq!(found("", 200, b"y"), ["expect: nothing is said yet | y"]);
    }
}
