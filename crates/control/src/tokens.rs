//! API tokens.

use crate::answer::Answer;
use crate::applications::ACTOR;
use crate::place::{Body, Place};
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::api::{Done, Page, Token, TokenCreated, TokenRequest};

/// `GET …/tokens`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Json<Page<Token>> {
    Json(Page { items: shared.engine.tokens(&place.scope), next: None })
}

/// `POST …/tokens`
pub(crate) async fn create(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<TokenRequest>,
) -> Answer<Json<TokenCreated>> {
    Ok(Json(shared.engine.create_token(&place.scope, ACTOR, request).await?))
}

/// `DELETE …/tokens/{name}`
pub(crate) async fn revoke(place: Place, State(shared): State<Shared>) -> Answer<Json<Done>> {
    let leaf = shared.engine.revoke_token(&place.scope, ACTOR, &place.name("name")?).await?;
    Ok(Json(Done { leaf }))
}
