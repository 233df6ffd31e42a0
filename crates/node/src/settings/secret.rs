//! `[[secret]]` and `[vault]`: secrets whose values lie elsewhere.

use super::pick::SettingRow;
use model::unit::Duration;
use model::{Code, EnvironmentName, Problem, Scope, Secret, SecretName, TenantName};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A `[[secret]]` section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    name: SecretName,
    tenant: Option<TenantName>,
    environment: Option<EnvironmentName>,
    file: Option<PathBuf>,
    variable: Option<String>,
    vault: Option<String>,
    field: Option<String>,
}

/// The `[vault]` section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VaultSection {
    address: String,
    #[serde(default = "mount")]
    mount: String,
    namespace: Option<String>,
    token_file: Option<PathBuf>,
    role_id: Option<String>,
    secret_id_file: Option<PathBuf>,
    #[serde(default = "approle")]
    approle: String,
    #[serde(default)]
    authorities: Vec<PathBuf>,
    #[serde(default = "cache")]
    cache: Duration,
}

fn mount() -> String {
    "secret".to_owned()
}

fn approle() -> String {
    "approle".to_owned()
}

const fn cache() -> Duration {
    Duration::seconds(60)
}

/// Where one value lies.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In a file, which is read at each use.
    File(PathBuf),
    /// In a variable of the environment, as it was at the start.
    Variable(Secret<Vec<u8>>),
    /// In a field of a document of the vault's.
    Vault { path: String, field: String },
}

/// How the node says who it is to the vault.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// With the token in a file, which is read anew when it is not taken.
    Token(PathBuf),
    /// As a role: its id, and the file of the secret id.
    Role { id: String, secret: PathBuf, mount: String },
}

/// `[vault]`
#[derive(Debug, Clone)]
pub(crate) struct Vault {
    /// `https://host`, with a port; no path.
    pub(crate) address: String,
    /// Where the secrets engine (KV, version 2) is mounted.
    pub(crate) mount: String,
    /// The namespace, where there are any.
    pub(crate) namespace: Option<String>,
    /// Who the node is.
    pub(crate) login: Login,
    /// Files of authorities, trusted beside the system's.
    pub(crate) authorities: Vec<PathBuf>,
    /// How old a value may be.
    pub(crate) cache: Duration,
}

/// Secrets that are kept elsewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets {
    /// Where each value lies.
    pub(crate) places: BTreeMap<(Scope, SecretName), Place>,
    /// The vault, if there is one.
    pub(crate) vault: Option<Vault>,
}

fn bad(what: &str, why: &str) -> Problem {
    Problem::new(Code::BadConfig).detail(format!("{what}: {why}"))
}

/// Checks the sections. Files are named from the configuration file's directory.
pub(super) fn resolve(
    sections: Vec<Section>,
    vault: Option<VaultSection>,
    directory: &Path,
    rows: &mut Vec<SettingRow>,
) -> Result<Secrets, Problem> {
    let vault = vault.map(|section| section.check(directory)).transpose()?;
    let mut row = |key: String, value: String| {
        rows.push(SettingRow { key, value, origin: "file".to_owned() });
    };
    if let Some(vault) = &vault {
        row("vault".to_owned(), format!("{} ({})", vault.address, vault.mount));
    }
    let mut places = BTreeMap::new();
    for section in sections {
        let what = format!("[[secret]] `{}`", section.name);
        let mut scope = Scope::default();
        scope.tenant = section.tenant.clone().unwrap_or(scope.tenant);
        scope.environment = section.environment.clone().unwrap_or(scope.environment);
        let name = section.name.clone();
        let (place, shown) =
            section.place(directory, vault.is_some()).map_err(|why| bad(&what, &why))?;
        row(format!("secret.{name}"), shown);
        if places.insert((scope, name), place).is_some() {
            return Err(bad(&what, "two sections have this name"));
        }
    }
    Ok(Secrets { places, vault })
}

impl Section {
    /// Where its value lies, and how that is shown.
    fn place(self, directory: &Path, has_vault: bool) -> Result<(Place, String), String> {
        if self.field.is_some() && self.vault.is_none() {
            return Err("`field` goes with `vault`".to_owned());
        }
        match (self.file, self.variable, self.vault) {
            (Some(file), None, None) => {
                let file = directory.join(file);
                let shown = format!("file {}", file.display());
                Ok((Place::File(file), shown))
            }
            (None, Some(name), None) => {
                let value = super::variable(&name)
                    .ok_or_else(|| format!("the variable `{name}` is not set"))?;
                let value = Secret::new(value.into_bytes());
                Ok((Place::Variable(value), format!("variable {name}")))
            }
            (None, None, Some(path)) if !has_vault => {
                Err(format!("`vault = {path:?}` needs a section `[vault]`"))
            }
            (None, None, Some(path)) => {
                let path = path.trim_matches('/').to_owned();
                if !is_path(&path) {
                    return Err("`vault` is a path such as `payments/stripe`".to_owned());
                }
                let field = self.field.unwrap_or_else(|| "value".to_owned());
                let shown = format!("vault {path}#{field}");
                Ok((Place::Vault { path, field }, shown))
            }
            _ => Err("say one of `file`, `variable` and `vault`".to_owned()),
        }
    }
}

