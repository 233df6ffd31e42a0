//! The decision whether somebody may publish an event to an application.

use crate::calls::not_asked;
use crate::function::Findings;
use crate::reads::Reads;
use crate::verdict::{CallPermit, Denial, command};
use crate::vocabulary::Who;
use crate::{Asker, Error, FunctionPolicies, Policies};
use cedar_policy::{Context, Decision, Request, RestrictedExpression};
use model::{Action, ApplicationName, Claims, CloudEvent, Code, Grant, Principal, Scope};
use std::net::IpAddr;

/// The ask to publish an event.
#[derive(Debug, Clone, Copy)]
pub struct PublishAsk<'a> {
    /// Who asks. A name says nothing about where it lives: the caller must have made sure that it
    /// lives in `scope`.
    pub principal: Asker<'a>,
    /// Where the application lives.
    pub scope: &'a Scope,
    /// To which one. It need not be there.
    pub application: &'a ApplicationName,
    /// From where, if that is known.
    pub source: Option<IpAddr>,
    /// The event.
    pub event: &'a CloudEvent,
    /// What the publisher's token says, if it is one of an issuer.
    pub claims: &'a Claims,
}

impl PublishAsk<'_> {
    /// Whom a grant may name: this one, and the kind that it is of.
    fn grantees(&self) -> (Option<Principal>, Option<Principal>) {
        match self.principal {
            // Nobody believes what a stranger says, and a trigger only calls its function.
            Asker::Anonymous | Asker::Operator | Asker::Trigger(_) => (None, None),
            Asker::Token(name) => (Some(Principal::Token(name.clone())), None),
            Asker::Function(name) => (Some(Principal::Function(name.clone())), None),
            Asker::Jwt(issuer, subject) => (
                Some(Principal::Subject(issuer.clone(), subject.clone())),
                Some(Principal::Issuer(issuer.clone())),
            ),
            Asker::Certificate(subject) => {
                (Some(Principal::Certificate(subject.clone())), Some(Principal::AnyCertificate))
            }
        }
    }

    fn grant(&self, who: Principal) -> Grant {
        Grant { who, action: Action::Publish { application: self.application.clone() } }
    }
}

impl Policies {
    /// Decides whether who asks may publish an event. `granted` says of a grant of the scope whether
    /// it is there.
    ///
    /// # Errors
    /// [`Denial`] with code E1440, or E0202 if a policy could not be evaluated. Its hint is the
    /// grant that would allow it, whether there is such an application or not.
    pub fn decide_publish(
        &self,
        ask: &PublishAsk<'_>,
        granted: impl Fn(&Grant) -> bool,
    ) -> Result<CallPermit, Denial> {
        let code = Code::PublishDenied;
        let (own, kind) = ask.grantees();
        let Some(own) = own else { return Err(Denial::of(code)) };
        let own = ask.grant(own);
        let has = granted(&own) || kind.is_some_and(|kind| granted(&ask.grant(kind)));
        // An operator's policy can forbid what is granted, so it is asked in any case.
        let consulted = self.consult_publish(ask);
        if consulted.map_err(|denial| Denial { code: denial.code_or(code), ..denial })? || has {
            return Ok(CallPermit::new());
        }
        Err(Denial::no_grant(code, Some(command(ask.scope, &own))))
    }

    /// Whether a policy of the operator permits it. `false` if none speaks of it.
    fn consult_publish(&self, ask: &PublishAsk<'_>) -> Result<bool, Denial> {
        if self.on_publish.is_empty() {
            return Ok(false);
        }
        let broken = |error: Error| Denial::error(Vec::new(), &error.to_string());
        let words = &self.vocabulary;
        let who = Who { principal: ask.principal, claims: ask.claims, scope: ask.scope };
        let request = self.publish_request(ask, &who).map_err(broken)?;
        let entities = words.entities_of(&who, Reads::EVERYTHING).map_err(broken)?;
        let response = words.authorizer.is_authorized(&request, &self.on_publish, &entities);
        let findings = Findings::of(&response);
        findings.failure()?;
        match response.decision() {
            Decision::Allow => Ok(true),
            Decision::Deny => findings.forbidden().map(|()| false),
        }
    }

