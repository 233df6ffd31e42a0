//! The ledger, to read and to take away.

use crate::answer::{Answer, Failed};
use crate::place::Params;
use crate::serve::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use model::api::{LedgerEntry, LedgerHead, Page};
use model::{Code, Problem};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryParams {
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

/// `GET /v1/ledger`
pub(crate) async fn head(State(shared): State<Shared>) -> Answer<Json<LedgerHead>> {
    Ok(Json(shared.engine.ledger_head().await?))
}

/// `GET /v1/ledger/entries`
pub(crate) async fn entries(
    State(shared): State<Shared>,
    Params(params): Params<EntryParams>,
) -> Answer<Json<Page<LedgerEntry>>> {
    Ok(Json(shared.engine.ledger_entries(params.from, params.limit.unwrap_or(100)).await?))
}

/// `GET /v1/ledger/export`
pub(crate) async fn export(State(shared): State<Shared>) -> Answer<Response> {
    let files = shared.engine.ledger_files().await?;
    let broken = |error: std::io::Error| Failed::from(Problem::new(Code::Internal).internal(error));
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut entry = tar::Header::new_gnu();
        entry.set_size(bytes.len() as u64);
        entry.set_mode(0o644);
        archive.append_data(&mut entry, path, bytes.as_slice()).map_err(broken)?;
    }
    let bytes = archive.into_inner().map_err(broken)?;
    Ok(([(header::CONTENT_TYPE, "application/x-tar")], bytes).into_response())
}
