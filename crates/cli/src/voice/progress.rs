//! Signs of life during long work, for terminals only.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Something long that is under way. The sign disappears when this is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A spinner with the seconds that have passed; nothing if nobody looks.
    pub(crate) fn spinner(doing: &str, visible: bool) -> Self {
        if !visible {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style.tick_chars("-\\|/ "));
        }
        bar.set_message(doing.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Says what is being done now.
    pub(crate) fn doing(&self, doing: String) {
        self.0.set_message(doing);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
