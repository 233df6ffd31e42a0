//! What a native function's manifest may say, line by line.

use crate::Code;
use crate::limit::Ceiling;
use crate::manifest::Manifest;

fn check(lines: &str) -> Result<(), String> {
    let text = format!(
        "{{\"manifest\":1,\"application\":\"a\",\"function\":[{{\"name\":\"f\",{lines}}}]}}"
    );
    let manifest: Manifest = serde_json::from_str(&text).expect(&text);
    manifest.check(&Ceiling::DEFAULT).map_err(|problem| {
        assert_eq!(problem.code, Code::ManifestValue);
        assert!(problem.hint.is_some(), "{problem}");
        assert!(problem.pointer.is_some_and(|at| at.starts_with("/function/0/")));
        problem.detail.unwrap_or_default()
    })
}

fn native(lines: &str) -> Result<(), String> {
    check(&format!(r#""runtime":"native","native":{{{lines}}}"#))
}

#[test]
fn each_contract_has_what_it_needs_and_nothing_that_it_does_not_know() {
    for good in [
        r#""contract":"lambda","interpreter":"python3.11","handler":"app.handler""#,
        r#""contract":"lambda""#,
        r#""contract":"lambda","handler":"function.sh""#,
        r#""contract":"lambda","interpreter":"node","command":["node","loop.js"]"#,
        r#""contract":"lambda-web","interpreter":"node""#,
        r#""contract":"http","command":["./server"],"port":8080"#,
        r#""contract":"http","interpreter":"python3","command":["python3","-m","flask"]"#,
        r#""contract":"functions-framework","interpreter":"python3","handler":"hello""#,
        r#""contract":"kubeless","interpreter":"node","handler":"a.b""#,
        r#""contract":"alibaba""#,
        r#""contract":"azure""#,
        r#""contract":"openwhisk","interpreter":"python3","handler":"main""#,
        r#""contract":"openwhisk","command":["./proxy"],"server":{"raw":true}"#,
        r#""contract":"actionloop""#,
        r#""contract":"openfaas","interpreter":"node""#,
        r#""contract":"fn","interpreter":"node","command":["node","func.js"]"#,
        r#""contract":"cgi","command":["./program"],"fresh":true"#,
    ] {
        assert_eq!(native(good), Ok(()), "{good}");
    }
    for (bad, key) in [
        (r#""contract":"lambda","interpreter":"python3.11""#, "native.handler"),
        (r#""contract":"lambda","interpreter":"../python""#, "native.interpreter"),
        (r#""contract":"lambda","handler":"""#, "native.handler"),
        (r#""contract":"lambda","port":8080"#, "native.port"),
        (r#""contract":"lambda","parallel":2"#, "native.parallel"),
        (r#""contract":"http""#, "native.command"),
        (r#""contract":"http","interpreter":"node""#, "native.command"),
        (r#""contract":"http","command":[""]"#, "native.command"),
        (r#""contract":"http","command":["a","b\u0000"]"#, "native.command"),
        (r#""contract":"http","command":["a"],"handler":"b""#, "native.handler"),
        (r#""contract":"functions-framework","handler":"b""#, "native.interpreter"),
        (r#""contract":"functions-framework","interpreter":"node""#, "native.handler"),
        (r#""contract":"kubeless""#, "native.interpreter"),
        (r#""contract":"openwhisk""#, "native.interpreter"),
        (r#""contract":"openwhisk","interpreter":"node","port":8081"#, "native.port"),
        (r#""contract":"openfaas""#, "native.command"),
        (r#""contract":"fn","interpreter":"node""#, "native.command"),
        (r#""contract":"fn","command":["./f"],"parallel":2"#, "native.parallel"),
        (r#""contract":"actionloop","parallel":2"#, "native.parallel"),
        (r#""contract":"cgi","command":["./f"],"parallel":2"#, "native.parallel"),
        (r#""contract":"cgi","command":["./f"],"provisioned":1"#, "native.provisioned"),
        (r#""contract":"ironfunctions""#, "native.command"),
    ] {
        let why = native(bad).expect_err(bad);
        assert!(why.contains(&format!("`{key}`")), "{bad}: {why}");
    }
}

#[test]
fn amounts_have_bounds() {
    let with = |line: &str| native(&format!(r#""contract":"http","command":["./a"],{line}"#));
    for good in [
        r#""port":1024,"parallel":1000,"processes":4096"#,
        r#""scratch":"128MiB","start":"10m","idle":"24h","provisioned":100"#,
        r#""idle":"0s","fresh":true,"parallel":1,"provisioned":0"#,
    ] {
        assert_eq!(with(good), Ok(()), "{good}");
    }
    for bad in [
        r#""port":0"#,
        r#""port":1023"#,
        r#""port":9001"#,
        r#""port":3128"#,
        r#""parallel":0"#,
        r#""parallel":1001"#,
        r#""parallel":2,"fresh":true"#,
        r#""processes":0"#,
        r#""processes":4097"#,
        r#""scratch":"63KiB""#,
        r#""scratch":"129MiB""#,
        r#""scratch":"11GiB""#,
        r#""start":"0s""#,
        r#""start":"11m""#,
        r#""idle":"25h""#,
        r#""provisioned":101"#,
        r#""layers":["1","2","3","4","5","6","7","8","9","10","11"]"#,
    ] {
        assert!(with(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_belongs_to_components_is_refused_beside_native_and_the_other_way_round() {
    let with = |line: &str| {
        check(&format!(r#""runtime":"native","native":{{"contract":"lambda"}},{line}"#))
    };
    for (line, key) in [
        (r#""wasi":"0.3""#, "wasi"),
        (r#""dialect":"spin""#, "dialect"),
        (r#""files":{"include":["a"]}"#, "files"),
        (r#""stores":{"default":"carts"}"#, "stores"),
        (r#""config":{"A":"1"},"environment":{"A":"2"}"#, "environment"),
    ] {
        let why = with(line).expect_err(line);
        assert!(why.contains(&format!("`{key}`")), "{line}: {why}");
    }
    assert_eq!(with(r#""config":{"A":"1"},"environment":{"B":"2"}"#), Ok(()));
    assert!(check(r#""runtime":"native""#).is_err());
    assert!(check(r#""native":{"contract":"lambda"}"#).is_err());
}

#[test]
fn a_worker_has_its_table_and_its_runtime_and_neither_a_command_nor_a_port() {
    let good = r#""contract":"workers","interpreter":"workerd","parallel":8,"worker":{"compatibility_date":"2026-01-01"}"#;
    assert_eq!(native(good), Ok(()));
    for (bad, key) in [
        (r#""contract":"workers","interpreter":"workerd""#, "native.worker"),
        (
            r#""contract":"workers","worker":{"compatibility_date":"2026-01-01"}"#,
            "native.interpreter",
        ),
        (
            r#""contract":"workers","interpreter":"workerd","command":["workerd"],"worker":{"compatibility_date":"2026-01-01"}"#,
            "native.command",
        ),
        (
            r#""contract":"workers","interpreter":"workerd","port":8080,"worker":{"compatibility_date":"2026-01-01"}"#,
            "native.port",
        ),
        (
            r#""contract":"workers","interpreter":"workerd","worker":{"compatibility_date":"2026-01-01","main":"../a.js"}"#,
            "native.worker.main",
        ),
        (
            r#""contract":"http","command":["./a"],"worker":{"compatibility_date":"2026-01-01"}"#,
            "native.worker",
        ),
    ] {
        let why = native(bad).expect_err(bad);
        assert!(why.contains(&format!("`{key}`")), "{bad}: {why}");
    }
}

#[test]
fn a_workers_bindings_and_variables_are_told_apart() {
    let with = |more: &str| {
        check(&format!(
            r#""runtime":"native","native":{{"contract":"workers","interpreter":"workerd","worker":{{"compatibility_date":"2026-01-01","kv":{{"CARTS":"carts"}},"json":["LIMITS"]}}}},{more}"#
        ))
    };
    assert_eq!(with(r#""environment":{"LIMITS":"{}"}"#), Ok(()));
    assert_eq!(with(r#""config":{"LIMITS":"3"}"#), Ok(()));
    let why = with(r#""environment":{"LIMITS":"{}","CARTS":"x"}"#).expect_err("twice");
    assert!(why.contains("`native.worker`") && why.contains("`CARTS`"), "{why}");
    assert!(with(r#""environment":{"LIMITS":"{"}"#).is_err());
}
