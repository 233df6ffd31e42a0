//! Whether a route speaks WebSocket, and within which limits: `websocket = true`, or
//! `websocket = { idle = "5m", message = "64KiB", lifetime = "2h" }`.

use crate::unit::{Duration, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest silence, where nothing is said.
const IDLE: Duration = Duration::seconds(300);
/// The longest silence that a manifest may ask for.
const IDLE_MOST: Duration = Duration::seconds(3600);
/// The largest message, where nothing is said.
const MESSAGE: Size = Size { bytes: 64 << 10 };
/// The largest message that a manifest may ask for: so much of every connection may lie in memory.
const MESSAGE_MOST: Size = Size::mib(1);
/// How long a connection lasts, where nothing is said.
const LIFETIME: Duration = Duration::seconds(2 * 3600);
/// The longest life that a manifest may ask for.
const LIFETIME_MOST: Duration = Duration::seconds(24 * 3600);
/// The shortest time of any kind.
const LEAST: Duration = Duration::seconds(1);

/// What a route says about WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WebSocket {
    /// Whether the route speaks WebSocket at all.
    Speaks(bool),
    /// It does, within these limits.
    Within(WebSocketLimits),
}

/// What one WebSocket of a route may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebSocketLimits {
    /// How long nothing may arrive, not even the answer to a ping, before the connection is
    /// closed. Default `5m`, at least `1s`, at most `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
    /// The largest message that a client may send. Default `64KiB`, at most `1MiB` and
    /// `request_body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Size>,
    /// How long a connection lasts. Default `2h`, at least `1s`, at most `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Duration>,
}

impl WebSocket {
    /// What holds for the route's connections; `None` if it has none.
    #[must_use]
    pub fn limits(self) -> Option<WebSocketLimits> {
        match self {
            Self::Speaks(false) => None,
            Self::Speaks(true) => Some(WebSocketLimits::default()),
            Self::Within(limits) => Some(limits),
        }
    }

    /// What is wrong with it: the key, and why.
    pub(super) fn check(self, method: &str) -> Result<(), (&'static str, String)> {
        let Some(limits) = self.limits() else { return Ok(()) };
        if method != "GET" {
            let why = format!("a WebSocket begins with a GET, and the route is for {method}");
            return Err(("http.websocket", why));
        }
        let durations = [
            ("http.websocket.idle", limits.idle, IDLE_MOST),
            ("http.websocket.lifetime", limits.lifetime, LIFETIME_MOST),
        ];
        for (key, value, most) in durations {
            if value.is_some_and(|value| value < LEAST || value > most) {
                return Err((key, format!("must be at least {LEAST} and at most {most}")));
            }
        }
        if limits.message.is_some_and(|size| size.bytes == 0 || size > MESSAGE_MOST) {
            let why = format!("must be above 0B and at most {MESSAGE_MOST}");
            return Err(("http.websocket.message", why));
        }
        Ok(())
    }
}

impl WebSocketLimits {
    /// How long nothing may arrive.
    #[must_use]
    pub fn idle(&self) -> std::time::Duration {
        self.idle.unwrap_or(IDLE).std()
    }

    /// Most bytes of one message of the client.
    #[must_use]
    pub fn message_bytes(&self) -> usize {
        usize::try_from(self.message.unwrap_or(MESSAGE).bytes).unwrap_or(usize::MAX)
    }

    /// How long a connection lasts.
    #[must_use]
    pub fn lifetime(&self) -> std::time::Duration {
        self.lifetime.unwrap_or(LIFETIME).std()
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::HttpTrigger;

    fn route(websocket: &str, method: &str) -> HttpTrigger {
        let text = format!(r#"{{"route":"{method} /chat","websocket":{websocket}}}"#);
        serde_json::from_str(&text).expect(&text)
    }

    #[test]
    fn a_word_or_a_table_says_it() {
        let limits = |text| route(text, "GET").websocket.and_then(super::WebSocket::limits);
        assert_eq!(limits("false"), None);
        let plain = limits("true").expect("it speaks");
        assert_eq!((plain.idle().as_secs(), plain.message_bytes()), (300, 65_536));
        assert_eq!(plain.lifetime().as_secs(), 7200);
        let own = limits(r#"{"idle":"30s","message":"1KiB","lifetime":"1h"}"#).expect("it speaks");
        assert_eq!((own.idle().as_secs(), own.message_bytes()), (30, 1024));
        assert_eq!(own.lifetime().as_secs(), 3600);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        let wrong = |text, method| route(text, method).check().map_err(|(key, _)| key);
        assert_eq!(wrong("true", "GET"), Ok(()));
        assert_eq!(wrong("false", "POST"), Ok(()));
        assert_eq!(wrong("true", "POST"), Err("http.websocket"));
        assert_eq!(wrong("true", "*"), Err("http.websocket"));
        for (text, key) in [
            (r#"{"idle":"0s"}"#, "http.websocket.idle"),
            (r#"{"idle":"2h"}"#, "http.websocket.idle"),
            (r#"{"lifetime":"10ms"}"#, "http.websocket.lifetime"),
            (r#"{"lifetime":"2d"}"#, "http.websocket.lifetime"),
            (r#"{"message":"0B"}"#, "http.websocket.message"),
            (r#"{"message":"2MiB"}"#, "http.websocket.message"),
        ] {
            assert_eq!(wrong(text, "GET"), Err(key), "{text}");
        }
    }

    #[test]
    fn a_route_that_says_nothing_is_written_as_before() {
        let plain: HttpTrigger = serde_json::from_str(r#"{"route":"GET /"}"#).expect("a route");
        let json = serde_json::to_value(&plain).expect("json");
        assert_eq!(json.get("websocket"), None, "revisions from before the key keep their digest");
    }
}
