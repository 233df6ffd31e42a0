//! Secrets that the function reads itself.
//!
//! Invariant: a grant to use a secret reveals nothing. Each time that a value is read, that is
//! decided and recorded.

use super::super::Broker;
use model::manifest::Form;
use model::{Code, Labelled, Labels};
use policy::Denial;
use ports::host::{Answer, HostError, HostReply};
use std::sync::Arc;

impl Broker {
    pub(in crate::host) async fn reveal(
        self: Arc<Self>,
        name: String,
        labels: Labels,
    ) -> Result<Answer, HostError> {
        let uses = &self.function.secrets;
        let mut read = uses.iter().filter(|using| using.form == Form::Reveal);
        let using = read.find(|using| using.name.as_str() == name);
        let step = self.begin("secret.reveal", name, b"", labels);
        // What no manifest asks for has no name that could be looked up.
        let using = using.ok_or_else(|| self.denied(&step, &Denial::of(Code::RevealDenied)))?;
        let _permit = self
            .function
            .policies
            .decide_reveal(&using.name)
            .map_err(|denial| self.denied(&step, &denial))?;
        self.charge(&step)?;
        let (value, weak) = self.value(&step, using).await?;
        if !weak {
            self.hide(&using.name, &value);
        }
        self.done(&step, value.expose().len() as u64);
        Ok(Answer { reply: Labelled::plain(HostReply::Secret(value)), body: None })
    }
}