    fn publish_request(&self, ask: &PublishAsk<'_>, who: &Who<'_>) -> Result<Request, Error> {
        let words = &self.vocabulary;
        let texts = [
            ("type", ask.event.kind()),
            ("event_source", ask.event.source()),
            ("tenant", ask.scope.tenant.as_str()),
            ("environment", ask.scope.environment.as_str()),
        ];
        let text = |(key, text): (&str, &str)| {
            (key.to_owned(), RestrictedExpression::new_string(text.to_owned()))
        };
        let mut pairs: Vec<_> = texts.into_iter().map(text).collect();
        pairs.push(("claims".to_owned(), words.claims_of_request()));
        pairs.extend(ask.source.map(|address| {
            let address = address.to_canonical().to_string();
            ("source".to_owned(), RestrictedExpression::new_ip(address))
        }));
        let context = Context::from_pairs(pairs).map_err(Error::invariant)?;
        let application = words.application(ask.scope, ask.application);
        let principal = words.principal_of(who);
        Request::new(principal, words.publish.clone(), application, context, Some(&words.schema))
            .map_err(Error::invariant)
    }
}

impl FunctionPolicies {
    /// Whether the function's manifest asks to publish to an application.
    ///
    /// # Errors
    /// [`Denial`] with code E1440.
    pub fn asks_to_publish(&self, application: &ApplicationName) -> Result<(), Denial> {
        if self.asked.everything || self.asked.applications.contains(application) {
            return Ok(());
        }
        let line = format!("publish = [\"{application}\"]");
        Err(not_asked(Code::PublishDenied, "allow.publish", Some(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DenialKind;

    /// What is said to a token that publishes `type` to `shop`, having these grants.
    fn decide(operator: &str, grants: &[&str], kind: &str) -> Result<(), (DenialKind, Code)> {
        let policies =
            Policies::new(&[("op.cedar".to_owned(), operator.to_owned())]).expect("fits");
        let parse = |text: &&str| {
            let parts: Vec<&str> = text.split(' ').collect();
            Grant::parse(parts[0], parts[1], parts[2]).expect(text)
        };
        let grants: Vec<Grant> = grants.iter().map(parse).collect();
        let event = format!(r#"{{"specversion":"1.0","id":"1","source":"/a","type":"{kind}"}}"#);
        let event = CloudEvent::from_json(event.as_bytes()).expect("an event");
        let (name, scope) = ("ci".parse().expect("a name"), Scope::default());
        let ask = PublishAsk {
            principal: Asker::Token(&name),
            scope: &scope,
            application: &"shop".parse().expect("a name"),
            source: Some([10, 0, 0, 1].into()),
            event: &event,
            claims: Claims::NONE,
        };
        let decided = policies.decide_publish(&ask, |grant| grants.contains(grant));
        decided.map(drop).map_err(|denial| {
            if denial.kind == DenialKind::NoGrant {
                let hint = denial.hint.as_deref();
                assert_eq!(hint, Some("casemate grant token:ci publish shop"));
            }
            (denial.kind, denial.code)
        })
    }

    #[test]
    fn a_grant_is_for_one_publisher_and_one_application() {
        let none = Err((DenialKind::NoGrant, Code::PublishDenied));
        assert_eq!(decide("", &["token:ci publish shop"], "x"), Ok(()));
        for grants in [&[][..], &["token:other publish shop"], &["token:ci publish other"]] {
            assert_eq!(decide("", grants, "x"), none, "{grants:?}");
        }
        assert_eq!(decide("", &["token:ci invoke shop"], "x"), none, "another kind of grant");
        for who in ["public", "trigger:nightly"] {
            assert!(Grant::parse(who, "publish", "shop").is_err(), "{who}");
        }
    }

    #[test]
    fn an_operators_policies_see_the_event() {
        let rule = |effect: &str| {
            format!(
                r#"{effect}(principal, action == Casemate::Action::"publish",
                    resource == Casemate::Application::"default/main/shop")
                   when {{ context.type like "com.x.*" && context has source && context.source.isInRange(ip("10.0.0.0/8")) }};"#
            )
        };
        let granted = &["token:ci publish shop"][..];
        assert_eq!(decide(&rule("permit"), &[], "com.x.paid"), Ok(()));
        assert!(decide(&rule("permit"), &[], "com.y.paid").is_err());
        let forbidden = Err((DenialKind::Forbidden, Code::PublishDenied));
        assert_eq!(decide(&rule("forbid"), granted, "com.x.paid"), forbidden);
        assert_eq!(decide(&rule("forbid"), granted, "com.y.paid"), Ok(()));
    }
}
