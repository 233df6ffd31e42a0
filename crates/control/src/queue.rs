//! Calls that wait, and those that were given up.

use crate::answer::Answer;
use crate::applications::ACTOR;
use crate::place::{Body, Params, Place};
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::{ListQuery, Purge};
use model::api::{Accepted, Page, Peeked, PurgeRequest, Purged, Queued, RedriveRequest, Redriven};
use model::{Code, FunctionName, InvocationId, Problem, Scope};
use serde::Deserialize;

/// Items on a page where nothing is said.
const LIMIT: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueParams {
    function: Option<FunctionName>,
    #[serde(default)]
    dead: bool,
    after: Option<InvocationId>,
    limit: Option<usize>,
}

/// `GET …/queue`
pub(crate) async fn list(
    place: Place,
    State(shared): State<Shared>,
    Params(params): Params<QueueParams>,
) -> Answer<Json<Page<Queued>>> {
    let limit = params.limit.unwrap_or(LIMIT);
    let QueueParams { function, dead, after, .. } = params;
    let query = ListQuery { scope: place.scope, function, dead, after, limit };
    let items = shared.engine.queued(query).await?;
    let next = items.last().filter(|_| items.len() >= limit).map(|it| it.invocation.to_string());
    Ok(Json(Page { items, next }))
}

/// `POST …/queue/{id}/retry`
pub(crate) async fn retry(place: Place, State(shared): State<Shared>) -> Answer<Json<Accepted>> {
    let text = place.text("id");
    let id: InvocationId = text.parse().map_err(|_| Problem::new(Code::NoSuchMessage))?;
    shared.engine.requeue(&place.scope, id).await?;
    Ok(Json(Accepted { invocation: id }))
}

/// `POST …/queue/{id}/peek`
pub(crate) async fn peek(place: Place, State(shared): State<Shared>) -> Answer<Json<Peeked>> {
    let text = place.text("id");
    let id: InvocationId = text.parse().map_err(|_| Problem::new(Code::NoSuchMessage))?;
    Ok(Json(shared.engine.peek(&place.scope, ACTOR, id).await?))
}

/// `POST …/queue/redrive`
pub(crate) async fn redrive(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<RedriveRequest>,
) -> Answer<Json<Redriven>> {
    Ok(Json(Redriven { retried: shared.engine.redrive(&place.scope, request.function).await? }))
}

/// `POST …/queue/purge`
pub(crate) async fn purge(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<PurgeRequest>,
) -> Answer<Json<Purged>> {
    let which = match (request.invocation, request.function) {
        (Some(id), None) => Purge::One(id),
        (None, Some(name)) => Purge::Function(name),
        (None, None) => Purge::All,
        (Some(_), Some(_)) => {
            return Err(crate::answer::bad_request("name an invocation or a function, not both"));
        }
    };
    Ok(Json(Purged { removed: shared.engine.purge(&place.scope, which).await? }))
}

/// Whether an admin request prefers an answer before the work is done (RFC 7240, section 4.1).
pub(crate) fn is_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|it| it.trim() == "respond-async")
}

/// The answer to a call that runs later: where its record will be.
pub(crate) fn accepted(scope: &Scope, invocation: InvocationId) -> Response {
    let place = format!(
        "/v1/tenants/{}/environments/{}/records/{invocation}",
        scope.tenant, scope.environment
    );
    let headers = [
        (header::LOCATION, place),
        (header::HeaderName::from_static("casemate-invocation"), invocation.to_string()),
    ];
    (StatusCode::ACCEPTED, headers, Json(Accepted { invocation })).into_response()
}
