//! Where a native function connects to over TCP: what a manifest may say of it.

use super::{FunctionSpec, Runtime};
use crate::{Code, Problem};
use std::collections::BTreeSet;

/// Most destinations of a function. Each has a loopback address of its own in the function's jail.
pub const DESTINATIONS_MAX: usize = 200;

impl FunctionSpec {
    /// Refuses destinations of a function that has no sockets, too many, and the same twice.
    ///
    /// # Errors
    /// E0921, naming the function.
    pub(super) fn check_tcp(&self) -> Result<(), Problem> {
        let fail = |at: usize, why: &str, hint: &str| {
            let why = format!("function `{}`, `allow.tcp`: {why}", self.name);
            Err(Problem::new(Code::TcpAsk).detail(why).hint(hint).below(format!("/allow/tcp/{at}")))
        };
        let tcp = &self.allow.tcp;
        if self.runtime != Runtime::Native && !tcp.is_empty() {
            let hint = "take `allow.tcp` out and ask for requests with `allow.http`, or run it with \
                 `runtime = \"native\"`";
            return fail(0, "a component has no sockets", hint);
        }
        if tcp.len() > DESTINATIONS_MAX {
            let why = format!("it has more than {DESTINATIONS_MAX} destinations");
            return fail(DESTINATIONS_MAX, &why, "split the function");
        }
        let mut seen = BTreeSet::new();
        match tcp.iter().position(|destination| !seen.insert(destination)) {
            Some(at) => fail(at, "the same destination stands there before", "take it out"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::limit::Ceiling;
    use crate::manifest::Manifest;
    use crate::{Action, Code, Destination};

    fn check(line: &str) -> Result<Manifest, Code> {
        let text =
            format!(r#"{{"manifest":1,"application":"a","function":[{{"name":"f",{line}}}]}}"#);
        let manifest: Manifest = serde_json::from_str(&text).expect(&text);
        manifest.check(&Ceiling::DEFAULT).map_err(|problem| {
            let at = problem.pointer.as_deref().unwrap_or_default();
            assert!(at.starts_with("/function/0/allow/tcp/"), "{at}");
            assert!(problem.hint.is_some());
            problem.code
        })?;
        Ok(manifest)
    }

    #[test]
    fn a_native_function_asks_for_connections() {
        let tcp = r#""allow":{"tcp":["DB.internal:5432","[2001:db8::7]:6379"]}"#;
        let line = format!(r#""runtime":"native","native":{{"contract":"lambda"}},{tcp}"#);
        let manifest = check(&line).expect("good");
        let function = &manifest.functions[0];
        let asked: Vec<_> = function.allow.grants(&function.name).collect();
        let target = Destination::parse("db.internal:5432").expect("a destination");
        assert_eq!(asked[0].grant.action, Action::Tcp { target });
        assert_eq!((asked[1].key, &*asked[1].pointer), ("allow.tcp", "/allow/tcp/1"));
        assert_eq!(asked[1].grant.to_string(), "function:f tcp \"[2001:db8::7]:6379\"");
    }

    #[test]
    fn a_component_does_not_and_nobody_asks_twice_or_for_too_many() {
        assert_eq!(check(r#""allow":{"tcp":["db:1"]}"#).err(), Some(Code::TcpAsk));
        let native = |tcp: &str| {
            check(&format!(
                r#""runtime":"native","native":{{"contract":"lambda"}},"allow":{{"tcp":[{tcp}]}}"#
            ))
            .err()
        };
        assert_eq!(native(r#""db:1","DB:1""#), Some(Code::TcpAsk));
        let many: Vec<_> = (1..=201).map(|port| format!(r#""db:{port}""#)).collect();
        assert_eq!(native(&many.join(",")), Some(Code::TcpAsk));
        assert_eq!(native(&many[1..].join(",")), None);
    }

    #[test]
    fn a_text_that_is_no_destination_is_not_read() {
        for wrong in ["db", "*:5432", "*.internal:5432", "db:0", "127.1:5432"] {
            let allow = serde_json::json!({ "tcp": [wrong] });
            assert!(serde_json::from_value::<crate::manifest::Allow>(allow).is_err(), "{wrong}");
        }
    }
}
