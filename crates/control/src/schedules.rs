//! Schedules of functions.

use crate::answer::Answer;
use crate::place::Place;
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::api::{Accepted, Page, Schedule};
use model::{Code, Problem, TriggerName};

fn name(place: &Place) -> Result<TriggerName, Problem> {
    let text = place.text("name");
    TriggerName::parse(text).map_err(|error| Problem::new(Code::NoSuchTrigger).detail(error))
}

/// `GET …/schedules`
pub(crate) async fn list(
    place: Place,
    State(shared): State<Shared>,
) -> Answer<Json<Page<Schedule>>> {
    let items = shared.engine.schedules(&place.scope).await?;
    Ok(Json(Page { items, next: None }))
}

/// `POST …/schedules/{name}/run`
pub(crate) async fn run(place: Place, State(shared): State<Shared>) -> Answer<Json<Accepted>> {
    let invocation = shared.engine.run_schedule(&place.scope, &name(&place)?).await?;
    Ok(Json(Accepted { invocation }))
}

/// `POST …/schedules/{name}/pause`
pub(crate) async fn pause(place: Place, State(shared): State<Shared>) -> Answer<Json<Schedule>> {
    set(&place, &shared, true).await
}

/// `POST …/schedules/{name}/resume`
pub(crate) async fn resume(place: Place, State(shared): State<Shared>) -> Answer<Json<Schedule>> {
    set(&place, &shared, false).await
}

async fn set(place: &Place, shared: &Shared, paused: bool) -> Answer<Json<Schedule>> {
    let name = name(place)?;
    shared.engine.pause_schedule(&place.scope, &name, paused).await?;
    let all = shared.engine.schedules(&place.scope).await?;
    let found = all.into_iter().find(|schedule| schedule.name == name);
    Ok(Json(found.ok_or_else(|| Problem::new(Code::NoSuchTrigger).detail(name))?))
}
