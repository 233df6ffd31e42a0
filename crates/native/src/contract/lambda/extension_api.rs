//! The calls of the Extensions API, and of the APIs for logs and telemetry.

use super::api::{REPORT_BYTES_MAX, about, with_id};
use super::extensions::Wants;
use super::receive;
use super::state::State;
use super::words::{Reply, Wrong, accepted, json, text};
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use ports::executor::{Fault, FaultKind};
use serde::Deserialize;
use serde_json::{Value, json};

/// What an extension registers for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    configuration_keys: Vec<String>,
}

/// Answers one call.
pub(super) async fn answer(state: &State, request: Request<Incoming>) -> Reply {
    let path = request.uri().path().to_owned();
    let known = match (request.method(), path.as_str()) {
        (&Method::POST, "/2020-01-01/extension/register") => register(state, request).await,
        (&Method::GET, "/2020-01-01/extension/event/next") => next(state, &request).await,
        (
            &Method::POST,
            "/2020-01-01/extension/init/error" | "/2020-01-01/extension/exit/error",
        ) => left(state, request).await,
        (&Method::PUT, "/2022-07-01/telemetry") => unsupported(state, request, "Telemetry").await,
        (&Method::PUT, "/2020-08-15/logs") => unsupported(state, request, "Logs").await,
        _ => return text(StatusCode::NOT_FOUND, "404 page not found\n"),
    };
    known.unwrap_or_else(|wrong| wrong.reply())
}

async fn register(state: &State, request: Request<Incoming>) -> Result<Reply, Wrong> {
    let (head, body) = request.into_parts();
    let name = field(&head.headers, "lambda-extension-name").to_owned();
    let features = field(&head.headers, "lambda-extension-accept-feature");
    let account = features.split(',').any(|feature| feature.trim() == "accountId");
    let format = |why: String| Wrong::extension("InvalidRequestFormat", why);
    let body = receive::whole(body, REPORT_BYTES_MAX)
        .await
        .map_err(|_| format("unexpected end of JSON input".to_owned()))?;
    let said: Registration =
        serde_json::from_slice(&body).map_err(|why| format(why.to_string()))?;
    if !said.configuration_keys.is_empty() {
        let why = "configurationKeys are deprecated; use environment variables instead";
        return Err(format(why.to_owned()));
    }
    let mut wants = Wants::default();
    for event in &said.events {
        match event.as_str() {
            "INVOKE" => wants.invoke = true,
            "SHUTDOWN" => wants.shutdown = true,
            other => {
                let other: String = other.chars().take(64).collect();
                let why = format!("{other}: Invalid event type");
                return Err(Wrong::extension("Extension.InvalidEventType", why));
            }
        }
    }
    let id = state.change(|table| match table.registering() {
        true => table.extensions.register(&name, wants),
        false => {
            let kind = "Extension.RegistrationClosed";
            Err(Wrong::extension(kind, "Extension registration closed already"))
        }
    })?;
    Ok(about(state, &id, account))
}

async fn next(state: &State, request: &Request<Incoming>) -> Result<Reply, Wrong> {
    let id = field(request.headers(), "lambda-extension-identifier");
    let event = state.change(|table| table.extensions.next(id))?;
    match event.await {
        Ok(event) => {
            let reply = json(StatusCode::OK, &event);
            let id = event.get("requestId").and_then(Value::as_str).unwrap_or(id);
            Ok(with_id(reply, "lambda-extension-event-identifier", id))
        }
        Err(_) => Err(Wrong::extension_state("Ready", "Ready", id)),
    }
}

/// An extension cannot start, or ends: AWS begins anew then, and so does whoever runs this.
async fn left(state: &State, request: Request<Incoming>) -> Result<Reply, Wrong> {
    let (head, body) = request.into_parts();
    let id = field(&head.headers, "lambda-extension-identifier");
    let name = "Lambda-Extension-Function-Error-Type";
    let kind = field(&head.headers, "lambda-extension-function-error-type");
    if kind.is_empty() {
        state.table().extensions.known_id(id)?;
        return Err(Wrong::extension("Extension.MissingHeader", format!("{name} not found")));
    }
    let kind: String = kind.chars().take(256).collect();
    let _report = receive::whole(body, REPORT_BYTES_MAX).await;
    state.change(|table| {
        let name = table.extensions.left(id)?;
        let reason = format!("the extension `{name}` ended: {kind}");
        table.broke(Fault { kind: FaultKind::GuestError, reason });
        Ok(accepted())
    })
}

/// As AWS answers where it has neither: extensions take that, and go on.
async fn unsupported(
    state: &State,
    request: Request<Incoming>,
    which: &str,
) -> Result<Reply, Wrong> {
    let id = field(request.headers(), "lambda-extension-identifier").to_owned();
    state.table().extensions.known_id(&id)?;
    let _subscription = receive::whole(request.into_body(), REPORT_BYTES_MAX).await;
    let body = json!({
        "errorMessage": format!("{which} API is not supported"),
        "errorType": format!("{which}.NotSupported"),
    });
    Ok(json(StatusCode::ACCEPTED, &body))
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
