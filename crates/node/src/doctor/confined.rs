//! What `casemate doctor` says of processes that are confined.

use super::{Verdict, finding};
use model::api::Finding;

/// What a probe says of a child's confinement. `names` are those of the two checks: what it could
/// do, and which layers hold.
pub(super) fn confined(
    names: [&str; 2],
    probed: Result<process::Report, ports::child::Error>,
    hint: &str,
) -> Vec<Finding> {
    let [tried, layers] = names;
    let report = match probed {
        Ok(report) => report,
        Err(error) => return vec![finding(tried, Verdict::Problem, error, None)],
    };
    let escaped: Vec<&str> =
        report.tries.iter().filter(|one| !one.refused).map(|one| one.what.as_str()).collect();
    let tried = if escaped.is_empty() {
        let found = format!("refused all {} tries to get out", report.tries.len());
        finding(tried, Verdict::Ok, found, None)
    } else {
        let found = format!("it could {}", escaped.join(", "));
        finding(tried, Verdict::Problem, found, Some(hint))
    };
    let (on, missing): (Vec<_>, Vec<_>) =
        report.layers.named().into_iter().partition(|(_, on)| *on);
    let listed = |layers: Vec<(&str, bool)>| {
        layers.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
    };
    vec![
        tried,
        if missing.is_empty() {
            finding(layers, Verdict::Ok, listed(on), None)
        } else {
            finding(layers, Verdict::Warning, format!("missing: {}", listed(missing)), None)
        },
    ]
}
