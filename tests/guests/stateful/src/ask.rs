//! What the caller wants.

use wasip2::http::types::IncomingRequest;

/// One request.
pub struct Ask {
    /// The last segment of the path but one.
    pub family: String,
    /// The last segment of the path.
    pub way: String,
    query: String,
}

impl Ask {
    /// Reads the path and the query.
    pub fn new(request: &IncomingRequest) -> Self {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut segments = path.rsplit('/').map(str::to_owned);
        let way = segments.next().unwrap_or_default();
        let family = segments.next().unwrap_or_default();
        Self { family, way, query: query.to_owned() }
    }

    /// A value of the query; empty if it is not there.
    pub fn text(&self, key: &str) -> String {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).unwrap_or_default()
    }

    /// A number of the query; 0 if it is not there.
    pub fn number<N: std::str::FromStr + Default>(&self, key: &str) -> N {
        self.text(key).parse().unwrap_or_default()
    }

    /// The value to write: `value`, or `bytes` times an `x`.
    pub fn value(&self) -> Vec<u8> {
        match self.number("bytes") {
            0 => self.text("value").into_bytes(),
            bytes => vec![b'x'; bytes],
        }
    }

    /// A list of the query, its parts between commas.
    pub fn list(&self, key: &str) -> Vec<String> {
        self.text(key).split(',').map(str::to_owned).collect()
    }
}

/// A value as text, short if it is long.
pub fn shown(value: Option<Vec<u8>>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(value) if value.len() > 200 => format!("{} bytes", value.len()),
        Some(value) => String::from_utf8_lossy(&value).into_owned(),
    }
}
