//! The kinds of interpreters: what each is called, how it says its version, and who packs it.

/// What an interpreter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// CPython.
    Python,
    /// Node.js.
    Node,
    /// A Java virtual machine.
    Java,
    /// PHP's command line.
    Php,
    /// Ruby.
    Ruby,
    /// .NET.
    Dotnet,
    /// The runtime of Cloudflare Workers.
    Workerd,
    /// Something that the operator named.
    Other,
}

impl Kind {
    /// What a name sounds like.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let kinds = [
            ("python", Self::Python),
            ("node", Self::Node),
            ("java", Self::Java),
            ("php", Self::Php),
            ("ruby", Self::Ruby),
            ("dotnet", Self::Dotnet),
            ("workerd", Self::Workerd),
        ];
        let is = |word: &str| {
            let rest = name.strip_prefix(word).map(|rest| rest.strip_prefix("js").unwrap_or(rest));
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        kinds.into_iter().find(|(word, _)| is(word)).map_or(Self::Other, |(_, kind)| kind)
    }

    /// The part of a version that names a line of releases: `3.11` of `3.11.2`, `20` of `20.19.3`.
    pub(super) fn line(self, version: &str) -> String {
        let parts = match self {
            Self::Python | Self::Php | Self::Ruby => 2,
            Self::Node | Self::Java | Self::Dotnet | Self::Workerd | Self::Other => 1,
        };
        // Java 8 says that it is 1.8.
        let version = version.strip_prefix("1.").filter(|_| self == Self::Java).unwrap_or(version);
        version.split('.').take(parts).collect::<Vec<_>>().join(".")
    }

    /// What it is called, as far as its version is known.
    pub(super) fn name(self, version: Option<&str>) -> String {
        let word = match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Java => "java",
            Self::Php => "php",
            Self::Ruby => "ruby",
            Self::Dotnet => "dotnet",
            // One version does what all before it did.
            Self::Workerd => return "workerd".to_owned(),
            Self::Other => "other",
        };
        version.map_or_else(|| word.to_owned(), |version| format!("{word}{}", self.line(version)))
    }

    /// Other names of this version alone: what Lambda calls it.
    pub(super) fn own_names(self, version: Option<&str>) -> Vec<String> {
        match (self, version) {
            (Self::Node, Some(version)) => vec![format!("nodejs{}.x", self.line(version))],
            _ => Vec::new(),
        }
    }

    /// Names that mean the newest of the kind.
    pub(super) const fn general_names(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["python3", "python"],
            Self::Node => &["node", "nodejs"],
            Self::Java => &["java"],
            Self::Php => &["php"],
            Self::Ruby => &["ruby"],
            Self::Dotnet => &["dotnet"],
            Self::Workerd => &["workerd"],
            Self::Other => &[],
        }
    }

    /// Debian's package of what a manifest calls so.
    pub(super) fn package(self, name: &str) -> Option<String> {
        let line = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let line = line.strip_suffix(".x").unwrap_or(line);
        let with = |plain: &str, versioned: String| {
            Some(if line.is_empty() { plain.to_owned() } else { versioned })
        };
        match self {
            Self::Python => with("python3", format!("python{line}")),
            Self::Node => Some("nodejs".to_owned()),
            Self::Java => with("default-jre-headless", format!("openjdk-{line}-jre-headless")),
            Self::Php => with("php-cli", format!("php{line}-cli")),
            Self::Ruby => with("ruby", format!("ruby{line}")),
            Self::Dotnet => with("dotnet-runtime-8.0", format!("dotnet-runtime-{line}.0")),
            Self::Workerd | Self::Other => None,
        }
    }

    /// How it gets onto a machine whose manifest calls it so.
    pub(super) fn installing(self, name: &str) -> String {
        match self.package(name) {
            Some(package) => format!("`apt-get install {package}` on the node's machine"),
            None if self == Self::Workerd => {
                "`npm install --global workerd` on the node's machine".to_owned()
            }
            None => "install it on the node's machine".to_owned(),
        }
    }

    /// The version in what a program of the kind says of itself.
    pub(super) fn version_in(self, said: &str) -> Option<String> {
        if self == Self::Workerd { date_in(said) } else { version_in(said) }
    }
}

/// The day in `workerd 2026-11-17`, which is its version.
fn date_in(said: &str) -> Option<String> {
    let is = |word: &&str| {
        word.len() == 10
            && word.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    said.split_whitespace().take(32).find(is).map(str::to_owned)
}

/// The version in what a program says of itself, such as `Python 3.11.2` or `v20.19.3`.
pub(super) fn version_in(said: &str) -> Option<String> {
    let begins = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let words = said.split(|c: char| c.is_whitespace() || c == '"' || c == 'v');
    let word = words.take(32).find(begins)?;
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let version = word.get(..end)?.trim_end_matches('.');
    (version.len() <= 32).then(|| version.to_owned())
}

/// A version as what can be compared; none is older than all.
pub(super) fn numbers(version: Option<&str>) -> Vec<u32> {
    let parts = version.unwrap_or_default().split(['.', '-']);
    parts.map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_read() {
        for (said, version) in [
            ("Python 3.11.2\n", "3.11.2"),
            ("v20.19.3\n", "20.19.3"),
            ("PHP 8.2.29 (cli) (built: Jul  3 2025)\nCopyright", "8.2.29"),
            ("ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]", "3.1.2"),
            ("openjdk version \"17.0.15\" 2025-04-15", "17.0.15"),
        ] {
            assert_eq!(version_in(said).as_deref(), Some(version), "{said}");
        }
        assert_eq!(version_in("usage: nothing like that"), None);
        let workerd = |said| Kind::Workerd.version_in(said);
        assert_eq!(workerd("workerd 2026-11-17\n").as_deref(), Some("2026-11-17"));
        assert_eq!(workerd("workerd 1.2.3"), None);
        assert!(numbers(Some("2026-11-17")) > numbers(Some("2026-09-30")));
        for (name, kind) in [
            ("python3.11", Kind::Python),
            ("node", Kind::Node),
            ("nodejs20.x", Kind::Node),
            ("java17", Kind::Java),
            ("javac", Kind::Other),
            ("perl", Kind::Other),
            ("workerd", Kind::Workerd),
            ("workerd-2026", Kind::Workerd),
        ] {
            assert_eq!(Kind::of_name(name), kind, "{name}");
        }
        assert_eq!(Kind::Java.name(Some("1.8.0_402")), "java8");
        assert_eq!(Kind::Node.package("nodejs20.x").as_deref(), Some("nodejs"));
        assert_eq!(Kind::Java.package("java21").as_deref(), Some("openjdk-21-jre-headless"));
        assert_eq!(Kind::Python.package("python").as_deref(), Some("python3"));
    }
}
