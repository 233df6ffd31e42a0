//! Keys of classes on their way between homes: sealed for another one, taken from one, and kept.
//!
//! What was taken are facts of the registry: its backups have them, and no rotation moves them, as
//! the keys that they stand beside are of the founding epoch, too.
//!
//! Invariant: keys leave after the ledger says for whom, and are used after it says from whom.
//! Invariant: a fact about them is written once, so a class goes on with the keys that it has.

use super::serve::Ring;
use crate::protection::class_keys;
use keys::{Exchange, FileRing, Package, PublicKey};
use model::act::Act;
use model::api::{
    CLASSES_MAX, KeyExportRequest, KeyExported, KeyHanded, KeyImportRequest, KeyImported, KeyPublic,
};
use model::{Code, DataClass, EnvironmentName, Problem, Scope, Secret, TenantName};
use ports::KeyRing as _;
use ports::keyring::Handed;
use protect::outside::KeyFile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use store_sqlite::{Store, epochs};

/// Facts that hold keys, by tenant, environment, class and whose they are.
const KEPT: &str = "handed-keys/";
/// Facts that name whose keys values are protected with, by tenant, environment and class.
const USED: &str = "handed-used/";
/// Most homes whose keys a class has.
const HOMES_MAX: usize = 8;

type Facts = Vec<(String, String)>;

/// Keys of one class that another home handed over.
struct Kept {
    scope: Scope,
    class: DataClass,
    from: PublicKey,
    used: bool,
    text: Secret<String>,
    file: KeyFile,
}

/// Lets a ring have what was handed to a home that a node opens.
pub(crate) async fn load(store: &Store, ring: &FileRing) -> Result<(), Problem> {
    give(ring, read(ring, store.facts(KEPT).await?, store.facts(USED).await?)?);
    Ok(())
}

/// The same for whoever reads the home without a node. A home of another root key has nothing for
/// this one.
pub(crate) fn load_from(home: &Path, ring: &FileRing) -> Result<(), Problem> {
    if epochs::known(home)?.founding.as_deref() != Some(ring.fingerprint()) {
        return Ok(());
    }
    give(ring, read(ring, epochs::facts(home, KEPT)?, epochs::facts(home, USED)?)?);
    Ok(())
}

fn give(ring: &FileRing, all: Vec<Kept>) {
    let mut by_class: BTreeMap<(Scope, DataClass), Vec<Handed>> = BTreeMap::new();
    for Kept { scope, class, from, used, text, .. } in all {
        let handed = Handed { from: from.to_string(), used, keys: text };
        by_class.entry((scope, class)).or_default().push(handed);
    }
    for ((scope, class), handed) in by_class {
        ring.take(scope, class, handed);
    }
}

fn read(ring: &FileRing, kept: Facts, used: Facts) -> Result<Vec<Kept>, Problem> {
    let used: BTreeMap<String, String> = used.into_iter().collect();
    let each = kept.into_iter().map(|(name, sealed)| {
        let damaged = || Problem::new(Code::KeyHanded).detail(format!("{KEPT}{name}"));
        let (scope, class, from) = named(&name).ok_or_else(damaged)?;
        let text = ring.kept((&scope, &class), from, &sealed).map_err(|_| damaged())?;
        let file = KeyFile::read(text.expose()).map_err(|_| damaged())?;
        file.keys(&class).map_err(|_| damaged())?;
        let by = used.get(&format!("{scope}/{class}"));
        let used = by.is_some_and(|by| *by == from.to_string());
        Ok(Kept { scope, class, from, used, text, file })
    });
    each.collect()
}

/// What the name of a fact says behind [`KEPT`].
fn named(name: &str) -> Option<(Scope, DataClass, PublicKey)> {
    let mut parts = name.split('/');
    let (tenant, environment) = (parts.next()?, parts.next()?);
    let (class, from) = (parts.next()?, parts.next()?);
    let scope = Scope {
        tenant: TenantName::parse(tenant).ok()?,
        environment: EnvironmentName::parse(environment).ok()?,
    };
    let whole = parts.next().is_none();
    Some((scope, DataClass::parse(class).ok()?, from.parse().ok()?)).filter(|_| whole)
}

