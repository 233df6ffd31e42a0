//! Caps: what is used of them, lifting one, and proposals from records.

use crate::answer::Answer;
use crate::applications::ACTOR;
use crate::place::{Body, Params, Place};
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::api::{Caps, LiftRequest, Lifted, Proposals};
use model::{FunctionName, Timestamp};
use serde::Deserialize;

/// `GET …/caps`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Json<Caps> {
    Json(shared.engine.caps(&place.scope))
}

/// `POST …/caps/lift`
pub(crate) async fn lift(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<LiftRequest>,
) -> Answer<Json<Lifted>> {
    Ok(Json(shared.engine.lift_cap(&place.scope, ACTOR, request).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProposalParams {
    function: Option<FunctionName>,
    since_us: Option<i64>,
}

/// `GET …/caps/proposals`
pub(crate) async fn proposals(
    place: Place,
    State(shared): State<Shared>,
    Params(params): Params<ProposalParams>,
) -> Answer<Json<Proposals>> {
    let since = Timestamp(params.since_us.unwrap_or(i64::MIN));
    Ok(Json(shared.engine.propose_caps(&place.scope, params.function, since).await?))
}
