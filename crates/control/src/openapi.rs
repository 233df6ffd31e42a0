//! The API's description, made from the table below and the types of `model::api`.
//!
//! OpenAPI 3.1 takes JSON Schema 2020-12 as it is, so the schemas are the ones that the manifest's
//! schema is made of. `docs/reference/openapi.json` is this text, and a test compares them.

mod caps;
mod data;
mod keys;
mod queue;
mod schedules;

use axum::Json;
use model::api;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

type SchemaOf = fn(&mut SchemaGenerator) -> Value;

/// One operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    request: Content,
    answer: Content,
}

/// What a body is.
enum Content {
    Nothing,
    Raw(&'static str),
    Json(SchemaOf),
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

const fn read(path: &'static str, summary: &'static str, answer: SchemaOf) -> Operation {
    Operation {
        method: "get",
        path,
        summary,
        query: &[],
        request: Content::Nothing,
        answer: Content::Json(answer),
    }
}

const fn write(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    request: Content,
    answer: SchemaOf,
) -> Operation {
    Operation { method, path, summary, query: &[], request, answer: Content::Json(answer) }
}

const S: &str = "/v1/tenants/{tenant}/environments/{environment}";

/// Every operation; paths that begin with `S` are relative to a scope.
fn operations() -> Vec<Operation> {
    let mut all = of_the_node();
    all.extend(keys::operations());
    all.extend(of_artifacts());
    all.extend(of_applications());
    all.extend(of_functions());
    all.extend(of_access());
    all.extend(of_secrets());
    all.extend(queue::operations());
    all.extend(schedules::operations());
    all.extend(of_records());
    all.extend(caps::operations());
    all.extend(data::operations());
    all
}

fn of_the_node() -> Vec<Operation> {
    use Content::Raw;
    vec![
        read("/v1/node", "What the node says about itself", schema::<api::Node>),
        read("/v1/doctor", "Looks at the node's health", schema::<api::Page<api::Finding>>),
        read(
            "/v1/runtimes",
            "What interprets native functions on the node's machine",
            schema::<api::Page<api::Interpreter>>,
        ),
        Operation {
            query: &["root_key"],
            answer: Raw("application/x-tar"),
            ..read("/v1/backup", "Makes a backup while the node runs", schema::<()>)
        },
        read("/v1/ledger", "The ledger's size and newest checkpoint", schema::<api::LedgerHead>),
        Operation {
            query: &["from", "limit"],
            ..read(
                "/v1/ledger/entries",
                "Entries of the ledger",
                schema::<api::Page<api::LedgerEntry>>,
            )
        },
        Operation {
            answer: Raw("application/x-tar"),
            ..read(
                "/v1/ledger/export",
                "The whole ledger in the C2SP tlog-tiles layout",
                schema::<()>,
            )
        },
    ]
}

fn of_artifacts() -> Vec<Operation> {
    use Content::{Json, Nothing, Raw};
    vec![
        Operation {
            method: "head",
            answer: Nothing,
            ..read("S/artifacts/{digest}", "Whether a component is there", schema::<()>)
        },
        Operation {
            request: Raw("application/wasm"),
            answer: Nothing,
            ..write("put", "S/artifacts/{digest}", "Keeps a component", Nothing, schema::<()>)
        },
        write(
            "post",
            "S/artifacts/missing",
            "Which of these artifacts the node does not hold",
            Json(schema::<api::Digests>),
            schema::<api::Digests>,
        ),
        Operation {
            request: Raw("application/octet-stream"),
            answer: Nothing,
            ..write(
                "post",
                "S/artifacts",
                "Keeps many small artifacts: for each its digest (32 bytes), its length (4 bytes, big endian) and its bytes",
                Nothing,
                schema::<()>,
            )
        },
    ]
}

fn of_applications() -> Vec<Operation> {
    use Content::{Json, Nothing};
    vec![
        read("S/applications", "The active applications", schema::<api::Page<api::Application>>),
        read(
            "S/applications/{application}",
            "An application's active deployment",
            schema::<model::revision::DeploymentRow>,
        ),
        write(
            "put",
            "S/applications/{application}",
            "Deploys an application",
            Json(schema::<api::DeployRequest>),
            schema::<api::Deployed>,
        ),
        write(
            "delete",
            "S/applications/{application}",
            "Takes an application away",
            Nothing,
            schema::<api::Done>,
        ),
        write(
            "post",
            "S/applications/{application}/rollback",
            "Makes an earlier deployment the active one",
            Json(schema::<api::RollbackRequest>),
            schema::<api::Deployed>,
        ),
    ]
}

fn of_functions() -> Vec<Operation> {
    use Content::{Nothing, Raw};
    vec![
        read("S/functions", "The active functions", schema::<api::Page<api::Function>>),
        read("S/functions/{function}", "One function", schema::<api::Function>),
        read(
            "S/functions/{function}/revisions",
            "A function's revisions",
            schema::<api::Revisions>,
        ),
        Operation {
            request: Raw("*/*"),
            answer: Raw("*/*"),
            ..write(
                "post",
                "S/functions/{function}/invoke/{path}",
                "Calls a function, with any method; later, with `Prefer: respond-async`, which is answered with 202 and the id",
                Nothing,
                schema::<()>,
            )
        },
    ]
}

fn of_access() -> Vec<Operation> {
    use Content::{Json, Nothing};
    vec![
        read("S/grants", "The grants", schema::<api::Page<model::Grant>>),
        write(
            "post",
            "S/grants",
            "Writes a grant",
            Json(schema::<model::Grant>),
            schema::<api::Done>,
        ),
        write(
            "post",
            "S/grants/revoke",
            "Takes a grant back",
            Json(schema::<model::Grant>),
            schema::<api::Done>,
        ),
        read("S/tokens", "The tokens, without their secrets", schema::<api::Page<api::Token>>),
        write(
            "post",
            "S/tokens",
            "Makes a token",
            Json(schema::<api::TokenRequest>),
            schema::<api::TokenCreated>,
        ),
        write("delete", "S/tokens/{name}", "Ends a token", Nothing, schema::<api::Done>),
    ]
}

fn of_secrets() -> Vec<Operation> {
    use Content::{Nothing, Raw};
    let value = || Raw("application/octet-stream");
    vec![
        read("S/secrets", "The secrets, without values", schema::<api::Page<api::SecretInfo>>),
        write(
            "put",
            "S/secrets/{name}",
            "Gives a secret its first value, which is the body",
            value(),
            schema::<api::SecretWritten>,
        ),
        write(
            "post",
            "S/secrets/{name}/rotate",
            "Replaces a secret's value by the body",
            value(),
            schema::<api::SecretWritten>,
        ),
        write(
            "delete",
            "S/secrets/{name}",
            "Takes a secret's value away",
            Nothing,
            schema::<api::SecretWritten>,
        ),
    ]
}

fn of_records() -> Vec<Operation> {
    vec![
        Operation {
            query: &[
                "function", "outcome", "caller", "root", "calls", "since_us", "before", "limit",
            ],
            ..read("S/records", "Flight records, newest first", schema::<api::Page<api::Record>>)
        },
        read("S/records/{id}", "One flight record", schema::<api::Record>),
        Operation {
            query: &["by", "since_us"],
            ..read("S/costs", "What invocations cost, added up", schema::<api::Costs>)
        },
        Operation {
            query: &["since_us"],
            ..read(
                "S/event-triggers",
                "What calls functions with events, and how often it did",
                schema::<api::EventTriggers>,
            )
        },
        Operation {
            query: &["function", "invocation", "level", "since_us", "after", "limit", "follow"],
            ..read(
                "S/logs",
                "Log lines, oldest first; as a stream with `follow=true`",
                schema::<api::Page<api::Log>>,
            )
        },
    ]
}

/// Method and path of every operation, for tests.
#[must_use]
pub fn table() -> Vec<(&'static str, String)> {
    operations().iter().map(|operation| (operation.method, full_path(operation.path))).collect()
}

fn full_path(path: &str) -> String {
    path.strip_prefix('S').map_or_else(|| path.to_owned(), |rest| format!("{S}{rest}"))
}

/// The description as JSON.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let problem = schema::<model::problem::Body>(&mut generator);
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let described = describe(&operation, &problem, &mut generator);
        let path = paths.entry(full_path(operation.path)).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_owned(), described);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Casemate admin API",
            "version": api::VERSION,
            "description": "Served on the admin listener only. Every operation takes the operator's token. Writes take an `Idempotency-Key`. Errors are problem documents (RFC 9457) with a `code` that `casemate explain` knows.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "security": [{ "operator": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "operator": { "type": "http", "scheme": "bearer" } },
            "schemas": generator.take_definitions(true)
        }
    })
}

fn describe(operation: &Operation, problem: &Value, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = full_path(operation.path)
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(
        operation
            .query
            .iter()
            .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } })),
    );
    let mut answer = json!({ "description": "Done" });
    if let Some(content) = content(&operation.answer, generator) {
        answer["content"] = content;
    }
    let mut described = json!({
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            "2XX": answer,
            "default": {
                "description": "A problem",
                "content": { (model::problem::Body::MEDIA_TYPE): { "schema": problem } }
            }
        }
    });
    if let Some(content) = content(&operation.request, generator) {
        described["requestBody"] = json!({ "content": content });
    }
    described
}

fn content(content: &Content, generator: &mut SchemaGenerator) -> Option<Value> {
    match content {
        Content::Nothing => None,
        Content::Raw(media_type) => Some(json!({ (*media_type): { "schema": {} } })),
        Content::Json(schema) => {
            Some(json!({ "application/json": { "schema": schema(generator) } }))
        }
    }
}

/// `GET /v1/openapi.json`
pub(crate) async fn serve() -> Json<Value> {
    Json(document())
}
