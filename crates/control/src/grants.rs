//! Who was allowed what.

use crate::answer::Answer;
use crate::applications::ACTOR;
use crate::place::{Body, Place};
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::Grant;
use model::api::{Done, Page};

/// `GET …/grants`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Json<Page<Grant>> {
    Json(Page { items: shared.engine.grants(&place.scope), next: None })
}

/// `POST …/grants`
pub(crate) async fn grant(
    place: Place,
    State(shared): State<Shared>,
    Body(grant): Body<Grant>,
) -> Answer<Json<Done>> {
    let leaf = shared.engine.grant(&place.scope, ACTOR, grant).await?;
    Ok(Json(Done { leaf }))
}

/// `POST …/grants/revoke`
pub(crate) async fn revoke(
    place: Place,
    State(shared): State<Shared>,
    Body(grant): Body<Grant>,
) -> Answer<Json<Done>> {
    let leaf = shared.engine.revoke(&place.scope, ACTOR, grant).await?;
    Ok(Json(Done { leaf }))
}
