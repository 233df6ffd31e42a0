//! Ways to break a manifest.

/// A broken manifest.
pub(super) struct Mutation {
    pub(super) name: String,
    pub(super) text: String,
    /// Whether it has to be refused.
    pub(super) must_fail: bool,
}

/// A manifest with all that the templates and the examples do not use.
pub(super) const RICH: &str = r#"manifest = 1
application = "shop"
domains = ["shop.example.com", "*.shop.example.com"]

[[function]]
name = "orders"
source = "orders.wasm"
timeout = "10s"
cpu = "2s"
memory = "64MiB"
concurrency = 10
queue_wait = "500ms"
request_body = "2MiB"
log = "64KiB"
record = "strict"

[[function.http]]
route = "GET /orders/{id}"
auth = ["token", "jwt:shop"]
require = { claims = { role = "admin" }, network = ["10.0.0.0/8"] }
limit = { rate = "100/1m", burst = 10, by = "address" }

[[function.http]]
route = "POST /orders"
cors = { origins = ["https://app.example.com"], methods = ["POST"], max_age = "10m" }

[function.allow]
http = ["GET https://api.example.com/*"]

[[function.example]]
name = "lists"
at = "2026-01-01T00:00:00Z"
request = { path = "/orders/1" }
expect = { status = 200, contains = "order" }

[[function]]
name = "mail"
source = "mail.wasm"

[[function.http]]
route = "POST /mail"

[[assets]]
name = "site"
directory = "public"
route = "/"
auth = "public"
fallback = "index.html"
cache = [{ files = "assets/*", control = "public, max-age=60" }]
headers = [{ files = "*.html", set = { x-frame-options = "DENY" } }]
"#;

