//! `salts.db`: the salts of subjects whose values can be erased.
//!
//! A file of its own: no copy of another store has a salt in it, so what is deleted here is gone
//! for those copies, too. Salts are sealed with the founding epoch, as what they help to protect is
//! made with it.
//!
//! Invariant: a salt is on disk before it is given out.
//! Invariant: when an erasure is answered, the salt's bytes stand neither in the file nor in its
//! log.

use crate::Error;
use crate::store::connect;
use crate::store::copy::copy;
use crate::store::migrate::Form;
use model::data::Fate;
use model::key::{Epoch, KeyPurpose};
use model::{Code, DataClass, Problem, Salt, SaltId, Scope, Secret, SubjectHash, Timestamp};
use parking_lot::Mutex;
use ports::keyring::{KeyRing, Sealer};
use ports::{Future, Salts as Port};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::path::Path;
use std::sync::Arc;

/// The file in the home.
pub const FILE: &str = "salts.db";

/// Marked with `CSMS` in ASCII. A step that is added makes a copy of the file before it, as all do:
/// it has to see to that copy, which would be a way back.
const FORM: Form<'_> = Form {
    name: "file of salts",
    backup: "salts",
    application_id: 0x4353_4d53,
    steps: &[include_str!("../migrations/salts/0001_salts.sql")],
};

/// Salts in one SQLite file.
#[derive(Clone)]
pub struct Salts {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Mutex<Connection>,
    keys: Arc<dyn KeyRing>,
}

/// Of which class of which environment.
#[derive(Clone)]
struct Of {
    scope: Scope,
    class: DataClass,
}

/// A row as it lies in the file.
struct Row {
    id: [u8; 16],
    subject: [u8; 32],
    epoch: u32,
    sealed: Vec<u8>,
}

impl Salts {
    /// Opens the salts of the home `dir`, and makes the file if there is none.
    ///
    /// Blocks.
    ///
    /// # Errors
    /// [`Error::SchemaNewer`], [`Error::Migration`], [`Error::Corrupt`], [`Error::Full`] or
    /// [`Error::Io`].
    pub fn open(dir: &Path, keys: Arc<dyn KeyRing>) -> Result<Self, Error> {
        let connection = connect::writer(&dir.join(FILE), &dir.join(crate::store::BACKUPS), &FORM)?;
        // What is deleted is overwritten.
        connection.pragma_update(None, "secure_delete", true)?;
        let inner = Inner { connection: Mutex::new(connection), keys };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Writes a copy to a new file. Blocks.
    ///
    /// # Errors
    /// The copy cannot be made.
    pub fn copy(&self, file: &Path) -> Result<(), Error> {
        copy(&self.inner.connection.lock(), file)
    }

    /// Works on the file on a blocking thread.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(|_| Error::Closed)?.map_err(Problem::from)
    }
}

impl Inner {
    fn sealer(&self, of: &Of, epoch: Epoch) -> Result<Arc<dyn Sealer>, Error> {
        let context = [of.scope.tenant.as_str(), of.scope.environment.as_str()];
        self.keys
            .sealer(epoch, KeyPurpose::Salt, &context)
            .map_err(|error| failed(&error.to_string()))
    }

