//! The event of an Application Load Balancer whose target is a function.

use super::around::{Around, text};
use super::body;
use http::request::Parts;
use serde_json::{Map, Value, json};

/// The event of a request. As AWS's does, it has one value for each name, the last, and parameters of
/// the query as they came, not decoded.
pub(super) fn event(head: &Parts, bytes: &[u8], around: &Around<'_>) -> Value {
    let headers: Map<String, Value> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value).into()))
        .collect();
    let (body, encoded) = body::of(head, bytes).unwrap_or_default();
    let group = format!(
        "arn:aws:elasticloadbalancing:local:000000000000:targetgroup/{}/0",
        around.function
    );
    json!({
        "requestContext": { "elb": { "targetGroupArn": group } },
        "httpMethod": head.method.as_str(),
        "path": head.uri.path(),
        "queryStringParameters": parameters(head),
        "headers": headers,
        "body": body,
        "isBase64Encoded": encoded,
    })
}

fn parameters(head: &Parts) -> Map<String, Value> {
    let query = head.uri.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}
