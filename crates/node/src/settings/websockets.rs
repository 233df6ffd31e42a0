//! `[websockets]`: how many WebSockets may be open at a time.

use super::pick::Pick;
use engine::WebSockets;
use serde::Deserialize;

/// The section, as the file has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    connections_per_function: Option<usize>,
}

/// What is in force. Each counts among `gateway.connections` too.
pub(super) fn pick(pick: &mut Pick, file: &File) -> WebSockets {
    let default = WebSockets::default();
    WebSockets {
        connections: pick.of("websockets.connections", default.connections, file.connections),
        per_address: pick.of(
            "websockets.connections_per_address",
            default.per_address,
            file.connections_per_address,
        ),
        per_function: pick.of(
            "websockets.connections_per_function",
            default.per_function,
            file.connections_per_function,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_arrives_and_what_is_not_set_is_the_default() {
        let read = |text| {
            let file: File = toml::from_str(text).expect("keys that exist");
            pick(&mut Pick(Vec::new()), &file)
        };
        assert_eq!(read(""), WebSockets::default());
        let set = "connections = 3\nconnections_per_address = 2\nconnections_per_function = 0\n";
        assert_eq!(read(set), WebSockets { connections: 3, per_address: 2, per_function: 0 });
        assert!(toml::from_str::<File>("conections = 3").is_err());
    }
}
