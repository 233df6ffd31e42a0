//! Payload format 1.0, as REST APIs send it with proxy integration.

use super::around::{Around, field, host, source, text};
use super::{body, query};
use http::HeaderName;
use http::request::Parts;
use serde_json::{Map, Value, json};

/// The event of a request.
pub(super) fn event(head: &Parts, bytes: &[u8], around: &Around<'_>) -> Value {
    let (single, multi) = fields(head);
    let (query, queries) = parameters(head);
    let path = head.uri.path();
    let proxy = path.trim_start_matches('/');
    let (body, encoded) = body::of(head, bytes).unzip();
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": head.method.as_str(),
        "headers": single,
        "multiValueHeaders": multi,
        "queryStringParameters": unless_empty(query),
        "multiValueQueryStringParameters": unless_empty(queries),
        "pathParameters": if proxy.is_empty() { Value::Null } else { json!({ "proxy": proxy }) },
        "stageVariables": null,
        "requestContext": context(head, around),
        "body": body,
        "isBase64Encoded": encoded.unwrap_or(false),
    })
}

fn context(head: &Parts, around: &Around<'_>) -> Value {
    let domain = host(head);
    json!({
        "resourceId": "proxy",
        "resourcePath": "/{proxy+}",
        "httpMethod": head.method.as_str(),
        "extendedRequestId": around.id,
        "requestTime": around.time_text(),
        "requestTimeEpoch": around.time_ms(),
        "path": head.uri.path(),
        "accountId": "anonymous",
        "protocol": "HTTP/1.1",
        "stage": "$default",
        "domainName": domain,
        "domainPrefix": domain.split('.').next().unwrap_or_default(),
        "requestId": around.id,
        "apiId": around.function,
        "identity": {
            "cognitoIdentityPoolId": null,
            "accountId": null,
            "cognitoIdentityId": null,
            "caller": null,
            "sourceIp": source(head),
            "principalOrgId": null,
            "accessKey": null,
            "cognitoAuthenticationType": null,
            "cognitoAuthenticationProvider": null,
            "userArn": null,
            "userAgent": field(head, "user-agent").unwrap_or_default(),
            "user": null,
        },
    })
}

/// Fields as most clients write their names; the last of several, and all of them.
fn fields(head: &Parts) -> (Map<String, Value>, Map<String, Value>) {
    let mut single = Map::new();
    let mut multi = Map::new();
    for name in head.headers.keys() {
        let all: Vec<String> = head.headers.get_all(name).iter().map(text).collect();
        let name = titled(name);
        single.insert(name.clone(), all.last().cloned().into());
        multi.insert(name, all.into());
    }
    (single, multi)
}

/// `content-type` as `Content-Type`: how REST APIs show the names that clients send.
fn titled(name: &HeaderName) -> String {
    let mut begin = true;
    let letters = name.as_str().chars().map(|letter| {
        let shown = if begin { letter.to_ascii_uppercase() } else { letter };
        begin = letter == '-';
        shown
    });
    letters.collect()
}

fn parameters(head: &Parts) -> (Map<String, Value>, Map<String, Value>) {
    let mut single = Map::new();
    let mut multi = Map::<String, Value>::new();
    for (name, value) in query::pairs(head.uri.query().unwrap_or_default()) {
        match multi.get_mut(&name) {
            Some(Value::Array(all)) => all.push(value.clone().into()),
            _ => drop(multi.insert(name.clone(), vec![value.clone()].into())),
        }
        single.insert(name, value.into());
    }
    (single, multi)
}

fn unless_empty(map: Map<String, Value>) -> Value {
    if map.is_empty() { Value::Null } else { map.into() }
}
