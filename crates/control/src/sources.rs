//! Sources of messages.

use crate::answer::Answer;
use crate::place::Place;
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::api::{Page, Source};

/// `GET …/sources`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Answer<Json<Page<Source>>> {
    let items = shared.engine.sources(&place.scope);
    Ok(Json(Page { items, next: None }))
}
