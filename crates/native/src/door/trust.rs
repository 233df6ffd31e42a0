//! The environment that makes a process use its doors: the proxy, and whom to trust behind it.

use super::files::{BUNDLE, JAVA, PRELOAD};
use super::layout::HOST_NAME;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Where the proxy is in every jail.
pub(crate) const PROXY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 3128);

/// Variables of which a function's own value is put behind ours, not in its place.
const ADDED: [&str; 2] = ["NODE_OPTIONS", "JAVA_TOOL_OPTIONS"];

/// The environment of a function. What a manifest says (`own`) holds before ours, and ours before what is
/// only proposed, such as by an image: nobody may have said it knowing of the doors.
pub(crate) fn environment(
    proposed: BTreeMap<String, String>,
    own: BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let mut all = proposed;
    for (name, ours) in trust() {
        let value = match all.remove(&name).filter(|_| ADDED.contains(&name.as_str())) {
            Some(theirs) if !own.contains_key(&name) => format!("{ours} {theirs}"),
            _ => ours,
        };
        all.insert(name, value);
    }
    for (name, value) in own {
        let ours = all.get(&name).filter(|_| ADDED.contains(&name.as_str()));
        let value = ours.map_or(value.clone(), |ours| format!("{ours} {value}"));
        all.insert(name, value);
    }
    all.into_iter().collect()
}

/// Whether a variable is one of the doors'.
pub(crate) fn is_ours(name: &str) -> bool {
    trust().iter().any(|(ours, _)| ours == name)
}

/// The variables, with [`BUNDLE`] and the others at their places.
///
/// A forged `Proxy` field of a request that some framework turns into `HTTP_PROXY` leads nowhere: a jail
/// has no other network than its doors.
pub(crate) fn trust() -> Vec<(String, String)> {
    let url = format!("http://{PROXY}");
    let direct = format!("localhost,127.0.0.1,127.0.0.2,::1,{HOST_NAME}");
    let mut variables = Vec::new();
    let mut set = |names: &[&str], value: &str| {
        variables.extend(names.iter().map(|&name| (name.to_owned(), value.to_owned())));
    };
    // Some programs know one spelling only; curl takes the small one alone.
    set(&["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"], &url);
    set(&["NO_PROXY", "no_proxy"], &direct);
    set(
        &[
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "AWS_CA_BUNDLE",
            "GIT_SSL_CAINFO",
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        ],
        BUNDLE,
    );
    // Node 24 and later know proxies; the preload is for those before.
    set(&["NODE_USE_ENV_PROXY"], "1");
    set(&["NODE_OPTIONS"], &format!("--use-openssl-ca --require={PRELOAD}"));
    set(&["JAVA_TOOL_OPTIONS"], &java());
    // There are none, and to look for them takes time.
    set(&["AWS_EC2_METADATA_DISABLED", "NO_GCE_CHECK"], "true");
    variables
}

fn java() -> String {
    let (host, port) = (PROXY.ip(), PROXY.port());
    let direct = format!("localhost|127.*|[::1]|{HOST_NAME}");
    format!(
        "-Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} \
         -Dhttps.proxyPort={port} -Dhttp.nonProxyHosts={direct} -Djavax.net.ssl.trustStore={JAVA} \
         -Djavax.net.ssl.trustStoreType=JKS"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(own: &[(&str, &str)]) -> BTreeMap<String, String> {
        own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_functions_own_variables_hold_and_its_options_are_added() {
        let own =
            said(&[("NODE_OPTIONS", "--max-old-space-size=64"), ("NO_PROXY", "x"), ("A", "b")]);
        let all: BTreeMap<_, _> = environment(BTreeMap::new(), own).into_iter().collect();
        assert_eq!((all["A"].as_str(), all["NO_PROXY"].as_str()), ("b", "x"));
        let options = &all["NODE_OPTIONS"];
        assert!(
            options.starts_with("--use-openssl-ca")
                && options.ends_with(" --max-old-space-size=64")
        );
        assert_eq!(all["HTTP_PROXY"], "http://127.0.0.1:3128");
    }

    #[test]
    fn what_an_image_says_is_below_ours_and_its_options_are_added() {
        let image = said(&[
            ("HTTPS_PROXY", "http://proxy.corp:3128"),
            ("SSL_CERT_FILE", "/image/ca.pem"),
            ("NODE_OPTIONS", "--image"),
            ("JAVA_TOOL_OPTIONS", "-Dimage"),
            ("A", "image"),
            ("B", "image"),
        ]);
        let own = said(&[("B", "manifest"), ("NODE_OPTIONS", "--manifest")]);
        let all: BTreeMap<_, _> = environment(image, own).into_iter().collect();
        assert_eq!((all["A"].as_str(), all["B"].as_str()), ("image", "manifest"));
        assert_eq!(all["HTTPS_PROXY"], "http://127.0.0.1:3128");
        assert_eq!(all["SSL_CERT_FILE"], BUNDLE);
        assert!(all["NODE_OPTIONS"].ends_with(" --manifest"), "{all:?}");
        assert!(!all["NODE_OPTIONS"].contains("--image"), "the manifest says it instead");
        assert!(all["JAVA_TOOL_OPTIONS"].ends_with(" -Dimage"), "{all:?}");
        assert!(is_ours("https_proxy") && is_ours("NODE_OPTIONS") && !is_ours("A"));
    }

    #[test]
    fn both_spellings_are_set_and_the_jails_own_addresses_are_reached_directly() {
        let variables = trust();
        let value = |name: &str| {
            let found = variables.iter().filter(|(found, _)| found == name);
            let found: Vec<_> = found.map(|(_, value)| value.as_str()).collect();
            assert_eq!(found.len(), 1, "{name}");
            found[0]
        };
        for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
            assert_eq!(value(name), value(&name.to_lowercase()));
            assert_eq!(value(name), "http://127.0.0.1:3128");
        }
        assert!(value("NO_PROXY").split(',').any(|host| host == "host.casemate.internal"));
        assert!(!value("NO_PROXY").contains("fn.casemate.internal"));
        let spaces = value("JAVA_TOOL_OPTIONS").split(' ').all(|option| option.starts_with("-D"));
        assert!(spaces && !value("JAVA_TOOL_OPTIONS").contains("  "));
    }
}