/// One text of [`RICH`] and what is written in its place.
const CHANGES: &[(&str, &str)] = &[
    // Keys.
    ("timeout = ", "time_out = "),
    ("timeout = ", "Timeout = "),
    ("concurrency = ", "max_concurrency = "),
    ("memory = ", "mem = "),
    ("source = \"orders", "component = \"orders"),
    ("origins = ", "origin = "),
    ("rate = ", "rat = "),
    ("claims = ", "claim = "),
    ("[function.allow]", "[function.alow]"),
    ("[[function.http]]\nroute = \"POST /orders\"", "[[function.htpp]]\nroute = \"POST /orders\""),
    ("[[function.example]]", "[[function.examples]]"),
    ("[[assets]]", "[[asset]]"),
    ("[[function]]\nname = \"mail\"", "[[functions]]\nname = \"mail\""),
    ("domains = ", "domain = "),
    ("queue_wait = \"500ms\"", "queue_wait = \"500ms\"\nroute = \"GET /elsewhere\""),
    ("queue_wait = \"500ms\"", "queue_wait = \"500ms\"\napplication = \"shop2\""),
    ("queue_wait = \"500ms\"", "queue_wait = \"500ms\"\nwhatever_this_is = true"),
    ("queue_wait = \"500ms\"", "queue_wait = \"500ms\"\nunknown = { a = 1 }"),
    ("queue_wait = \"500ms\"", "queue-wait = \"500ms\""),
    ("[[assets]]", "[service]\nname = \"x\"\n\n[[assets]]"),
    // Types.
    ("timeout = \"10s\"", "timeout = 10"),
    ("timeout = \"10s\"", "timeout = true"),
    ("timeout = \"10s\"", "timeout = [\"10s\"]"),
    ("timeout = \"10s\"", "timeout = { s = 10 }"),
    ("timeout = \"10s\"", "timeout = 1979-05-27"),
    ("memory = \"64MiB\"", "memory = 64"),
    ("concurrency = 10", "concurrency = \"10\""),
    ("concurrency = 10", "concurrency = 10.5"),
    ("concurrency = 10", "concurrency = -10"),
    ("concurrency = 10", "concurrency = \"many\""),
    ("burst = 10", "burst = \"10\""),
    ("manifest = 1", "manifest = \"1\""),
    ("application = \"shop\"", "application = 1"),
    ("application = \"shop\"", "application = [\"shop\"]"),
    ("domains = [\"shop.example.com\", \"*.shop.example.com\"]", "domains = \"shop.example.com\""),
    ("http = [\"GET https://api.example.com/*\"]", "http = \"GET https://api.example.com/*\""),
    ("http = [\"GET https://api.example.com/*\"]", "http = [1]"),
    ("methods = [\"POST\"]", "methods = \"POST\""),
    ("network = [\"10.0.0.0/8\"]", "network = \"10.0.0.0/8\""),
    ("status = 200", "status = \"200\""),
    ("request = { path = \"/orders/1\" }", "request = \"/orders/1\""),
    (
        "cache = [{ files = \"assets/*\", control = \"public, max-age=60\" }]",
        "cache = \"no-cache\"",
    ),
    ("role = \"admin\"", "role = []"),
    // Units and words.
    ("\"10s\"", "\"10 seconds\""),
    ("\"10s\"", "\"10 parsecs\""),
    ("\"10s\"", "\"10\""),
    ("\"10s\"", "\"1.5s\""),
    ("\"10s\"", "\"-10s\""),
    ("\"10s\"", "\"\""),
    ("\"10s\"", "\"soon\""),
    ("\"64MiB\"", "\"64\""),
    ("\"64MiB\"", "\"64mb\""),
    ("\"64MiB\"", "\"64 megabytes\""),
    ("\"64MiB\"", "\"64M\""),
    ("\"100/1m\"", "\"100\""),
    ("\"100/1m\"", "\"100/m\""),
    ("\"100/1m\"", "\"100 per minute\""),
    ("\"100/1m\"", "\"0/1m\""),
    ("\"strict\"", "\"Strict\""),
    ("\"strict\"", "\"strickt\""),
    ("\"strict\"", "\"sometimes\""),
    ("by = \"address\"", "by = \"ip\""),
    ("by = \"address\"", "by = \"adress\""),
    ("auth = \"public\"", "auth = \"pubic\""),
    ("auth = \"public\"", "auth = \"none\""),
    ("auth = \"public\"", "auth = \"PUBLIC\""),
    ("auth = \"public\"", "auth = true"),
    ("auth = \"public\"", "auth = []"),
    ("[\"token\", \"jwt:shop\"]", "[\"token\", \"jwt:\"]"),
    ("[\"token\", \"jwt:shop\"]", "[\"token\", \"jwt:Shop\"]"),
    ("[\"token\", \"jwt:shop\"]", "[\"token\", \"token\", \"jwt:shop\"]"),
    ("[\"token\", \"jwt:shop\"]", "[\"token\", 7]"),
    ("[\"token\", \"jwt:shop\"]", "\"token\""),
    // Names.
    ("application = \"shop\"", "application = \"Shop\""),
    ("application = \"shop\"", "application = \"my shop\""),
    ("application = \"shop\"", "application = \"\""),
    ("application = \"shop\"", "application = \"admin\""),
    ("name = \"orders\"", "name = \"../orders\""),
    ("name = \"orders\"", "name = \"orders-\""),
    ("name = \"orders\"", "name = \"1\""),
    ("name = \"mail\"", "name = \"orders\""),
    ("name = \"site\"", "name = \"mail\""),
    (
        "name = \"mail\"\n",
        "name = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n",
    ),
    // Routes, hosts, origins, networks.
    ("\"GET /orders/{id}\"", "\"/orders/{id}\""),
    ("\"GET /orders/{id}\"", "\"get /orders/{id}\""),
    ("\"GET /orders/{id}\"", "\"GET orders\""),
    ("\"GET /orders/{id}\"", "\"GETT /orders/{id}\""),
    ("\"GET /orders/{id}\"", "\"GET /orders/{id\""),
    ("\"GET /orders/{id}\"", "\"GET /orders/{}\""),
    ("\"GET /orders/{id}\"", "\"GET /orders/../{id}\""),
    ("\"GET /orders/{id}\"", "\"GET /orders//{id}\""),
    ("\"GET /orders/{id}\"", "\"GET /orders/{*rest}/x\""),
    ("\"GET /orders/{id}\"", "\"GET /orders/{id}/{id}\""),
    ("\"GET /orders/{id}\"", "\"GET /orders/:id?full=1\""),
    ("\"GET /orders/{id}\"", "\"\""),
    ("\"POST /mail\"", "\"POST /orders\""),
    ("\"POST /mail\"", "\"GET /{*all}\""),
    ("\"POST /mail\"", "\"GET /orders/{other}\""),
    ("route = \"/\"", "route = \"docs\""),
    ("route = \"/\"", "route = \"GET /\""),
    ("route = \"/\"", "route = \"/{*path}\""),
    ("\"shop.example.com\", ", "\"https://shop.example.com/\", "),
    ("\"shop.example.com\", ", "\"shop.example.com\", \"shop.example.com\", "),
    ("\"shop.example.com\", ", "\"shop_example\", "),
    ("\"shop.example.com\", ", "\"*.com\", "),
    ("\"https://app.example.com\"", "\"app.example.com\""),
    ("\"https://app.example.com\"", "\"https://app.example.com/\""),
    ("\"https://app.example.com\"", "\"https://app.example.com:443\""),
    ("\"https://app.example.com\"", "\"null\""),
    ("[\"https://app.example.com\"]", "[]"),
    ("[\"https://app.example.com\"]", "[\"*\"], credentials = true"),
    ("[\"POST\"]", "[\"post\"]"),
    ("\"10m\"", "\"30d\""),
    ("\"10.0.0.0/8\"", "\"10.0.0.1/8\""),
    ("\"10.0.0.0/8\"", "\"10.0.0.0/99\""),
    ("\"10.0.0.0/8\"", "\"home\""),
    ("\"GET https://api.example.com/*\"", "\"nonsense\""),
    ("\"GET https://api.example.com/*\"", "\"https://api.example.com\""),
    // Limits.
    ("\"10s\"", "\"3h\""),
    ("\"10s\"", "\"0s\""),
    ("\"64MiB\"", "\"64GiB\""),
    ("\"64MiB\"", "\"1KiB\""),
    ("\"2MiB\"", "\"20GiB\""),
    ("\"64KiB\"", "\"1GiB\""),
    ("concurrency = 10", "concurrency = 0"),
    ("concurrency = 10", "concurrency = 4000000000"),
    ("burst = 10", "burst = 0"),
    ("manifest = 1", "manifest = 2"),
    // What does not go together.
    ("[\"token\", \"jwt:shop\"]", "[\"token\"]"),
    ("auth = \"public\"", "auth = \"token\""),
    ("contains = \"order\"", "contains = \"order\", body = \"order\""),
    ("path = \"/orders/1\"", "path = \"/orders/1\", body = \"\", json = 1"),
    ("path = \"/orders/1\"", "path = \"orders/1\""),
    ("status = 200", "status = 99"),
    ("\"2026-01-01T00:00:00Z\"", "\"noon\""),
    ("name = \"lists\"", "name = \" \""),
    ("x-frame-options = \"DENY\"", "content-length = \"5\""),
    ("x-frame-options = \"DENY\"", "\"x frame\" = \"DENY\""),
    ("x-frame-options = \"DENY\"", "x-frame-options = \"\""),
    ("files = \"assets/*\"", "files = \"\""),
    // Nesting.
    ("[[function]]\nname = \"orders\"", "[function]\nname = \"orders\""),
    ("[[function.http]]\nroute = \"POST /mail\"", "[function.http]\nroute = \"POST /mail\""),
    ("[function.allow]", "[[function.allow]]"),
    ("[[assets]]", "[assets]"),
    ("[[function.http]]\nroute = \"POST /mail\"", "http = [\"POST /mail\"]"),
    ("[[function.http]]\nroute = \"POST /mail\"", "http = \"POST /mail\""),
    ("[[function.http]]\nroute = \"POST /mail\"", "[[http]]\nroute = \"POST /mail\""),
    ("[function.allow]", "[allow]"),
    // TOML.
    ("name = \"mail\"", "name = mail"),
    ("name = \"mail\"", "name = \"mail"),
    ("name = \"mail\"", "name = mail\""),
    ("name = \"mail\"", "name = 'mail\""),
    ("name = \"mail\"", "name: mail"),
    ("name = \"mail\"", "name \"mail\""),
    ("name = \"mail\"", "name == \"mail\""),
    ("name = \"mail\"", "name ="),
    ("name = \"mail\"", "name"),
    ("name = \"mail\"", "= \"mail\""),
    ("name = \"mail\"", "name = \"mail\";"),
    ("name = \"mail\"", "name = \"mail\","),
    ("name = \"mail\"", "name = \u{201c}mail\u{201d}"),
    ("name = \"mail\"", "name = \"mail\" # fine\nname = \"mail\""),
    ("name = \"mail\"", "name = \"ma\\il\""),
    ("name = \"mail\"", "// the mailer\nname = \"mail\""),
    ("name = \"mail\"", "name = \"mail\"\n}"),
    ("[[function]]\nname = \"mail\"", "[[function]\nname = \"mail\""),
    ("[[function]]\nname = \"mail\"", "[[function\nname = \"mail\""),
    ("[[function]]\nname = \"mail\"", "function:\nname = \"mail\""),
    ("[function.allow]", "[function.allow"),
    ("[\"POST\"], max_age", "[\"POST\", max_age"),
    ("max_age = \"10m\" }", "max_age = \"10m\""),
    ("http = [\"GET https://api.example.com/*\"]", "http = [\"GET https://api.example.com/*\""),
    ("concurrency = 10", "concurrency = 010"),
    ("concurrency = 10", "concurrency = ten"),
];

