//! How the sources stand.

use super::{Verdict, finding};
use model::api::{Finding, Source};

pub(super) fn stands(source: &Source) -> Finding {
    let place = source.place.as_deref().unwrap_or_default();
    let lag = source.lag.map(|lag| format!(", {lag} wait there")).unwrap_or_default();
    let mut found = format!("{place}: {}{lag}", source.state);
    if let (Some(error), Some(at)) = (&source.error, &source.error_at) {
        found = format!("{found}; last error at {at}: {error}");
    }
    let (verdict, hint) = match source.state.as_str() {
        "running" | "connecting" => (Verdict::Ok, None),
        "full" => (Verdict::Note, Some("its function has as much to do as it may have here")),
        "not granted" => (Verdict::Warning, source.grant.as_deref()),
        "not used" => (Verdict::Note, Some("no function names it below `[[function.from]]`")),
        _ => (Verdict::Warning, Some("`casemate source list` shows it; docs/guides/sources.md")),
    };
    finding(&format!("source {}", source.name), verdict, found, hint)
}
