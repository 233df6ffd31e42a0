//! Values that come back in outgoing requests of a function.

use crate::FunctionPolicies;
use crate::calls::{Reach, not_asked};
use crate::target::Url;
use crate::verdict::{CallPermit, Denial};
use model::grant::{DataTarget, REPLY};
use model::manifest::DataSpec;
use model::{Action, Code, DataClass, Digest};

/// The reveal of values in an outgoing request.
#[derive(Debug, Clone, Copy)]
pub struct DataAsk<'a> {
    /// What the values are.
    pub class: &'a DataClass,
    /// Where the request goes, or [`REPLY`]. A query in it is not looked at.
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
    place: Place,
    purpose: Box<str>,
}

/// Where values go.
#[derive(Debug)]
enum Place {
    /// To a place outside, in a request.
    Out(Url),
    /// To whoever called, in the reply.
    Reply,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        match text {
            REPLY => Some(Self::Reply),
            url => Url::parse(url).map(Self::Out),
        }
    }

    fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Out(own), Self::Out(url)) => own.holds(url),
            (Self::Reply, Self::Reply) => true,
            _ => false,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Out(url) => url.fmt(f),
            Self::Reply => f.write_str(REPLY),
        }
    }
}

impl Revealed {
    pub(crate) fn parse(target: &str) -> Option<Self> {
        let DataTarget { class, url, purpose } = DataTarget::parse(target)?;
        Some(Self { class, place: Place::parse(url)?, purpose: purpose.into() })
    }

    /// What a manifest asks for.
    pub(crate) fn all(data: Option<&DataSpec>) -> Box<[Self]> {
        let targets = data.into_iter().flat_map(DataSpec::targets);
        targets.filter_map(|(_, target)| Self::parse(&target)).collect()
    }

    fn covers(&self, ask: &DataAsk<'_>, place: &Place) -> bool {
        self.class == *ask.class && *self.purpose == *ask.purpose && self.place.holds(place)
    }
}

impl Reach {
    fn reveals(&self, ask: &DataAsk<'_>, place: &Place) -> bool {
        self.everything || self.data.iter().any(|own| own.covers(ask, place))
    }
}

impl FunctionPolicies {
    /// Whether the manifest asks to have values of the class revealed there, whatever grants say.
    #[must_use]
    pub fn wants_data(&self, ask: DataAsk<'_>) -> bool {
        Place::parse(ask.url).is_some_and(|to| self.asked.reveals(&ask, &to))
    }

    /// Decides whether values of a class may come back in a request of the function.
    ///
    /// # Errors
    /// [`Denial`] with code E0312, or E0202 if a policy could not be evaluated.
    pub fn decide_data(&self, ask: DataAsk<'_>) -> Result<CallPermit, Denial> {
        let code = Code::DataRevealDenied;
        let Some(to) = Place::parse(ask.url) else { return Err(Denial::no_grant(code, None)) };
        if !self.asked.reveals(&ask, &to) {
            return Err(not_asked(code, "data.reveal", None));
        }
        let granted = self.granted.reveals(&ask, &to);
        self.conclude(granted, self.consult_data(&ask, &to), code, || {
            // What the manifest asks for, and not the one request: that is what would be granted.
            let own = self.asked.data.iter().find(|own| own.covers(&ask, &to))?;
            let Revealed { class, place, purpose } = own;
            Some(Action::DataReveal { target: format!("{class} for {place} as {purpose}") })
        })
    }

    /// Whether a policy of the operator permits it. `false` if none speaks of it.
    fn consult_data(&self, ask: &DataAsk<'_>, to: &Place) -> Result<bool, Denial> {
        let set = &self.policies.on_data;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        let digest = ask.digest.to_string();
        let (origin, path) = match to {
            Place::Out(url) => (url.origin(), url.path()),
            Place::Reply => (REPLY.to_owned(), ""),
        };
        let pairs = [
            ("host", origin.as_str()),
            ("path", path),
            ("purpose", ask.purpose),
            ("digest", digest.as_str()),
        ];
        self.ask_operator(set, &words.data_reveal, words.class(ask.class), &pairs)
    }
}