/// [`RICH`], broken by hand.
pub(super) fn by_hand() -> Vec<Mutation> {
    let mut all: Vec<Mutation> = CHANGES
        .iter()
        .map(|(old, new)| {
            assert!(RICH.contains(old), "`{old}` is not there");
            let text = RICH.replacen(old, new, 1);
            Mutation { name: format!("{old:?} as {new:?}"), text, must_fail: false }
        })
        .collect();
    for (name, text) in [
        ("nothing", ""),
        ("a number", "1\n"),
        ("a head", "manifest = 1\napplication = \"a\"\n"),
        ("no format", "application = \"a\"\n[[assets]]\n"),
        ("JSON", "{\"manifest\": 1, \"application\": \"a\"}\n"),
        ("YAML", "manifest: 1\napplication: a\n"),
    ] {
        all.push(Mutation { name: name.to_owned(), text: text.to_owned(), must_fail: true });
    }
    all
}

/// Each `key = value` line misspelt, gone, of another type, and without its end.
pub(super) fn of_every_entry(name: &str, text: &str) -> Vec<Mutation> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let mut swapped: Vec<char> = key.chars().collect();
        let middle = swapped.len() / 2;
        swapped.swap(middle, middle - 1);
        let misspelt: String = swapped.into_iter().collect();
        let written = [
            ("misspelt", format!("{misspelt} = {value}"), misspelt != key),
            ("gone", String::new(), false),
            ("a date", format!("{key} = 2026-01-01"), true),
            (
                "cut",
                line[..line.len() - 1].to_owned(),
                !value.ends_with(|c: char| c.is_ascii_digit()),
            ),
        ];
        for (how, new, must_fail) in written {
            let mut changed = lines.clone();
            changed[at] = &new;
            let name = format!("{name}: `{line}` {how}");
            all.push(Mutation { name, text: changed.join("\n") + "\n", must_fail });
        }
    }
    all
}
