//! Counts what is in a text: lines, words, different words, and the words that occur most.
//!
//! It also writes one line to its log, so that `casemate logs words` has something to show. The
//! line says how much was counted and nothing of the text itself.

use std::collections::HashMap;
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

struct Words;

wasip2::http::proxy::export!(Words);

/// Longest text that is counted.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// How many of the most frequent words are listed.
const TOP: usize = 10;

impl wasip2::exports::http::incoming_handler::Guest for Words {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (status, answer) = match request.method() {
            Method::Post => count_body(&request),
            _ => (405, serde_json::json!({ "error": "send the text as the body of a POST" })),
        };
        reply::send(out, status, reply::JSON, format!("{answer}\n").as_bytes());
    }
}

fn count_body(request: &IncomingRequest) -> (u16, serde_json::Value) {
    let Some(bytes) = reply::body_of(request, TEXT_BYTES_MAX) else {
        return (
            413,
            serde_json::json!({ "error": "the text is longer than 1 MiB, or broke off" }),
        );
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return (400, serde_json::json!({ "error": "the text is not UTF-8" }));
    };
    (200, count(&text))
}

fn count(text: &str) -> serde_json::Value {
    let mut times: HashMap<String, u32> = HashMap::new();
    let mut words = 0_u32;
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-');
    for word in parts.filter(|part| part.chars().any(char::is_alphanumeric)) {
        words += 1;
        *times.entry(word.to_lowercase()).or_default() += 1;
    }
    let different = times.len();
    let mut top: Vec<(String, u32)> = times.into_iter().collect();
    top.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    top.truncate(TOP);
    let line = format!("counted {words} words\n");
    // A log that is full is no reason to fail.
    let _ = wasip2::cli::stdout::get_stdout().blocking_write_and_flush(line.as_bytes());
    serde_json::json!({
        "bytes": text.len(),
        "characters": text.chars().count(),
        "lines": text.lines().count(),
        "words": words,
        "different": different,
        "top": top.iter().map(|(word, times)| serde_json::json!({ "word": word, "times": times }))
            .collect::<Vec<_>>(),
    })
}
