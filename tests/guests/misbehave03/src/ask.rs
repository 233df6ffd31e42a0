//! What the caller wants: the way and its numbers.

use wasip3::http::types::Request;

/// One request.
pub struct Ask {
    /// The request, its body unread.
    pub request: Request,
    /// The last segment of the path.
    pub way: String,
    query: String,
}

impl Ask {
    /// Reads the path and the query.
    pub fn new(request: Request) -> Self {
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let way = path.rsplit('/').next().unwrap_or_default().to_owned();
        let query = query.to_owned();
        Self { request, way, query }
    }

    /// A number of the query.
    pub fn number(&self, key: &str, default: u64) -> u64 {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == key).map(|(_, value)| value);
        values.next().and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}
