//! Payload format 2.0, as function URLs and HTTP APIs send it.

use super::around::{Around, field, host, source, text};
use super::{body, query};
use http::header::COOKIE;
use http::request::Parts;
use serde_json::{Map, Value, json};

/// The account of who signs. AWS has none like it.
const ACCOUNT: &str = "000000000000";

/// The event of a request.
pub(super) fn event(head: &Parts, bytes: &[u8], around: &Around<'_>) -> Value {
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| drop(event.insert(name.to_owned(), value));
    put("version", "2.0".into());
    put("routeKey", "$default".into());
    put("rawPath", head.uri.path().into());
    put("rawQueryString", head.uri.query().unwrap_or_default().into());
    let cookies = cookies(head);
    if !cookies.is_empty() {
        put("cookies", cookies.into());
    }
    put("headers", headers(head).into());
    let parameters = parameters(head);
    if !parameters.is_empty() {
        put("queryStringParameters", parameters.into());
    }
    put("requestContext", context(head, around));
    let (body, encoded) = body::of(head, bytes).unzip();
    if let Some(body) = body {
        put("body", body.into());
    }
    put("isBase64Encoded", encoded.unwrap_or(false).into());
    Value::Object(event)
}

fn context(head: &Parts, around: &Around<'_>) -> Value {
    let domain = host(head);
    // An address of a function is called by its id, a route by its function.
    let address = model::beside::id_of(domain.split(':').next().unwrap_or_default());
    let signer = address.and_then(|_| field(head, "casemate-caller")?.strip_prefix("token:"));
    let mut context = json!({
        "accountId": signer.map_or("anonymous", |_| ACCOUNT),
        "apiId": address.unwrap_or(around.function),
        "authentication": null,
        "domainName": domain,
        "domainPrefix": domain.split('.').next().unwrap_or_default(),
        "http": {
            "method": head.method.as_str(),
            "path": head.uri.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": source(head),
            "userAgent": field(head, "user-agent").unwrap_or_default(),
        },
        "requestId": around.id,
        "routeKey": "$default",
        "stage": "$default",
        "time": around.time_text(),
        "timeEpoch": around.time_ms(),
    });
    if let (Some(name), Some(members)) = (signer, context.as_object_mut()) {
        let iam = json!({
            "accessKey": null,
            "accountId": ACCOUNT,
            "callerId": name,
            "cognitoIdentity": null,
            "principalOrgId": null,
            "userArn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
            "userId": name,
        });
        members.insert("authorizer".to_owned(), json!({ "iam": iam }));
    }
    context
}

/// Fields by their names in lower case, several of a name joined by commas. Cookies are not among
/// them.
fn headers(head: &Parts) -> Map<String, Value> {
    let names = head.headers.keys().filter(|name| *name != COOKIE);
    names.map(|name| (name.as_str().to_owned(), joined(head, name).into())).collect()
}

fn joined(head: &Parts, name: &http::HeaderName) -> String {
    head.headers.get_all(name).iter().map(text).collect::<Vec<_>>().join(",")
}

fn cookies(head: &Parts) -> Vec<String> {
    let fields = head.headers.get_all(COOKIE).iter().map(text);
    let all = fields.flat_map(|field| {
        field.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>()
    });
    all.filter(|cookie| !cookie.is_empty()).collect()
}

fn parameters(head: &Parts) -> Map<String, Value> {
    let mut all = Map::<String, Value>::new();
    for (name, value) in query::pairs(head.uri.query().unwrap_or_default()) {
        let value = match all.get(&name) {
            Some(Value::String(before)) => format!("{before},{value}"),
            _ => value,
        };
        all.insert(name, value.into());
    }
    all
}