    /// The salt of a subject that has none yet.
    fn draw(&self, db: &Connection, of: &Of, subject: SubjectHash) -> Result<Salt, Error> {
        let (mut id, mut secret) = ([0; 16], [0; 32]);
        let drawn = [aws_lc_rs::rand::fill(&mut id), aws_lc_rs::rand::fill(&mut secret)];
        if drawn.iter().any(Result::is_err) {
            return Err(failed("no random bytes"));
        }
        let salt = Salt { id: SaltId(id), secret: Secret::new(secret) };
        let epoch = self.keys.founding();
        let mut sealed = secret.to_vec();
        let sealing = self.sealer(of, epoch)?;
        sealing
            .seal(&place(of, id, subject), &mut sealed, 0)
            .map_err(|error| failed(&error.to_string()))?;
        db.prepare_cached(
            "INSERT INTO salt (id, tenant, environment, class, subject, epoch, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            of.scope.tenant.as_str(),
            of.scope.environment.as_str(),
            of.class.as_str(),
            subject.0,
            epoch.0,
            sealed
        ])?;
        Ok(salt)
    }

    fn opened(&self, of: &Of, row: &Row) -> Result<Salt, Error> {
        let sealer = self.sealer(of, Epoch(row.epoch))?;
        let place = place(of, row.id, SubjectHash(row.subject));
        let plain = sealer.unseal(&place, &row.sealed).map(Secret::new);
        let plain = plain.map_err(|error| Error::corrupt(FILE, error))?;
        let secret: Result<[u8; 32], _> = plain.expose().as_slice().try_into();
        let secret = secret.map_err(|_| Error::corrupt(FILE, "a salt has another length"))?;
        Ok(Salt { id: SaltId(row.id), secret: Secret::new(secret) })
    }

    fn of(&self, of: &Of, subjects: &[SubjectHash]) -> Result<Vec<Salt>, Error> {
        let mut db = self.connection.lock();
        let there = |db: &Connection| -> Result<Option<Vec<Salt>>, Error> {
            let each = subjects.iter().map(|subject| {
                let row = by_subject(db, of, *subject)?;
                row.map(|row| self.opened(of, &row)).transpose()
            });
            each.collect()
        };
        if let Some(salts) = there(&db)? {
            return Ok(salts);
        }
        let write = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let each = subjects.iter().map(|subject| match by_subject(&write, of, *subject)? {
            Some(row) => self.opened(of, &row),
            None => self.draw(&write, of, *subject),
        });
        let salts = each.collect::<Result<_, Error>>()?;
        write.commit()?;
        Ok(salts)
    }

    fn fate(&self, db: &Connection, of: &Of, id: SaltId) -> Result<Fate, Error> {
        let place = params![
            id.0,
            of.scope.tenant.as_str(),
            of.scope.environment.as_str(),
            of.class.as_str()
        ];
        let kept = db
            .prepare_cached(
                "SELECT id, subject, epoch, sealed FROM salt
                 WHERE id = ?1 AND tenant = ?2 AND environment = ?3 AND class = ?4",
            )?
            .query_row(place, row)
            .optional()?;
        if let Some(row) = kept {
            return self.opened(of, &row).map(Fate::Kept);
        }
        let erased = db
            .prepare_cached(
                "SELECT 1 FROM erased
                 WHERE id = ?1 AND tenant = ?2 AND environment = ?3 AND class = ?4",
            )?
            .exists(place)?;
        Ok(if erased { Fate::Erased } else { Fate::Unknown })
    }

    fn erase(&self, of: &Of, subject: SubjectHash, at: Timestamp) -> Result<bool, Error> {
        let mut db = self.connection.lock();
        let write = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let row = by_subject(&write, of, subject)?;
        if let Some(row) = &row {
            write.execute("DELETE FROM salt WHERE id = ?1", params![row.id])?;
            write.execute(
                "INSERT INTO erased (id, tenant, environment, class, at_us)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    row.id,
                    of.scope.tenant.as_str(),
                    of.scope.environment.as_str(),
                    of.class.as_str(),
                    at.0
                ],
            )?;
        }
        write.commit()?;
        forget(&db)?;
        Ok(row.is_some())
    }
}

/// Overwrites the file's log, in which the pages stand as they were.
fn forget(db: &Connection) -> Result<(), Error> {
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy == 0 {
        return Ok(());
    }
    Err(failed(
        "the salt is deleted, and its bytes could not be overwritten: something else reads the file",
    ))
}

fn failed(why: &str) -> Error {
    Error::Refused(Problem::new(Code::StoreFailed).detail(format!("{FILE}: {why}")))
}

/// What a salt is sealed for: no salt can be given out as another.
fn place(of: &Of, id: [u8; 16], subject: SubjectHash) -> Vec<u8> {
    [&id[..], &subject.0[..], of.class.as_str().as_bytes()].concat()
}

fn by_subject(db: &Connection, of: &Of, subject: SubjectHash) -> Result<Option<Row>, Error> {
    let found = db
        .prepare_cached(
            "SELECT id, subject, epoch, sealed FROM salt
             WHERE tenant = ?1 AND environment = ?2 AND class = ?3 AND subject = ?4",
        )?
        .query_row(
            params![
                of.scope.tenant.as_str(),
                of.scope.environment.as_str(),
                of.class.as_str(),
                subject.0
            ],
            row,
        )
        .optional()?;
    Ok(found)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row { id: row.get(0)?, subject: row.get(1)?, epoch: row.get(2)?, sealed: row.get(3)? })
}

impl Port for Salts {
    fn of<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subjects: Vec<SubjectHash>,
    ) -> Future<'a, Result<Vec<Salt>, Problem>> {
        let of = Of { scope: scope.clone(), class: class.clone() };
        Box::pin(self.run(move |inner| inner.of(&of, &subjects)))
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        ids: Vec<SaltId>,
    ) -> Future<'a, Result<Vec<Fate>, Problem>> {
        let of = Of { scope: scope.clone(), class: class.clone() };
        Box::pin(self.run(move |inner| {
            let db = inner.connection.lock();
            ids.into_iter().map(|id| inner.fate(&db, &of, id)).collect::<Result<Vec<_>, Error>>()
        }))
    }

    fn has<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subject: SubjectHash,
    ) -> Future<'a, Result<bool, Problem>> {
        let of = Of { scope: scope.clone(), class: class.clone() };
        Box::pin(
            self.run(
                move |inner| Ok(by_subject(&inner.connection.lock(), &of, subject)?.is_some()),
            ),
        )
    }

    fn erase<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subject: SubjectHash,
        at: Timestamp,
    ) -> Future<'a, Result<bool, Problem>> {
        let of = Of { scope: scope.clone(), class: class.clone() };
        Box::pin(self.run(move |inner| inner.erase(&of, subject, at)))
    }
}
