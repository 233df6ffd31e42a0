//! Lines of the guest's, and of the platform's about it, in the function's log.

use super::Broker;
use model::Labels;
use model::wire::v1::{Entry, Level, LogLine};
use ports::host::Line;

/// Lines are cut here at the latest, whatever an executor passes on.
const LINE_BYTES_MAX: usize = 16 << 10;

impl Broker {
    /// A line that the guest wrote, as long as the function's limit has room for it.
    pub(super) fn take_line(&self, line: &Line, labels: Labels) {
        let kept = line.bytes.get(..LINE_BYTES_MAX).unwrap_or(&line.bytes);
        let cut = line.cut || kept.len() < line.bytes.len();
        let mut asked = self.asked.lock();
        let after = asked.log_bytes.saturating_add(kept.len() as u64 + 1);
        if after > self.function.unit.limits.log_bytes {
            asked.log_dropped = asked.log_dropped.saturating_add(1);
            return;
        }
        asked.log_bytes = after;
        asked.log_lines = asked.log_lines.saturating_add(1);
        drop(asked);
        let text = String::from_utf8_lossy(kept).into_owned();
        let text = self.screened_line(self.covered_line(text));
        self.write(line.level, text, cut, labels);
    }

    /// Writes a line of the platform's own to the function's log. Not charged to the guest.
    pub(crate) fn platform_line(&self, text: String) {
        self.write(Level::Platform, self.masked_text(text), false, Labels::NONE);
    }

    fn write(&self, level: Level, text: String, cut: bool, labels: Labels) {
        let line = LogLine {
            invocation: self.invocation,
            function: std::sync::Arc::clone(self.function.reference()),
            at: self.parts().clock.wall(),
            level,
            text,
            cut,
            labels,
        };
        if let Err(error) = self.parts().journal.append(Entry::Log(line)) {
            tracing::debug!(%error, "a log line was dropped");
        }
    }
}
