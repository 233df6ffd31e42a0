//! What is deployed.

use crate::answer::Answer;
use crate::place::Place;
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::api::{Function, Page, Revisions};
use model::{Code, FunctionRef, Problem};

pub(crate) fn reference(place: &Place) -> Answer<FunctionRef> {
    Ok(FunctionRef { scope: place.scope.clone(), name: place.name("function")? })
}

/// `GET …/functions`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Json<Page<Function>> {
    Json(Page { items: shared.engine.functions(&place.scope), next: None })
}

/// `GET …/functions/{function}`
pub(crate) async fn show(place: Place, State(shared): State<Shared>) -> Answer<Json<Function>> {
    let function = reference(&place)?;
    let missing = || Problem::new(Code::NoSuchFunction).detail(&function.name);
    Ok(Json(shared.engine.function(&function).ok_or_else(missing)?))
}

/// `GET …/functions/{function}/revisions`
pub(crate) async fn revisions(
    place: Place,
    State(shared): State<Shared>,
) -> Answer<Json<Revisions>> {
    let function = reference(&place)?;
    Ok(Json(shared.engine.revisions(&function).await?))
}
