//! Whether a grant covers an outgoing HTTP request.
//!
//! This version has no door to the outside: the engine refuses every outgoing request whatever
//! this answers. The answer decides which hint is printed.

use crate::FunctionPolicies;
use crate::target::{Method, Target, Url};
use crate::verdict::{Denial, command};
use model::{Action, Code, Grant, Principal};

impl FunctionPolicies {
    /// Finds the grant that covers a request: method, scheme, host, port and path.
    /// `url` comes from the guest and may be anything; a query in it is not looked at.
    ///
    /// # Errors
    /// [`Denial`] with code E0203. Its hint is the command that would grant exactly this request,
    /// safe to paste into a shell whatever the guest asked for.
    pub fn decide_http(&self, method: &str, url: &str) -> Result<&Grant, Denial> {
        let url = Url::parse(url);
        let covers = |grant: &&Grant| match (&grant.action, &url) {
            (Action::Http { target }, Some(url)) => {
                Target::parse(target).is_some_and(|target| target.covers(method, url))
            }
            _ => false,
        };
        self.outbound.iter().find(covers).ok_or_else(|| {
            let hint = url.as_ref().and_then(|url| self.hint_http(method, url));
            Denial::no_grant(Code::OutboundDenied, hint)
        })
    }

    fn hint_http(&self, method: &str, url: &Url) -> Option<String> {
        let method = Method::parse(method)?;
        let grant = Grant {
            who: Principal::Function(self.function.name.clone()),
            action: Action::Http { target: format!("{method} {url}") },
        };
        Some(command(&self.function.scope, &grant.checked().ok()?))
    }
}