impl Kept {
    fn shown(&self) -> Result<KeyHanded, Problem> {
        Ok(KeyHanded {
            scope: self.scope.clone(),
            class: self.class.clone(),
            from: self.from.to_string(),
            of: self.file.scope().clone(),
            version: self.file.keys(&self.class)?.version,
            used: self.used,
        })
    }

    fn is_of(&self, scope: &Scope, class: &DataClass) -> bool {
        self.scope == *scope && self.class == *class
    }
}

/// What an import adds.
#[derive(Default)]
struct New {
    /// Names and values of facts.
    facts: Facts,
    /// The classes that they are about.
    classes: Vec<DataClass>,
}

impl Ring {
    fn exchange(&self, scope: &Scope) -> Result<Exchange, Problem> {
        self.ring.exchange(scope).map_err(|error| Problem::new(Code::Internal).internal(error))
    }

    /// The public key of a tenant's environment.
    pub(crate) fn public(&self, scope: &Scope) -> Result<KeyPublic, Problem> {
        let key = self.exchange(scope)?.public();
        Ok(KeyPublic { key: key.to_string(), fingerprint: key.fingerprint() })
    }

    async fn kept(&self) -> Result<Vec<Kept>, Problem> {
        read(&self.ring, self.store.facts(KEPT).await?, self.store.facts(USED).await?)
    }

    /// All that was handed over.
    pub(super) async fn handed(&self) -> Result<Vec<KeyHanded>, Problem> {
        self.kept().await?.iter().map(Kept::shown).collect()
    }

    /// Seals keys of classes for another home, once the ledger says so.
    pub(crate) async fn export(
        &self,
        actor: &str,
        scope: &Scope,
        request: KeyExportRequest,
    ) -> Result<KeyExported, Problem> {
        let own = self.exchange(scope)?;
        let to = others_key(&own, &request.to)?;
        let classes: BTreeSet<DataClass> = request.classes.into_iter().collect();
        counted(classes.len())?;
        let founding = self.ring.founding();
        let file = KeyFile::of(scope.clone(), &classes, &mut |class| {
            class_keys(&*self.ring, founding, scope, class)
        });
        let package = own.hand(to, file?.write()?.as_bytes());
        let package = package.map_err(|error| Problem::new(Code::KeyPublic).detail(error))?;
        let act = Act::KeyExport { classes: classes.into_iter().collect(), to: to.to_string() };
        let leaf = self.engine.note_keys(scope, actor, act).await?;
        Ok(KeyExported { leaf, file: package.to_string() })
    }

    /// Takes keys that another home sealed for this one. It goes on if whoever asked goes away.
    pub(crate) async fn import(
        self: &Arc<Self>,
        actor: String,
        scope: Scope,
        request: KeyImportRequest,
    ) -> Result<KeyImported, Problem> {
        let own = Arc::clone(self);
        let taking = tokio::spawn(async move { own.import_now(&actor, &scope, request).await });
        taking.await.map_err(|error| Problem::new(Code::Internal).internal(error))?
    }

    async fn import_now(
        &self,
        actor: &str,
        scope: &Scope,
        request: KeyImportRequest,
    ) -> Result<KeyImported, Problem> {
        let _turn = self.turn.lock().await;
        let (from, file) = self.opened(scope, &request)?;
        let KeyImportRequest { of, used, .. } = request;
        let of = of.unwrap_or_else(|| scope.clone());
        if *file.scope() != of {
            let detail = format!("they are of {}, and {of} was expected", file.scope());
            return Err(Problem::new(Code::KeyPackageScope).detail(detail));
        }
        counted(file.classes().count()).map_err(|_| unusable("it has no keys, or too many"))?;
        let New { facts, classes } = self.added(scope, from, &file, used).await?;
        let mut leaf = None;
        if !facts.is_empty() {
            let act = Act::KeyImport { classes, from: from.to_string(), of, used };
            leaf = Some(self.engine.note_keys(scope, actor, act).await?);
            for (name, value) in &facts {
                self.store.put_meta_if_absent(name, value).await?;
            }
            load(&self.store, &self.ring).await?;
            self.engine.renew_keys(scope).await?;
            tracing::info!(%scope, %from, "keys of classes came from another home");
        }
        let taken = self.kept().await?;
        let own = |kept: &&Kept| {
            kept.scope == *scope && kept.from == from && file.keys(&kept.class).is_ok()
        };
        let keys = taken.iter().filter(own).map(Kept::shown).collect::<Result<_, _>>()?;
        Ok(KeyImported { leaf, keys })
    }

