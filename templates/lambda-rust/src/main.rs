//! A function of AWS Lambda's.

use lambda_http::{Body, Error, Request, RequestExt as _, Response, run, service_fn, tracing};

/// Answers a request, which comes as the event of a function URL.
async fn handle(request: Request) -> Result<Response<Body>, Error> {
    let name = request.raw_http_path().rsplit('/').next().unwrap_or_default();
    let response = Response::builder().header("content-type", "text/plain; charset=utf-8");
    Ok(response.body(format!("Hello, {name}!\n").into())?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    run(service_fn(handle)).await
}
