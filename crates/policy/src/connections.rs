//! What a running function may connect to, and where nobody has to look inside.

use crate::FunctionPolicies;
use crate::calls::{Reach, not_asked};
use crate::target::{Target, Url};
use crate::verdict::{CallPermit, Denial};
use model::{Action, Code, Destination};

impl FunctionPolicies {
    /// Decides whether the function may connect over TCP.
    ///
    /// # Errors
    /// [`Denial`] with code E0920, or E0202 if a policy could not be evaluated. Its hint is what
    /// would allow exactly this destination.
    pub fn decide_tcp(&self, destination: &Destination) -> Result<CallPermit, Denial> {
        let code = Code::TcpDenied;
        let has = |reach: &Reach| reach.everything || reach.tcp.contains(destination);
        if !has(&self.asked) {
            return Err(not_asked(code, "allow.tcp", Some(format!("tcp = [\"{destination}\"]"))));
        }
        let granted = has(&self.granted);
        self.conclude(granted, self.consult_tcp(destination), code, || {
            Some(Action::Tcp { target: destination.clone() })
        })
    }

    /// A permit for TLS that nobody looks into: if whatever the function may say within it would be
    /// permitted, and nothing has to be put into it. Manifest and grants each cover the whole host
    /// with every method and path, no policy of the operator speaks of requests, and no secret goes
    /// to the host. Else `None`, which denies nothing: each request is decided by itself then.
    #[must_use]
    pub fn permit_opaque(&self, destination: &Destination) -> Option<CallPermit> {
        let url = Url::parse(&format!("https://{destination}/"))?;
        // What a policy says depends on methods and paths that are not seen.
        let unseen = self.policies.on_http.is_empty();
        let of_host = |target: &Target| target.any_method() && target.whole_host();
        let whole = |reach: &Reach| {
            let covers = |target: &Target| of_host(target) && target.covers("*", &url);
            reach.everything || reach.http.iter().any(covers)
        };
        let filled =
            self.asked.destinations.iter().any(|(_, place)| place.origin() == url.origin());
        let may = unseen && whole(&self.asked) && whole(&self.granted) && !filled;
        may.then(CallPermit::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DenialKind, Policies};
    use model::manifest::Allow;
    use model::{FunctionName, FunctionRef, Grant, Scope};

    const PLACE: &str = "https://api.example.com";

    fn place(text: &str) -> Destination {
        Destination::parse(text).expect(text)
    }

    /// The policies of `f`, which asks for `allow` and has grants, each `ACTION WHAT`.
    fn of(operator: &str, allow: serde_json::Value, grants: &[(&str, &str)]) -> FunctionPolicies {
        let operator =
            Policies::new(&[("op.cedar".to_owned(), operator.to_owned())]).expect("fits");
        let name = FunctionName::parse("f").expect("a name");
        let function = FunctionRef { scope: Scope::default(), name };
        let allow: Allow = serde_json::from_value(allow).expect("what is asked for");
        let grant = |(action, what): &(&str, &str)| Grant::parse("function:f", action, what);
        let grants: Vec<_> = grants.iter().map(|it| grant(it).expect("a grant")).collect();
        operator.function(&function, &grants, &allow, None).expect("policies")
    }

    fn tcp() -> serde_json::Value {
        serde_json::json!({ "tcp": ["db.internal:5432", "[2001:db8::7]:5432"] })
    }

    #[test]
    fn a_connection_takes_both_keys() {
        let check = |asked, grants: &[_], to: &str| {
            of("", asked, grants).decide_tcp(&place(to)).map(drop).map_err(|denial| {
                assert_eq!((denial.kind, denial.code), (DenialKind::NoGrant, Code::TcpDenied));
                denial.hint.expect("what would help").to_string()
            })
        };
        let granted = [("tcp", "db.internal:5432")];
        assert_eq!(check(tcp(), &granted, "DB.Internal:5432"), Ok(()));
        let line = |to: &str| {
            format!(
                "write `tcp = [\"{to}\"]` below `[function.allow]` of the manifest, then `casemate deploy --grant`"
            )
        };
        let nothing = || serde_json::json!({});
        assert_eq!(check(nothing(), &granted, "db.internal:5432"), Err(line("db.internal:5432")));
        assert_eq!(check(tcp(), &granted, "db.internal:5433"), Err(line("db.internal:5433")));
        for (to, command) in [
            ("db.internal:5432", "casemate grant function:f tcp db.internal:5432"),
            ("[2001:db8::7]:5432", "casemate grant function:f tcp \"[2001:db8::7]:5432\""),
        ] {
            assert_eq!(check(tcp(), &[], to), Err(command.to_owned()));
        }
        let http = [("http", "* https://db.internal:5432/*")];
        assert!(check(tcp(), &http, "db.internal:5432").is_err(), "another kind of grant");
    }

    #[test]
    fn an_operators_policies_stand_above_grants() {
        let host = r#"Casemate::Host::"tcp://db.internal:5432""#;
        let policy = |effect: &str| {
            format!(
                r#"{effect}(principal, action == Casemate::Action::"tcp", resource == {host});"#
            )
        };
        let granted = [("tcp", "db.internal:5432")];
        let decide = |policies: &FunctionPolicies| policies.decide_tcp(&place("db.internal:5432"));
        let denial = decide(&of(&policy("forbid"), tcp(), &granted)).expect_err("forbidden");
        assert_eq!((denial.kind, denial.code), (DenialKind::Forbidden, Code::TcpDenied));
        assert!(decide(&of(&policy("permit"), tcp(), &[])).is_ok());
        assert!(decide(&of(&policy("permit"), serde_json::json!({}), &[])).is_err());
        let other = of(&policy("permit"), tcp(), &[]);
        assert!(other.decide_tcp(&place("[2001:db8::7]:5432")).is_err());
    }

    #[test]
    fn only_where_everything_is_allowed_nobody_looks_inside() {
        let whole = format!("* {PLACE}/*");
        let asks = |http: &[&str]| serde_json::json!({ "http": http });
        let check = |operator: &str, asked, granted: &[&str], to: &str| {
            let grants: Vec<_> = granted.iter().map(|it| ("http", *it)).collect();
            of(operator, asked, &grants).permit_opaque(&place(to)).is_some()
        };
        let to = "api.example.com:443";
        assert!(check("", asks(&[&whole]), &[&whole], to));
        assert!(check("", asks(&[&whole]), &[&whole], "API.example.com:443"));
        let port = "* https://api.example.com:8443/*";
        assert!(check("", asks(&[port]), &[port], "api.example.com:8443"));
        assert!(!check("", asks(&[port]), &[port], to));
        for less in ["GET https://api.example.com/*", "* https://api.example.com/v1/*"]
            .into_iter()
            .chain(["* http://api.example.com:443/*", "* https://api.example.com/"])
        {
            assert!(!check("", asks(&[less]), &[&whole], to), "asked for {less}");
            assert!(!check("", asks(&[&whole]), &[less], to), "granted {less}");
        }
        assert!(!check("", asks(&[&whole]), &[], to));
        assert!(!check("", asks(&[]), &[&whole], to));
        let http = r#"permit(principal, action == Casemate::Action::"http", resource);"#;
        assert!(!check(http, asks(&[&whole]), &[&whole], to), "policies look at requests");
        let tcp = r#"permit(principal, action == Casemate::Action::"tcp", resource);"#;
        assert!(check(tcp, asks(&[&whole]), &[&whole], to));
    }

    #[test]
    fn where_a_secret_goes_somebody_looks_inside() {
        let whole = format!("* {PLACE}/*");
        let asked = |to: &str| {
            serde_json::json!({
                "http": [whole],
                "secret": { "psp": { "to": to, "header": "authorization" } },
            })
        };
        let check = |to: &str| {
            let policies = of("", asked(to), &[("http", &whole)]);
            policies.permit_opaque(&place("api.example.com:443")).is_some()
        };
        assert!(!check(PLACE) && !check("https://api.example.com/v1"));
        assert!(check("https://other.example.com"));
    }
}
