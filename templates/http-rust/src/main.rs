//! Greets whoever the path names.

use wstd::http::{Body, Error, Request, Response};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let path = request.uri().path();
    // What a function prints is its log.
    println!("asked for {path}");
    let name = path.rsplit('/').next().unwrap_or_default();
    Ok(Response::new(format!("Hello, {name}!\n").into()))
}
