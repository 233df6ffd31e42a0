//! A schedule of a function: when it is called, and with what.

use super::FunctionSpec;
use crate::schedule::{self, Rhythm};
use crate::unit::Duration;
use crate::{Code, Problem, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most schedules of one function.
pub const SCHEDULES_MAX: usize = 100;
/// Most bytes of a schedule's data, as JSON.
pub const DATA_BYTES_MAX: usize = 64 << 10;
/// Longest jitter.
const JITTER_MAX: Duration = Duration::seconds(24 * 60 * 60);

/// What is done about times that passed while nothing could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// Nothing.
    Skip,
    /// It runs once, for the last of them.
    #[default]
    Once,
    /// It runs for each of them, for the last 100 at most.
    All,
}

/// One schedule. It asks to call the function as `trigger:NAME`, and a grant makes that true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Its name, unique in the environment.
    pub name: TriggerName,
    /// When, as minute, hour, day of the month, month and day of the week, with the second before
    /// them if there are six: `0 2 * * *`. Either this or `every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time zone of `cron` by its IANA name, such as `Europe/Berlin`. Default `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// At each multiple of this since the beginning of 1970 UTC: `15m` is at :00, :15, :30 and :45.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
    /// It runs up to this much later, by chance. At most `1d`. Default `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
    /// What is done about times that passed while nothing could run. Default `once`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missed: Missed,
    /// What the function is given, up to 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_default(missed: &Missed) -> bool {
    *missed == Missed::default()
}

impl ScheduleSpec {
    /// When it is due.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn rhythm(&self) -> Result<Rhythm, (&'static str, schedule::Error)> {
        match (&self.cron, self.every) {
            (Some(cron), None) => Rhythm::cron(cron, self.zone.as_deref()),
            (None, Some(every)) if self.zone.is_none() => Rhythm::every(every),
            (None, Some(_)) => Err(("zone", schedule::Error::ZoneOfNothing)),
            (None, None) | (Some(_), Some(_)) => Err(("cron", schedule::Error::EitherOr)),
        }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.rhythm().map_err(|(key, error)| (key, error.to_string()))?;
        if self.jitter.is_some_and(|jitter| jitter > JITTER_MAX) {
            return Err(("jitter", format!("must be at most {JITTER_MAX}")));
        }
        let bytes = self.data.as_ref().map_or(0, |data| data.to_string().len());
        if bytes > DATA_BYTES_MAX {
            return Err(("data", format!("has {bytes} bytes, and {DATA_BYTES_MAX} is the most")));
        }
        Ok(())
    }
}

impl FunctionSpec {
    /// Refuses schedules that can never be followed.
    ///
    /// # Errors
    /// E0104, naming the function, the schedule and the key.
    pub(super) fn check_schedules(&self) -> Result<(), Problem> {
        let wrong = |why: String, place: String| {
            Err(Problem::new(Code::ManifestValue).detail(why).below(place))
        };
        if self.schedules.len() > SCHEDULES_MAX {
            let why = format!("function `{}` has more than {SCHEDULES_MAX} schedules", self.name);
            return wrong(why, "/schedule".to_owned());
        }
        for (at, schedule) in self.schedules.iter().enumerate() {
            if let Err((key, why)) = schedule.check() {
                let name = &schedule.name;
                let why = format!("function `{}`, schedule `{name}`, `{key}`: {why}", self.name);
                return wrong(why, format!("/schedule/{at}/{key}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Ceiling;
    use crate::manifest::{Auth, Manifest};

    fn check(schedules: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"manifest":1,"application":"a","function":[{{"name":"f","schedule":[{schedules}]}}]}}"#
        );
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        manifest.check(&Ceiling::DEFAULT).map_err(|problem| problem.detail.unwrap_or_default())
    }

    #[test]
    fn a_schedule_has_a_rhythm_and_a_name_of_its_own() {
        let two = r#"{"name":"a","cron":"0 2 * * *","zone":"Europe/Berlin","data":{"x":1}},
                     {"name":"b","every":"15m","jitter":"1m","missed":"all"}"#;
        assert_eq!(check(two), Ok(()));
        for (schedules, why) in [
            (r#"{"name":"a"}"#, "write either `cron` or `every`"),
            (r#"{"name":"a","cron":"0 2 * * *","every":"1s"}"#, "write either"),
            (r#"{"name":"a","every":"1s","zone":"UTC"}"#, "`zone` is for `cron`"),
            (r#"{"name":"a","every":"0s"}"#, "`every`: must be"),
            (r#"{"name":"a","every":"1ms"}"#, "`every`: must be"),
            (r#"{"name":"a","cron":"0 2 * * * * *"}"#, "`cron`: "),
            (r#"{"name":"a","cron":"0 2 * * *","zone":"Europe/Berlim"}"#, "`zone`: "),
            (r#"{"name":"a","every":"1s","jitter":"2d"}"#, "`jitter`: "),
            (r#"{"name":"a","every":"1s","missed":"some"}"#, "unknown variant"),
            (r#"{"name":"Nightly","every":"1s"}"#, "no trigger name"),
            (r#"{"name":"a","every":"1s"},{"name":"a","every":"2s"}"#, "declared by `f` and by"),
        ] {
            let said = check(schedules).expect_err(schedules);
            assert!(said.contains(why), "{schedules}: {said}");
        }
        let data = "x".repeat(DATA_BYTES_MAX);
        let said = check(&format!(r#"{{"name":"a","every":"1s","data":"{data}"}}"#));
        assert!(said.expect_err("too large").contains("65538 bytes"));
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let mut spec = FunctionSpec::bare("f".parse().expect("name"), None, Auth::Token);
        let plain = serde_json::to_value(&spec).expect("JSON");
        assert_eq!(plain.get("schedule"), None, "revisions from before the key keep their digest");
        let every = r#"{"name":"a","every":"1s"}"#;
        spec.schedules = vec![serde_json::from_str(every).expect("a schedule")];
        let written = serde_json::to_string(&spec.schedules[0]).expect("JSON");
        assert_eq!(written, every);
    }
}
