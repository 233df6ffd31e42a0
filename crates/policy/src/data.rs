//! Values that come back in outgoing requests of a function.

use crate::FunctionPolicies;
use crate::calls::{Reach, not_asked};
use crate::target::Url;
use crate::verdict::{CallPermit, Denial};
use model::grant::DataTarget;
use model::manifest::DataSpec;
use model::{Action, Code, DataClass, Digest};

/// The reveal of values in an outgoing request.
#[derive(Debug, Clone, Copy)]
pub struct DataAsk<'a> {
    /// What the values are.
    pub class: &'a DataClass,
    /// Where the request goes. A query in it is not looked at.
    pub url: &'a str,
    /// What for.
    pub purpose: &'a str,
    /// The digest of the function's revision: its code and its settings.
    pub digest: &'a Digest,
}

/// A reveal as it is asked for or granted.
#[derive(Debug)]
pub(crate) struct Revealed {
    class: DataClass,
    place: Url,
    purpose: Box<str>,
}

impl Revealed {
    pub(crate) fn parse(target: &str) -> Option<Self> {
        let DataTarget { class, url, purpose } = DataTarget::parse(target)?;
        Some(Self { class, place: Url::parse(url)?, purpose: purpose.into() })
    }

    /// What a manifest asks for.
    pub(crate) fn all(data: Option<&DataSpec>) -> Box<[Self]> {
        let targets = data.into_iter().flat_map(DataSpec::targets);
        targets.filter_map(|(_, target)| Self::parse(&target)).collect()
    }

    fn covers(&self, ask: &DataAsk<'_>, url: &Url) -> bool {
        self.class == *ask.class && *self.purpose == *ask.purpose && self.place.holds(url)
    }
}

impl Reach {
    fn reveals(&self, ask: &DataAsk<'_>, url: &Url) -> bool {
        self.everything || self.data.iter().any(|own| own.covers(ask, url))
    }
}

impl FunctionPolicies {
    /// Whether the manifest asks to have values of the class revealed there, whatever grants say.
    #[must_use]
    pub fn wants_data(&self, ask: DataAsk<'_>) -> bool {
        Url::parse(ask.url).is_some_and(|url| self.asked.reveals(&ask, &url))
    }

    /// Decides whether values of a class may come back in a request of the function.
    ///
    /// # Errors
    /// [`Denial`] with code E0312, or E0202 if a policy could not be evaluated.
    pub fn decide_data(&self, ask: DataAsk<'_>) -> Result<CallPermit, Denial> {
        let code = Code::DataRevealDenied;
        let Some(url) = Url::parse(ask.url) else { return Err(Denial::no_grant(code, None)) };
        if !self.asked.reveals(&ask, &url) {
            return Err(not_asked(code, "data.reveal", None));
        }
        let granted = self.granted.reveals(&ask, &url);
        self.conclude(granted, self.consult_data(&ask, &url), code, || {
            // What the manifest asks for, and not the one request: that is what would be granted.
            let own = self.asked.data.iter().find(|own| own.covers(&ask, &url))?;
            let Revealed { class, place, purpose } = own;
            Some(Action::DataReveal { target: format!("{class} for {place} as {purpose}") })
        })
    }

    /// Whether a policy of the operator permits it. `false` if none speaks of it.
    fn consult_data(&self, ask: &DataAsk<'_>, url: &Url) -> Result<bool, Denial> {
        let set = &self.policies.on_data;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        let (origin, digest) = (url.origin(), ask.digest.to_string());
        let pairs = [
            ("host", origin.as_str()),
            ("path", url.path()),
            ("purpose", ask.purpose),
            ("digest", digest.as_str()),
        ];
        self.ask_operator(set, &words.data_reveal, words.class(ask.class), &pairs)
    }
}
