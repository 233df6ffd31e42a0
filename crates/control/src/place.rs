//! Names from paths, and bodies from requests: everything foreign becomes a checked type here.

use crate::answer::{Failed, bad_request};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use model::{Code, Problem, Scope};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// The tenant and environment of a path, and its other parts by name.
pub(crate) struct Place {
    pub(crate) scope: Scope,
    parts: HashMap<String, String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let Path(parts): Path<HashMap<String, String>> = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| bad_request(error.body_text()))?;
        let scope =
            Scope { tenant: named(&parts, "tenant")?, environment: named(&parts, "environment")? };
        Ok(Self { scope, parts })
    }
}

impl Place {
    /// One part of the path as a checked name.
    pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        part: &str,
    ) -> Result<T, Failed> {
        named(&self.parts, part)
    }

    /// One part of the path as it came.
    pub(crate) fn text(&self, part: &str) -> &str {
        self.parts.get(part).map(String::as_str).unwrap_or_default()
    }
}

fn named<T: std::str::FromStr<Err: std::fmt::Display>>(
    parts: &HashMap<String, String>,
    part: &str,
) -> Result<T, Failed> {
    let text = parts.get(part).map(String::as_str).unwrap_or_default();
    text.parse().map_err(|error: T::Err| Problem::new(Code::BadName).detail(error).into())
}

/// A JSON body that says what is wrong with it.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let bytes = bytes::Bytes::from_request(request, state)
            .await
            .map_err(|error| bad_request(error.body_text()))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|error| bad_request(format!("the body: {error}")))
    }
}

/// Query parameters; unknown ones are errors.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let Query(params) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|error| bad_request(error.body_text()))?;
        Ok(Self(params))
    }
}