    /// What is in the file, after it was found to be from whom it should be.
    fn opened(
        &self,
        scope: &Scope,
        request: &KeyImportRequest,
    ) -> Result<(PublicKey, KeyFile), Problem> {
        let own = self.exchange(scope)?;
        let package = Package::read(&request.file).map_err(unusable)?;
        let from = others_key(&own, &request.from)?;
        if package.from != from {
            let detail = format!("it says that it is from {}", package.from);
            return Err(Problem::new(Code::KeyPackageFrom).detail(detail));
        }
        if package.to != own.public() {
            let detail = format!("it is for {}, and {scope} is {}", package.to, own.public());
            return Err(Problem::new(Code::KeyPackageTo).detail(detail));
        }
        let text = own.take(from, &package);
        let text = text.map_err(|_| unusable("it is damaged, or another home sealed it"))?;
        let text = std::str::from_utf8(text.expose());
        let file = text.ok().and_then(|text| KeyFile::read(text).ok());
        Ok((from, file.ok_or_else(|| unusable("what was sealed are no keys of classes"))?))
    }

    /// What is not there yet of the keys in a file.
    async fn added(
        &self,
        scope: &Scope,
        from: PublicKey,
        file: &KeyFile,
        used: bool,
    ) -> Result<New, Problem> {
        let (there, mut new) = (self.kept().await?, New::default());
        for class in file.classes() {
            let clash = |what: &str| {
                Problem::new(Code::KeyPackageClash).detail(format!("the class `{class}` {what}"))
            };
            let before = new.facts.len();
            let text = file.alone(class).write()?;
            let own: Vec<&Kept> = there.iter().filter(|kept| kept.is_of(scope, class)).collect();
            match own.iter().find(|kept| kept.from == from) {
                Some(kept) if *kept.file.write()? == *text => {}
                Some(_) => return Err(clash("has other keys from the same home")),
                None if own.len() >= HOMES_MAX => {
                    return Err(clash(&format!("has the keys of {HOMES_MAX} homes")));
                }
                None => {
                    let sealed = self.ring.keep((scope, class), from, &text);
                    let sealed =
                        sealed.map_err(|error| Problem::new(Code::Internal).internal(error))?;
                    new.facts.push((format!("{KEPT}{scope}/{class}/{from}"), sealed));
                }
            }
            match own.iter().find(|kept| kept.used) {
                Some(kept) if used && kept.from != from => {
                    return Err(clash("uses the keys of another home already"));
                }
                None if used => {
                    new.facts.push((format!("{USED}{scope}/{class}"), from.to_string()));
                }
                _ => {}
            }
            if new.facts.len() > before {
                new.classes.push(class.clone());
            }
        }
        Ok(new)
    }
}

/// The public key of another home than this.
fn others_key(own: &Exchange, text: &str) -> Result<PublicKey, Problem> {
    let key = text.trim().parse::<PublicKey>();
    let key = key.map_err(|error| Problem::new(Code::KeyPublic).detail(error))?;
    if key == own.public() {
        let detail = "it is the key of this very home, tenant and environment";
        return Err(Problem::new(Code::KeyPublic).detail(detail));
    }
    Ok(key)
}

fn counted(classes: usize) -> Result<(), Problem> {
    if (1..=CLASSES_MAX).contains(&classes) {
        return Ok(());
    }
    let detail = format!("it names {classes} classes, and may name 1 to {CLASSES_MAX}");
    Err(Problem::new(Code::BadRequest).detail(detail))
}

fn unusable(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::KeyPackage).detail(why)
}

#[cfg(test)]
mod tests;
