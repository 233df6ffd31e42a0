//! A file with the keys of some classes, for programs that are not to have the root.

use crate::transform::ClassKeys;
use model::{Code, DataClass, EnvironmentName, Problem, Scope, Secret, TenantName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::{Zeroize, Zeroizing};

/// The form of the file.
const VERSION: u32 = 1;

/// The keys of some classes of one tenant and environment.
///
/// Whoever has it can make and undo what these classes' values become, and nothing else.
#[derive(Debug, Clone)]
pub struct KeyFile {
    scope: Scope,
    classes: BTreeMap<DataClass, ClassKeys>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    keys: u32,
    tenant: TenantName,
    environment: EnvironmentName,
    classes: BTreeMap<DataClass, Texts>,
}

/// Keys in hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    version: u32,
    /// The tenant whose name values are bound to, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_to: Option<TenantName>,
    fpe: String,
    siv: String,
    format_hash: String,
    hash: String,
}

impl KeyFile {
    /// One with the keys of these classes.
    ///
    /// # Errors
    /// What `keys` says.
    pub fn of<'c>(
        scope: Scope,
        classes: impl IntoIterator<Item = &'c DataClass>,
        keys: &mut dyn FnMut(&DataClass) -> Result<ClassKeys, Problem>,
    ) -> Result<Self, Problem> {
        let each = classes.into_iter().map(|class| Ok((class.clone(), keys(class)?)));
        Ok(Self { scope, classes: each.collect::<Result<_, Problem>>()? })
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Code::DataKeyFile`], which quotes nothing of it.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::new(Code::DataKeyFile).detail(why);
        let form: Form = serde_json::from_str(text)
            .map_err(|error| wrong(&format!("line {}: it is no file of keys", error.line())))?;
        if form.keys != VERSION {
            return Err(wrong("another version wrote it"));
        }
        let each = form.classes.into_iter().map(|(class, texts)| {
            let keys = texts.keys().ok_or_else(|| wrong("a key has another length"))?;
            Ok((class, keys))
        });
        let scope = Scope { tenant: form.tenant, environment: form.environment };
        Ok(Self { scope, classes: each.collect::<Result<_, Problem>>()? })
    }

    /// As it is written to a file. Not a thing to show to anybody.
    ///
    /// # Errors
    /// The library failed.
    pub fn write(&self) -> Result<Zeroizing<String>, Problem> {
        let classes = self.classes.iter().map(|(class, keys)| (class.clone(), Texts::of(keys)));
        let Scope { tenant, environment } = self.scope.clone();
        let form = Form { keys: VERSION, tenant, environment, classes: classes.collect() };
        let text = serde_json::to_string_pretty(&form);
        text.map(Zeroizing::new).map_err(|error| Problem::new(Code::Internal).internal(error))
    }

    /// The tenant that the keys are of.
    #[must_use]
    pub const fn tenant(&self) -> &TenantName {
        &self.scope.tenant
    }

    /// The tenant and environment that the keys are of.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The classes that it has keys of.
    pub fn classes(&self) -> impl Iterator<Item = &DataClass> {
        self.classes.keys()
    }

    /// The same with the keys of this class alone.
    #[must_use]
    pub fn alone(&self, class: &DataClass) -> Self {
        let mut classes = self.classes.clone();
        classes.retain(|own, _| own == class);
        Self { scope: self.scope.clone(), classes }
    }

    /// The keys of a class, for a home that they were handed to.
    ///
    /// # Errors
    /// [`Code::DataKeyFile`]: it is not among them.
    pub fn handed(&self, class: &DataClass) -> Result<ClassKeys, Problem> {
        let keys = self.keys(class)?;
        let bound_to = keys.bound_to.clone().unwrap_or_else(|| self.scope.tenant.clone());
        Ok(ClassKeys { bound_to: Some(bound_to), ..keys })
    }

    /// The keys of a class.
    ///
    /// # Errors
    /// [`Code::DataKeyFile`]: it is not among them.
    pub fn keys(&self, class: &DataClass) -> Result<ClassKeys, Problem> {
        self.classes.get(class).cloned().ok_or_else(|| {
            Problem::new(Code::DataKeyFile).detail(format!("it has no keys of the class `{class}`"))
        })
    }
}

impl Texts {
    fn of(keys: &ClassKeys) -> Self {
        let text = |key: &[u8]| data_encoding::HEXLOWER.encode(key);
        Self {
            version: keys.version,
            bound_to: keys.bound_to.clone(),
            fpe: text(keys.fpe.expose()),
            siv: text(keys.siv.expose()),
            format_hash: text(keys.format_hash.expose()),
            hash: text(keys.hash.expose()),
        }
    }

    fn keys(&self) -> Option<ClassKeys> {
        Some(ClassKeys {
            version: self.version,
            fpe: key(&self.fpe)?,
            siv: key(&self.siv)?,
            format_hash: key(&self.format_hash)?,
            hash: key(&self.hash)?,
            // Who has no salts can neither make nor open what can be erased.
            subject: None,
            salt: None,
            bound_to: self.bound_to.clone(),
            others: Vec::new(),
        })
    }
}

impl Drop for Texts {
    fn drop(&mut self) {
        let Self { version: _, bound_to: _, fpe, siv, format_hash, hash } = self;
        [fpe, siv, format_hash, hash].into_iter().for_each(Zeroize::zeroize);
    }
}

fn key<const N: usize>(text: &str) -> Option<Secret<[u8; N]>> {
    let bytes = Zeroizing::new(data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?);
    let key: Zeroizing<[u8; N]> = Zeroizing::new(bytes.as_slice().try_into().ok()?);
    Some(Secret::new(*key))
}
