//! Flight records and log lines.

use crate::answer::{Answer, bad_request};
use crate::place::{Params, Place};
use crate::serve::Shared;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use engine::{LogQuery, RecordQuery};
use futures_util::stream;
use model::api::{CostBy, Costs, EventTriggers, Log, Page, Record};
use model::wire::AskedFor;
use model::wire::v1::{Caller, Level, Outcome};
use model::{FunctionName, InvocationId, Timestamp};
use serde::Deserialize;
use std::time::Duration;

/// Items on a page where nothing is said.
const LIMIT: usize = 100;
/// How long a follower waits between looks.
const LOOK: Duration = Duration::from_millis(250);
/// A blank line is sent after so many looks without news, so that dead followers are noticed.
const LOOKS_PER_BLANK: u32 = 40;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordParams {
    function: Option<FunctionName>,
    outcome: Option<String>,
    caller: Option<String>,
    root: Option<InvocationId>,
    calls: Option<String>,
    since_us: Option<i64>,
    before: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogParams {
    function: Option<FunctionName>,
    invocation: Option<InvocationId>,
    level: Option<String>,
    since_us: Option<i64>,
    after: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    follow: bool,
}

/// `GET …/records`
pub(crate) async fn list(
    place: Place,
    State(shared): State<Shared>,
    Params(params): Params<RecordParams>,
) -> Answer<Json<Page<Record>>> {
    let outcome = match params.outcome.as_deref() {
        Some(word) => Some(
            Outcome::parse(word)
                .ok_or_else(|| bad_request(format!("`{}` is no outcome", word.escape_debug())))?,
        ),
        None => None,
    };
    let caller = params.caller.as_deref().map(str::parse::<Caller>).transpose();
    let asked = params.calls.as_deref().map(str::parse::<AskedFor>).transpose();
    let query = RecordQuery {
        scope: place.scope,
        function: params.function,
        outcome,
        caller: caller.map_err(bad_request)?,
        root: params.root,
        asked: asked.map_err(bad_request)?,
        since: params.since_us.map(Timestamp),
        ended_since: None,
        before: params.before,
        limit: params.limit.unwrap_or(LIMIT),
    };
    Ok(Json(shared.engine.records(query).await?))
}

/// `GET …/records/{id}`
pub(crate) async fn show(place: Place, State(shared): State<Shared>) -> Answer<Json<Record>> {
    let id: InvocationId =
        place.text("id").parse().map_err(|_| bad_request("an invocation's id is a UUID"))?;
    Ok(Json(shared.engine.record(&place.scope, id).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostParams {
    by: Option<String>,
    since_us: Option<i64>,
}

/// `GET …/costs`
pub(crate) async fn costs(
    place: Place,
    State(shared): State<Shared>,
    Params(params): Params<CostParams>,
) -> Answer<Json<Costs>> {
    let word = params.by.as_deref().unwrap_or("function");
    let by = CostBy::parse(word).ok_or_else(|| {
        let words = CostBy::ALL.map(CostBy::word).join(", ");
        bad_request(format!("costs are by {words}, and not by `{}`", word.escape_debug()))
    })?;
    let since = Timestamp(params.since_us.unwrap_or(i64::MIN));
    Ok(Json(shared.engine.costs(&place.scope, by, since).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerParams {
    since_us: Option<i64>,
}

/// `GET …/event-triggers`
pub(crate) async fn event_triggers(
    place: Place,
    State(shared): State<Shared>,
    Params(params): Params<TriggerParams>,
) -> Answer<Json<EventTriggers>> {
    let since = Timestamp(params.since_us.unwrap_or(i64::MIN));
    Ok(Json(shared.engine.event_triggers(&place.scope, since).await?))
}

/// `GET …/logs`
pub(crate) async fn logs(
    place: Place,
    State(shared): State<Shared>,
    Params(params): Params<LogParams>,
) -> Answer<Response> {
    let level = match params.level.as_deref() {
        Some(word) => Some(
            Level::parse(word)
                .ok_or_else(|| bad_request(format!("`{}` is no level", word.escape_debug())))?,
        ),
        None => None,
    };
    let query = LogQuery {
        scope: place.scope,
        function: params.function,
        invocation: params.invocation,
        level,
        since: params.since_us.map(Timestamp),
        after: params.after,
        limit: params.limit.unwrap_or(LIMIT),
    };
    if params.follow {
        Ok(follow(shared, query))
    } else {
        Ok(Json(shared.engine.logs(query).await?).into_response())
    }
}

/// Lines as they come, one JSON document each.
fn follow(shared: Shared, query: LogQuery) -> Response {
    let lines =
        stream::unfold((shared, query, 0u32), |(shared, mut query, mut looks)| async move {
            loop {
                if shared.engine.draining() {
                    return None;
                }
                // A journal that cannot be read ends the stream; the client sees the cut.
                let page: Page<Log> = shared.engine.logs(query.clone()).await.ok()?;
                query.after = page.next.or(query.after);
                let text = ndjson(&page.items);
                if !text.is_empty() {
                    return Some((Ok::<_, std::convert::Infallible>(text), (shared, query, 0)));
                }
                looks += 1;
                if looks >= LOOKS_PER_BLANK {
                    return Some((Ok("\n".to_owned()), (shared, query, 0)));
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

fn ndjson(lines: &[Log]) -> String {
    let mut text = String::new();
    for line in lines {
        if let Ok(json) = serde_json::to_string(line) {
            text.push_str(&json);
            text.push('\n');
        }
    }
    text
}
