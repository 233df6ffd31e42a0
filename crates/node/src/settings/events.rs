//! `[events]`: what is published.

use super::pick::Pick;
use model::unit::Duration;
use model::{Code, Problem};
use serde::Deserialize;

/// Longest time for which an event is remembered.
const WINDOW_MAX: Duration = Duration::seconds(31 * 24 * 60 * 60);

/// `[events]`
#[derive(Debug, Clone)]
pub struct Events {
    /// How long an event is remembered, so that it is not taken twice.
    pub window: Duration,
    /// Origins whose webhooks are welcome.
    pub origins: Vec<String>,
}

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    window: Option<Duration>,
    origins: Option<Vec<String>>,
}

impl Events {
    pub(super) fn pick(pick: &mut Pick, file: File) -> Result<Self, Problem> {
        let default = engine::Events::default().window.as_secs();
        let window = pick.of("events.window", Duration::seconds(default), file.window);
        let origins = file.origins.unwrap_or_default();
        pick.list("events.origins", &origins);
        let wrong = |why: String| Err(Problem::new(Code::BadConfig).detail(why));
        if window.ms < 1000 || window > WINDOW_MAX {
            return wrong(format!("`events.window` is 1s to {WINDOW_MAX}"));
        }
        let sound = |origin: &&String| {
            !origin.is_empty()
                && origin.len() <= 255
                && origin.bytes().all(|b| b.is_ascii_graphic())
        };
        if let Some(origin) = origins.iter().find(|origin| !sound(origin)) {
            let origin = origin.escape_debug();
            return wrong(format!("`events.origins`: `{origin}` is no name of a host"));
        }
        Ok(Self { window, origins })
    }

    /// The same as the engine wants it.
    pub(crate) fn limits(&self) -> engine::Events {
        engine::Events {
            window: std::time::Duration::from_millis(self.window.ms),
            origins: self.origins.clone(),
        }
    }
}
