//! What holds whatever is granted and whatever the operator wrote: grants only add, revoking takes
//! back exactly what was added, nobody else's function is touched, and a `forbid` wins.

use super::*;
use model::Claims;
use proptest::prelude::*;
use std::collections::BTreeSet;

const FUNCTIONS: [&str; 3] = ["hello", "orders", "mail"];
const TOKENS: [&str; 3] = ["a", "b", "c"];

/// Policies that look at who, at what and at the circumstances, some of them forbidding.
const PIECES: [&str; 5] = [
    r#"forbid(principal == Casemate::Token::"default/main/a", action == Casemate::Action::"invoke", resource == Casemate::Function::"default/main/orders");"#,
    r#"forbid(principal, action == Casemate::Action::"invoke", resource) when { context.method == "PUT" };"#,
    r#"permit(principal == Casemate::Token::"default/main/b", action == Casemate::Action::"invoke", resource) when { context.route == "/x" };"#,
    r#"forbid(principal in Casemate::Public::"public", action == Casemate::Action::"invoke", resource == Casemate::Function::"default/main/mail") when { context.trigger == "http" };"#,
    r#"permit(principal, action == Casemate::Action::"invoke", resource == Casemate::Function::"default/main/mail");"#,
];

/// Everything that somebody can ask of one function in these tests, with the answers.
fn decisions(
    policies: &Arc<Policies>,
    granted: &BTreeSet<Grant>,
    name: &str,
) -> Vec<(String, bool)> {
    let to = function(name);
    let granted: Vec<Grant> = granted.iter().cloned().collect();
    let own = policies.for_function(&to, &granted).unwrap();
    let tokens = TOKENS.map(token);
    let askers =
        [Asker::Anonymous, Asker::Operator].into_iter().chain(tokens.iter().map(Asker::Token));
    let mut all = Vec::new();
    for principal in askers {
        for (method, route) in [("GET", "/x"), ("PUT", "/x"), ("GET", "/y")] {
            let ask = InvokeAsk {
                principal,
                function: &to,
                source: None,
                method,
                route,
                trigger: "http",
                claims: Claims::NONE,
            };
            let answer = own.decide_invoke(&ask).is_ok();
            all.push((format!("{principal:?} {method} {route} {name}"), answer));
        }
    }
    for url in ["https://a.example/v1/x", "https://a.example/v2", "https://b.example/"] {
        all.push((
            format!("{name} GET {url}"),
            own.decide_http(HttpAsk { method: "GET", url }).is_ok(),
        ));
    }
    all
}

fn every_grant() -> Vec<Grant> {
    let whos = ["public".to_owned()].into_iter().chain(TOKENS.map(|name| format!("token:{name}")));
    let invoke: Vec<String> =
        whos.flat_map(|who| FUNCTIONS.map(|name| format!("{who} invoke {name}"))).collect();
    let http = FUNCTIONS.iter().flat_map(|name| {
        ["GET https://a.example/v1/*", "* https://b.example/*"]
            .map(|target| format!("function:{name} http {target}"))
    });
    invoke.into_iter().chain(http).flat_map(|line| grants(&line)).collect()
}

fn some_grants() -> impl Strategy<Value = BTreeSet<Grant>> {
    let all = every_grant();
    let most = all.len();
    prop::sample::subsequence(all, 0..most).prop_map(|some| some.into_iter().collect())
}

fn some_pieces() -> impl Strategy<Value = String> {
    prop::sample::subsequence(PIECES.to_vec(), 0..=PIECES.len()).prop_map(|some| some.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_grant_only_adds_and_touches_no_other_function(
        before in some_grants(), pieces in some_pieces(), one in prop::sample::select(every_grant()),
    ) {
        let policies = operator(&pieces);
        let mut after = before.clone();
        after.insert(one.clone());
        for name in FUNCTIONS {
            let (old, new) = (decisions(&policies, &before, name), decisions(&policies, &after, name));
            for ((ask, old), (_, new)) in old.into_iter().zip(new) {
                prop_assert!(new || !old, "`{one}` takes {ask} away");
                prop_assert!(new == old || concerns(&one, &function(name)), "`{one}` permits {ask}");
                // Within its function, a grant to a token is that token's alone.
                if let (true, Principal::Token(token)) = (new != old, &one.who) {
                    prop_assert!(ask.contains(&format!("Token({token:?})")), "`{one}` permits {ask}");
                }
            }
        }
    }

    #[test]
    fn revoking_restores_the_earlier_decisions(
        before in some_grants(), pieces in some_pieces(), one in prop::sample::select(every_grant()),
    ) {
        let policies = operator(&pieces);
        prop_assume!(!before.contains(&one));
        let mut grants = before.clone();
        grants.insert(one.clone());
        grants.remove(&one);
        for name in FUNCTIONS {
            let to = function(name);
            let of = |set: &BTreeSet<Grant>| {
                let list: Vec<Grant> = set.iter().rev().cloned().collect();
                policies.for_function(&to, &list).unwrap().version()
            };
            prop_assert_eq!(decisions(&policies, &grants, name), decisions(&policies, &before, name));
            // In any order the same grants are the same version, and one more is another.
            prop_assert_eq!(of(&grants), of(&before));
            let mut more = before.clone();
            more.insert(one.clone());
            prop_assert_eq!(of(&more) != of(&before), concerns(&one, &to));
        }
    }

    #[test]
    fn a_forbid_wins_over_every_grant_and_every_permit(
        granted in some_grants(), pieces in some_pieces(), name in prop::sample::select(FUNCTIONS.to_vec()),
    ) {
        let forbid = format!(
            r#"forbid(principal, action == Casemate::Action::"invoke", resource == Casemate::Function::"default/main/{name}");"#
        );
        let (open, closed) = (operator(&pieces), operator(&format!("{pieces}\n{forbid}")));
        for other in FUNCTIONS {
            let (old, new) = (decisions(&open, &granted, other), decisions(&closed, &granted, other));
            if other == name {
                let invoked = new.iter().any(|(ask, may)| *may && !ask.contains("https://"));
                prop_assert!(!invoked, "{new:?}");
            } else {
                prop_assert_eq!(old, new, "a forbid on {} reaches {}", name, other);
            }
        }
    }
}
