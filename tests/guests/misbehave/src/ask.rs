//! What the caller wants: the way and its numbers.

use wasip2::http::types::IncomingRequest;

/// One request.
pub struct Ask {
    /// The request, its body unread.
    pub request: IncomingRequest,
    /// The last segment of the path.
    pub way: String,
    query: String,
}

impl Ask {
    /// Reads the path and the query.
    pub fn new(request: IncomingRequest) -> Self {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let way = path.rsplit('/').next().unwrap_or_default().to_owned();
        let query = query.to_owned();
        Self { request, way, query }
    }

    /// A value of the query, percent-decoded.
    pub fn text(&self, key: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == key).map(|(_, value)| decode(value)).next()
    }

    /// A number of the query.
    pub fn number(&self, key: &str, default: u64) -> u64 {
        self.text(key).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|two| u8::from_str_radix(two, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
