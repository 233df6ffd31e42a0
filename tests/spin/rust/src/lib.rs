//! One component that uses what the SDK offers, each at a path of its own.

use spin_sdk::http::{IntoResponse, Method, Params, Request, Response, Router};
use spin_sdk::http_component;
use spin_sdk::key_value::Store;
use spin_sdk::variables;

#[http_component]
async fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    let mut router = Router::new();
    router.get("/fields/*", fields);
    router.get("/fields", fields);
    router.get("/exact", fields);
    router.get("/exact/", fields);
    router.get("/users/:id/*", fields);
    router.get("/users/:id", fields);
    router.get("/kv/keys", keys);
    router.get("/kv/:key", get);
    router.post("/kv/:key", set);
    router.delete("/kv/:key", delete);
    router.get("/other-store", other_store);
    router.get("/variable/:name", variable);
    router.get("/environment/:name", environment);
    router.get("/file", file);
    router.get("/directory", directory);
    router.get("/write", write);
    router.post_async("/send", send);
    router.any("/*", nothing);
    Ok(router.handle_async(request).await)
}

fn said<T: std::fmt::Display, E: std::fmt::Debug>(result: Result<T, E>) -> anyhow::Result<Response> {
    Ok(match result {
        Ok(text) => Response::new(200, format!("{text}\n")),
        Err(error) => Response::new(500, format!("{error:?}\n")),
    })
}

/// What Spin says about the request, sorted.
fn fields(request: Request, _: Params) -> anyhow::Result<Response> {
    let mut all: Vec<String> = request
        .headers()
        .filter(|(name, _)| name.starts_with("spin-"))
        .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or("?")))
        .collect();
    all.sort();
    Ok(Response::new(200, all.join("\n") + "\n"))
}

fn keys(_: Request, _: Params) -> anyhow::Result<Response> {
    said(Store::open_default().and_then(|store| store.get_keys()).map(|keys| keys.join(",")))
}

fn get(_: Request, params: Params) -> anyhow::Result<Response> {
    let key = params.get("key").unwrap_or_default();
    let value = Store::open_default().and_then(|store| store.get(key));
    said(value.map(|value| match value {
        Some(value) => String::from_utf8_lossy(&value).into_owned(),
        None => "nothing".to_owned(),
    }))
}

fn set(request: Request, params: Params) -> anyhow::Result<Response> {
    let key = params.get("key").unwrap_or_default();
    let done = Store::open_default().and_then(|store| store.set(key, request.body()));
    said(done.map(|()| "set"))
}

fn delete(_: Request, params: Params) -> anyhow::Result<Response> {
    let key = params.get("key").unwrap_or_default();
    let store = Store::open_default();
    let done = store.and_then(|store| {
        store.delete(key)?;
        store.exists(key)
    });
    said(done)
}

fn other_store(request: Request, _: Params) -> anyhow::Result<Response> {
    let label = request.query().to_owned();
    let done = Store::open(&label).and_then(|store| {
        store.set("k", b"v")?;
        store.get("k")
    });
    said(done.map(|value| format!("{value:?}")))
}

fn variable(_: Request, params: Params) -> anyhow::Result<Response> {
    said(variables::get(params.get("name").unwrap_or_default()))
}

fn environment(_: Request, params: Params) -> anyhow::Result<Response> {
    said(std::env::var(params.get("name").unwrap_or_default()))
}

fn file(request: Request, _: Params) -> anyhow::Result<Response> {
    said(std::fs::read_to_string(request.query()).map(|text| text.trim_end().to_owned()))
}

fn directory(request: Request, _: Params) -> anyhow::Result<Response> {
    let names = std::fs::read_dir(request.query()).map(|entries| {
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| {
                let kind = entry.file_type().map(|kind| if kind.is_dir() { "/" } else { "" });
                format!("{}{}", entry.file_name().to_string_lossy(), kind.unwrap_or("?"))
            })
            .collect();
        names.sort();
        names.join(",")
    });
    said(names)
}

fn write(request: Request, _: Params) -> anyhow::Result<Response> {
    said(std::fs::write(request.query(), "changed").map(|()| "written"))
}

/// Sends a request to the URL in the body, and says what came back.
async fn send(request: Request, _: Params) -> anyhow::Result<Response> {
    let url = String::from_utf8_lossy(request.body()).into_owned();
    let outgoing = Request::builder().method(Method::Get).uri(url).build();
    let reply: Result<Response, _> = spin_sdk::http::send(outgoing).await;
    said(reply.map(|reply| {
        format!("{}: {}", reply.status(), String::from_utf8_lossy(reply.body()).trim_end())
    }))
}

fn nothing(_: Request, _: Params) -> anyhow::Result<Response> {
    Ok(Response::new(404, "no such path\n"))
}
