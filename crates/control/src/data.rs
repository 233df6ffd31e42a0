//! Values that come back for the operator, and those that go away for good.

use crate::answer::Answer;
use crate::applications::ACTOR;
use crate::place::{Body, Place};
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::api::{EraseRequest, Erased, RevealRequest, Revealed};

/// `POST …/data/reveal`
pub(crate) async fn reveal(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<RevealRequest>,
) -> Answer<Json<Revealed>> {
    Ok(Json(shared.engine.reveal_data(&place.scope, ACTOR, request).await?))
}

/// `POST …/data/erase`
pub(crate) async fn erase(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<EraseRequest>,
) -> Answer<Json<Erased>> {
    Ok(Json(shared.engine.erase_data(&place.scope, ACTOR, request).await?))
}
