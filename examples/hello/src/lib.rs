//! Says hello, to the last segment of the path if there is one.
//!
//! It is also the guest that the benchmarks call, so it does little and allocates little.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Hello;

wasip2::http::proxy::export!(Hello);

impl wasip2::exports::http::incoming_handler::Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        // The first segment is the function's own, as in `/hello/Ada`.
        let text = match path.get(1..).and_then(|path| path.rsplit_once('/')) {
            Some((_, name)) if !name.is_empty() => ["Hello from Casemate, ", name, "\n"].concat(),
            _ => "Hello from Casemate\n".to_owned(),
        };
        reply::send(out, 200, reply::TEXT, text.as_bytes());
    }
}
