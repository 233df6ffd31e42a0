//! Schedules of functions.

use super::Client;
use super::access::NOTHING;
use super::transport::Patience;
use crate::voice::Failure;
use model::TriggerName;
use model::api::{Accepted, Page, Schedule};

impl Client {
    /// The schedules, by name.
    pub(crate) fn schedules(&self) -> Result<Page<Schedule>, Failure> {
        self.read(&self.scoped("schedules"))
    }

    /// Has a schedule run now.
    pub(crate) fn run_schedule(&self, name: &TriggerName) -> Result<Accepted, Failure> {
        let builder = self.request("POST", &self.scoped(&format!("schedules/{name}/run")));
        self.write(builder, NOTHING, Patience::Short)
    }

    /// Pauses a schedule, or lets it go on.
    pub(crate) fn pause_schedule(
        &self,
        name: &TriggerName,
        paused: bool,
    ) -> Result<Schedule, Failure> {
        let what = if paused { "pause" } else { "resume" };
        let builder = self.request("POST", &self.scoped(&format!("schedules/{name}/{what}")));
        self.write(builder, NOTHING, Patience::Short)
    }
}
