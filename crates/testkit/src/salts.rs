//! What every version of the port of salts must do.
//!
//! Invariant: the suite uses the port only, so a failure is the version's own.

use anyhow::{Result, ensure};
use model::data::Fate;
use model::{DataClass, Salt, SaltId, Scope, SubjectHash, Timestamp};
use ports::Salts;

/// Runs the suite on an empty store.
///
/// # Errors
/// Says what the store did that it must not.
pub async fn conforms(store: &dyn Salts) -> Result<()> {
    let (own, at) = (Scope::default(), Timestamp(1));
    let other = Scope { tenant: "other".parse()?, ..own.clone() };
    let (email, pan) = (DataClass::parse("email")?, DataClass::parse("pan")?);
    let (ann, ben) = (SubjectHash([1; 32]), SubjectHash([2; 32]));

    ensure!(!store.has(&own, &email, ann).await?, "has what nobody asked for");
    ensure!(!store.erase(&own, &email, ann, at).await?, "erases what is not there");
    let made = store.of(&own, &email, vec![ann, ben, ann]).await?;
    let [first, second, third] = made.as_slice() else {
        anyhow::bail!("{} salts for three subjects", made.len());
    };
    ensure!(same(first, third) && !same(first, second), "two subjects have one salt, or one two");
    ensure!(first.secret.expose() != second.secret.expose(), "two salts are alike");
    for (scope, class) in [(&own, &pan), (&other, &email)] {
        ensure!(!store.has(scope, class, ann).await?, "another class or tenant has the salt");
        let fates = store.find(scope, class, vec![first.id]).await?;
        ensure!(matches!(fates.as_slice(), [Fate::Unknown]), "another class or tenant finds it");
        let [salt] =
            store.of(scope, class, vec![ann]).await?.try_into().unwrap_or_else(|_| [first.clone()]);
        ensure!(!same(&salt, first), "another class or tenant gets the salt");
    }
    let fates = store.find(&own, &email, vec![second.id, SaltId([0; 16]), first.id]).await?;
    ensure!(
        matches!(fates.as_slice(), [Fate::Kept(a), Fate::Unknown, Fate::Kept(b)] if same(a, second) && same(b, first)),
        "finds others than were asked for"
    );

    ensure!(store.erase(&own, &email, ann, at).await?, "does not erase what is there");
    ensure!(!store.has(&own, &email, ann).await?, "has what was erased");
    ensure!(!store.erase(&own, &email, ann, at).await?, "erases twice");
    let fates = store.find(&own, &email, vec![first.id, second.id]).await?;
    ensure!(
        matches!(fates.as_slice(), [Fate::Erased, Fate::Kept(kept)] if same(kept, second)),
        "does not know what was erased, or forgot somebody else"
    );
    let anew = store.of(&own, &email, vec![ann, ben]).await?;
    ensure!(
        matches!(anew.as_slice(), [a, b] if a.id != first.id && a.secret.expose() != first.secret.expose() && same(b, second)),
        "a subject that was erased gets its salt back"
    );
    let fates = store.find(&own, &email, vec![first.id]).await?;
    ensure!(matches!(fates.as_slice(), [Fate::Erased]), "a new salt brings the old one back");
    ensure!(store.of(&own, &email, Vec::new()).await?.is_empty(), "makes salts for nobody");
    Ok(())
}

fn same(a: &Salt, b: &Salt) -> bool {
    a.id == b.id && a.secret.expose() == b.secret.expose()
}
