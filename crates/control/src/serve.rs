//! The listener and its routes.

use crate::answer::Failed;
use crate::{
    applications, auth, caps, data, functions, grants, idempotency, invoke, keys, ledger, node,
    openapi, queue, records, schedules, secrets, sources, tokens,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post, put};
use engine::Engine;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use model::{Code, Problem};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Most bytes of a JSON body: a manifest with ten thousand functions fits.
const JSON_BYTES_MAX: usize = 32 << 20;
/// How long a client may take for its headers.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// What the admin API is built from.
pub struct Control {
    /// What does the work.
    pub engine: Arc<Engine>,
    /// What only the node knows.
    pub operations: Arc<dyn node::Operations>,
    /// Most bytes of a component.
    pub artifact_bytes_max: u64,
}

/// The admin API, ready to serve.
pub struct Service {
    router: Router,
}

/// What every handler has.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) operations: Arc<dyn node::Operations>,
    pub(crate) artifact_bytes_max: u64,
}

impl Control {
    /// Puts the routes together.
    #[must_use]
    pub fn build(self) -> Service {
        let artifact_bytes_max = self.artifact_bytes_max;
        let artifact_limit = usize::try_from(artifact_bytes_max).unwrap_or(usize::MAX);
        let shared =
            Shared { engine: self.engine, operations: self.operations, artifact_bytes_max };
        let artifacts = put(applications::put_artifact).head(applications::head_artifact);
        let scoped = Router::new()
            .route("/artifacts/{digest}", artifacts.layer(DefaultBodyLimit::max(artifact_limit)))
            .route(
                "/artifacts",
                post(applications::put_bundle)
                    .layer(DefaultBodyLimit::max(model::bundle::BUNDLE_BYTES_MAX)),
            )
            .route("/artifacts/missing", post(applications::missing_artifacts))
            .route("/functions/{function}/invoke", any(invoke::invoke))
            .route("/functions/{function}/invoke/", any(invoke::invoke))
            .route("/functions/{function}/invoke/{*path}", any(invoke::invoke))
            // A kept answer would keep a token's secret: tokens are never answered from memory.
            .route("/tokens", get(tokens::list).post(tokens::create))
            // Nor is anything made of a secret's value kept, and a digest of the request would be.
            .route("/secrets", get(secrets::list))
            .route("/secrets/{name}", put(secrets::set).delete(secrets::remove))
            .route("/secrets/{name}/rotate", post(secrets::rotate))
            // A kept answer would hold values.
            .route("/data/reveal", post(data::reveal))
            // And a kept request, or a digest of it, would say who had something erased.
            .route("/data/erase", post(data::erase))
            .route("/keys/public", get(keys::public))
            // Kept answers would be copies of keys, sealed though they are.
            .route("/keys/export", post(keys::export))
            .route("/keys/import", post(keys::import))
            .route("/queue/{id}/peek", post(queue::peek))
            .merge(plain().layer(from_fn_with_state(shared.clone(), idempotency::once)));
        let private = Router::new()
            .nest("/v1/tenants/{tenant}/environments/{environment}", scoped)
            .route("/v1/node", get(node::describe))
            .route("/v1/doctor", get(node::doctor))
            .route("/v1/backup", get(node::backup))
            // A kept answer would be a copy of the root key, or a digest of its passphrase.
            .route("/v1/keys", get(keys::show))
            .route("/v1/keys/rotate", post(keys::rotate))
            .route("/v1/keys/rewrap", get(keys::progress).post(keys::rewrap))
            .route("/v1/keys/retire", post(keys::retire))
            .route("/v1/keys/backup", post(keys::backup))
            .route("/v1/runtimes", get(node::runtimes))
            .route("/v1/ledger", get(ledger::head))
            .route("/v1/ledger/entries", get(ledger::entries))
            .route("/v1/ledger/export", get(ledger::export))
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
            .layer(from_fn_with_state(shared.clone(), auth::operator_only));
        let router = Router::new()
            .route("/healthz", get(node::alive))
            .route("/readyz", get(node::ready))
            .route("/v1/openapi.json", get(openapi::serve))
            .merge(private)
            .layer(from_fn(auth::stamp))
            .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
            .with_state(shared);
        Service { router }
    }
}

fn plain() -> Router<Shared> {
    Router::new()
        .route(
            "/applications/{application}",
            get(applications::show).put(applications::deploy).delete(applications::remove),
        )
        .route("/applications", get(applications::list))
        .route("/applications/{application}/rollback", post(applications::rollback))
        .route("/functions", get(functions::list))
        .route("/functions/{function}", get(functions::show))
        .route("/functions/{function}/revisions", get(functions::revisions))
        .route("/grants", get(grants::list).post(grants::grant))
        .route("/grants/revoke", post(grants::revoke))
        .route("/tokens/{name}", delete(tokens::revoke))
        .route("/queue", get(queue::list))
        .route("/queue/{id}/retry", post(queue::retry))
        .route("/queue/redrive", post(queue::redrive))
        .route("/queue/purge", post(queue::purge))
        .route("/schedules", get(schedules::list))
        .route("/schedules/{name}/run", post(schedules::run))
        .route("/schedules/{name}/pause", post(schedules::pause))
        .route("/schedules/{name}/resume", post(schedules::resume))
        .route("/sources", get(sources::list))
        .route("/records", get(records::list))
        .route("/records/{id}", get(records::show))
        .route("/costs", get(records::costs))
        .route("/event-triggers", get(records::event_triggers))
        .route("/logs", get(records::logs))
        .route("/caps", get(caps::list))
        .route("/caps/lift", post(caps::lift))
        .route("/caps/proposals", get(caps::proposals))
}

/// An operation that this version does not know: most likely the other side is of another version.
async fn unknown(request: Request) -> Response {
    let theirs = request
        .headers()
        .get("casemate-client")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("unknown");
    let detail = format!(
        "{} {} is no operation of this node's version {}; the client's version is {}",
        request.method(),
        request.uri().path(),
        crate::VERSION,
        theirs.escape_debug()
    );
    Failed::from(Problem::new(Code::VersionSkew).detail(detail)).into_response()
}

impl Service {
    /// Serves until `stop` is ready, then finishes what is under way for up to `grace`.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>, grace: Duration) {
        let graceful = hyper_util::server::graceful::GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            let Ok((stream, _peer)) = accepted else {
                // Out of descriptors: waiting is better than spinning.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let _no_delay = stream.set_nodelay(true);
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            let service = TowerToHyperService::new(self.router.clone());
            let connection =
                graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "an admin connection ended badly");
                }
            });
        }
        drop(listener);
        let _in_time_or_not = tokio::time::timeout(grace, graceful.shutdown()).await;
    }

    /// The routes, for tests that need no listener.
    #[doc(hidden)]
    pub fn into_router(self) -> Router {
        self.router
    }
}
