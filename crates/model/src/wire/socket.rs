//! What happens on a WebSocket, as records have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens on a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SocketEvent {
    /// A client wants to open one.
    Connect,
    /// The client sent a message.
    Message,
    /// It is closed.
    Disconnect,
}

impl SocketEvent {
    /// The word that people and functions see.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Message => "message",
            Self::Disconnect => "disconnect",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::Trigger;

    /// If this fails, the on-disk format changed: add `v2`, do not edit `v1`.
    #[test]
    fn an_event_of_a_websocket_keeps_its_bytes() {
        for (at, event) in
            [SocketEvent::Connect, SocketEvent::Message, SocketEvent::Disconnect].iter().enumerate()
        {
            let trigger = Trigger::WebSocket { event: *event, route: "/a".into() };
            let bytes = postcard::to_stdvec(&trigger).expect("encodes");
            assert_eq!(hex::encode(&bytes), format!("030{at}022f61"));
            assert_eq!(postcard::from_bytes::<Trigger>(&bytes).expect("decodes"), trigger);
        }
    }
}
