//! What is deployed.

use crate::answer::Answer;
use crate::place::Place;
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use model::api::{Deployed, Function, Page, Revisions};
use model::route::example_url;
use model::{Code, FunctionRef, Problem};

pub(crate) fn reference(place: &Place) -> Answer<FunctionRef> {
    Ok(FunctionRef { scope: place.scope.clone(), name: place.name("function")? })
}

/// `GET …/functions`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Json<Page<Function>> {
    let mut items = shared.engine.functions(&place.scope);
    shared.address(&mut items);
    Json(Page { items, next: None })
}

/// `GET …/functions/{function}`
pub(crate) async fn show(place: Place, State(shared): State<Shared>) -> Answer<Json<Function>> {
    let function = reference(&place)?;
    let missing = || Problem::new(Code::NoSuchFunction).detail(&function.name);
    let mut found = shared.engine.function(&function).ok_or_else(missing)?;
    shared.address(std::slice::from_mut(&mut found));
    Ok(Json(found))
}

impl Shared {
    /// Gives every function a URL for each of its routes: only here is known where the public
    /// listener is.
    pub(crate) fn address(&self, functions: &mut [Function]) {
        let gateway = self.operations.describe().gateway;
        for function in functions {
            let routes = function.routes.iter();
            function.urls = routes.map(|route| example_url(&gateway, route)).collect();
        }
    }

    /// The same, for an answer to a deployment.
    pub(crate) fn addressed(&self, mut deployed: Deployed) -> Deployed {
        self.address(&mut deployed.functions);
        deployed
    }
}

/// `GET …/functions/{function}/revisions`
pub(crate) async fn revisions(
    place: Place,
    State(shared): State<Shared>,
) -> Answer<Json<Revisions>> {
    let function = reference(&place)?;
    Ok(Json(shared.engine.revisions(&function).await?))
}