/// Segments that mean themselves in a URL.
fn is_path(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let sound = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(fits);
    text.len() <= 256 && text.split('/').all(sound)
}

impl VaultSection {
    fn check(self, directory: &Path) -> Result<Vault, Problem> {
        let bad = |why: &str| bad("[vault]", why);
        let address = self.address.trim_end_matches('/').to_owned();
        let uri: http::Uri =
            address.parse().map_err(|_| bad("`address` is `https://host:port`"))?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !matches!(uri.scheme_str(), Some("https" | "http")) || !bare || address.contains('@') {
            return Err(bad("`address` is `https://host:port`"));
        }
        let loopback = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if uri.scheme_str() == Some("http") && !loopback {
            return Err(bad("`address` has to begin with `https://`, but for loopback"));
        }
        let (mount, approle) = (self.mount, self.approle);
        if !is_path(&mount) || !is_path(&approle) {
            return Err(bad("`mount` and `approle` are paths such as `secret`"));
        }
        let login = match (self.token_file, self.role_id, self.secret_id_file) {
            (Some(file), None, None) => Login::Token(directory.join(file)),
            (None, Some(id), Some(file)) => {
                Login::Role { id, secret: directory.join(file), mount: approle }
            }
            _ => return Err(bad("say `token_file`, or `role_id` and `secret_id_file`")),
        };
        let authorities = self.authorities.iter().map(|path| directory.join(path)).collect();
        let (namespace, cache) = (self.namespace, self.cache);
        Ok(Vault { address, mount, namespace, login, authorities, cache })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        secret: Vec<Section>,
        vault: Option<VaultSection>,
    }

    fn read(text: &str) -> Result<Secrets, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        let read = resolve(file.secret, file.vault, Path::new("/etc/casemate"), &mut rows);
        read.map_err(|problem| problem.to_string())
    }

    const VAULT: &str = "[vault]\naddress = \"https://bao.internal:8200\"\ntoken_file = \"t\"\n";

    #[test]
    fn each_source_is_read() {
        let text = format!(
            "[[secret]]\nname = \"a\"\nfile = \"a.key\"\n[[secret]]\nname = \"b\"\nenvironment = \"dev\"\nvault = \"pay/b\"\nfield = \"key\"\n[[secret]]\nname = \"c\"\nvariable = \"PATH\"\n{VAULT}"
        );
        let secrets = read(&text).expect("valid");
        let shown: Vec<String> = secrets.places.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(shown.len(), 3);
        let all = shown.join(" ");
        assert!(all.contains("/etc/casemate/a.key") && all.contains("[secret]"), "{all}");
        assert!(!all.contains("/bin"), "a variable's value is not shown");
        assert!(all.contains("pay/b") && all.contains("\"key\""), "{all}");
        assert_eq!(secrets.vault.map(|vault| vault.mount).as_deref(), Some("secret"));
    }

    #[test]
    fn sources_that_mean_nothing_are_refused() {
        for text in [
            "[[secret]]\nname = \"a\"\n",
            "[[secret]]\nname = \"a\"\nfile = \"x\"\nvariable = \"y\"\n",
            "[[secret]]\nname = \"a\"\nfile = \"x\"\nfield = \"y\"\n",
            "[[secret]]\nname = \"a\"\nvariable = \"CASEMATE_NO_SUCH_VARIABLE\"\n",
            "[[secret]]\nname = \"a\"\nvault = \"x\"\n",
            "[[secret]]\nname = \"a\"\nfile = \"x\"\n[[secret]]\nname = \"a\"\nfile = \"y\"\n",
            "[vault]\naddress = \"http://bao.internal\"\ntoken_file = \"t\"\n",
            "[vault]\naddress = \"https://bao.internal/v1\"\ntoken_file = \"t\"\n",
            "[vault]\naddress = \"https://u@bao.internal\"\ntoken_file = \"t\"\n",
            "[vault]\naddress = \"https://bao.internal\"\n",
            "[vault]\naddress = \"https://bao.internal\"\nrole_id = \"r\"\n",
            "[vault]\naddress = \"https://bao.internal\"\ntoken_file = \"t\"\nmount = \"../x\"\n",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let climbing = format!("[[secret]]\nname = \"a\"\nvault = \"a/../b\"\n{VAULT}");
        assert!(read(&climbing).is_err());
    }
}
