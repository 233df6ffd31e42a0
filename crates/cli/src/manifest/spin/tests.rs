//! What becomes of whole manifests.

use super::*;

const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"Shop App\"\n";
const COMPONENT: &str = "[component.a]\nsource = \"a.wasm\"\n";

fn of(text: &str, set: &[(&str, &str)]) -> Result<Manifest, String> {
    let set: Vec<_> =
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    translated("spin.toml", text, Given::These(&set)).map_err(|problem| {
        let hint = problem.hint.as_deref().map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{} {}{hint}", problem.code, problem.detail.as_deref().unwrap_or("-"))
    })
}

fn refusal(rest: &str) -> String {
    of(&format!("{HEAD}{rest}"), &[]).expect_err(rest)
}

const WHOLE: &str = r#"
spin_manifest_version = 2

[application]
name = "shop"
version = "1.0.0"
description = "All that has a counterpart"
authors = ["A <a@example.com>"]

[application.trigger.http]
base = "/"

[variables]
api_host = { default = "api.example.com", description = "where prices are" }
region = { required = true }

[[trigger.http]]
route = "/..."
component = "shop"

[[trigger.http]]
route = "/cart/:id"
component = "cart"
executor = { type = "http" }

[[trigger.http]]
id = "mail"
route = { private = true }
component = { source = "mail.wasm" }

[component.shop]
source = "target/wasm32-wasip1/release/shop.wasm"
description = "The shop"
allowed_outbound_hosts = ["https://{{ api_host }}", "http://cart.spin.internal", "*://127.0.0.1:81"]
key_value_stores = ["default", "my_store"]
variables = { region = "{{ region }}", prices = "https://{{ api_host }}/prices" }
environment = { RUST_LOG = "info" }
files = ["static/*.txt", { source = "assets", destination = "/" }]
exclude_files = ["static/x.txt"]
[component.shop.build]
command = ["cargo build --target wasm32-wasip1 --release", "ls"]
workdir = "the shop"
watch = ["src/**/*.rs"]

[component.cart]
source = "cart.wasm"
key_value_stores = ["default"]
"#;

#[test]
fn a_whole_manifest_becomes_one_of_ours() {
    let manifest = of(WHOLE, &[("region", "eu")]).expect("a manifest");
    manifest.check(&model::limit::Ceiling::DEFAULT).expect("good");
    let text = toml::to_string(&manifest).expect("text");
    // What is written reads as it was.
    assert_eq!(toml::from_str::<Manifest>(&text).expect(&text), manifest);
    insta::assert_snapshot!(text);
}

#[test]
fn all_that_has_no_counterpart_is_named_in_one_message() {
    let said = refusal(
        r#"
[application.trigger.redis]
address = "redis://localhost"
[variables]
token = { required = true, secret = true }
[[trigger.redis]]
channel = "orders"
component = "a"
[[trigger.http]]
route = "/x"
component = "a"
executor = { type = "wagi" }
[[trigger.http]]
route = "/static"
static_response = { status_code = 200, body = "x" }
[component.a]
source = { url = "https://example.com/a.wasm", digest = "sha256:00" }
sqlite_databases = ["default"]
ai_models = ["llama2-chat"]
allowed_outbound_hosts = ["https://*", "redis://localhost:6379"]
dependencies = { "a:b" = ">= 0.1.0" }
"#,
    );
    insta::assert_snapshot!(said);
}

#[test]
fn what_is_wrong_names_the_line_or_the_place() {
    let component = |rest: &str| refusal(&format!("{COMPONENT}{rest}"));
    assert!(component("color = 1").starts_with("E0180 spin.toml:"), "{}", component("color = 1"));
    assert_eq!(
        refusal("[[trigger.http]]\nroute = \"/\"\ncomponent = \"b\"\n"),
        "E0180 spin.toml: trigger `/`: there is no component `b`"
    );
    assert_eq!(
        component("variables = { x = \"{{ y }}\" }"),
        "E0182 spin.toml: component `a`: `variables.x`: a template names `y`, and there is no such \
         variable"
    );
    assert_eq!(
        component("[variables]\nv = { required = true }\nw = { required = true }"),
        "E0182 spin.toml: no value for `v`, `w` | casemate deploy spin.toml --variable v=VALUE \
         --variable w=VALUE"
    );
    for old in ["spin_version = \"1\"", "spin_manifest_version = \"1\"", "x = 1"] {
        let said = of(old, &[]).expect_err(old);
        assert!(said.starts_with("E0180 ") && said.contains("version 2"), "{said}");
    }
    assert!(
        of("spin_manifest_version = ", &[])
            .expect_err("no TOML")
            .starts_with("E0180 spin.toml:1: ")
    );
}

#[test]
fn values_that_come_later_are_not_missed() {
    let text = format!(
        "{HEAD}[variables]\nhost = {{ required = true }}\n{COMPONENT}\
         allowed_outbound_hosts = [\"https://{{{{ host }}}}\"]\n"
    );
    let manifest = translated("spin.toml", &text, Given::Later).expect("later");
    assert_eq!(manifest.application.as_str(), "shop-app");
    assert!(manifest.functions[0].allow.http.is_empty());
    assert!(of(&text, &[]).expect_err("now").starts_with("E0182 "));
    let manifest = of(&text, &[("host", "a.example")]).expect("given");
    assert_eq!(manifest.functions[0].allow.http, ["* https://a.example/*"]);
}

#[test]
fn a_text_is_known_by_its_version() {
    assert!(is_one("# x\nspin_manifest_version = 2\n") && is_one("spin_version = \"1\""));
    assert!(!is_one("manifest = 1\n[a]\nspin_manifest_version = 2") && !is_one(""));
}
