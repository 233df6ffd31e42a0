//! Removes, copies and renames objects.

use super::Blobs;
use super::room::Turn;
use super::rows::{self, Held, ObjectRow};
use super::shared::{held, kept};
use model::{Labelled, Labels, Timestamp};
use ports::Blobs as _;
use ports::blobs::{ContainerRef, Error, Quota, Range, check_name};
use ports::keyvalue::Change;
use std::collections::BTreeSet;

impl Turn {
    pub(super) async fn delete(mut self, names: Vec<String>) -> Result<(), Error> {
        let Some(mut totals) = self.totals() else { return Ok(()) };
        let names: Vec<String> = names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let keys = names.iter().map(|name| rows::key(rows::OBJECT, name)).collect();
        let cells = self.room.shared.rows(&self.room.at, keys).await?;
        let (mut changes, mut doomed) = (Vec::new(), Vec::new());
        for (name, cell) in names.iter().zip(cells) {
            let Some(cell) = cell else { continue };
            let Held { row, .. } = held(&self.room.at, &cell, Labels::NONE)?;
            totals.take_object(name, &row);
            doomed.push(row.file);
            changes.push(Change::Delete { key: rows::key(rows::OBJECT, name) });
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.commit(Labelled::plain(changes), totals, doomed, 0).await
    }

    async fn rename(
        mut self,
        from: String,
        to: String,
        quota: Quota,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (shared, at) = (&self.room.shared, &self.room.at);
        let Some(object) = shared.object(at, &from).await? else { return Ok(false) };
        let Some(mut totals) = self.totals().filter(|_| from != to) else { return Ok(true) };
        let old = shared.object(at, &to).await?;
        let row = ObjectRow { created: now, ..object.row };
        totals.take_object(&from, &object.row);
        if let Some(old) = &old {
            totals.take_object(&to, &old.row);
        }
        totals.add_object(&to, &row);
        self.check(&totals, quota)?;
        let unwritten = || Error::Failed("a row could not be written".to_owned());
        let value = rows::write(&row).ok_or_else(unwritten)?.into();
        let changes = vec![
            Change::Delete { key: rows::key(rows::OBJECT, &from) },
            Change::Set { key: rows::key(rows::OBJECT, &to), value },
        ];
        let doomed = old.map(|old| old.row.file).into_iter().collect();
        let changes = Labelled { value: changes, labels: object.labels };
        self.commit(changes, totals, doomed, 0).await.map(|()| true)
    }
}

impl Blobs {
    /// Files are sealed with keys of their own, so a copy is read and written.
    pub(super) async fn copy_object(
        &self,
        from: (&ContainerRef, &str),
        to: (&ContainerRef, &str),
        quota: Quota,
        now: Timestamp,
    ) -> Result<bool, Error> {
        check_name(to.1)?;
        let Some(object) = self.get(from.0, from.1, Range::ALL).await? else { return Ok(false) };
        let labels = object.labels;
        ports::blobs::put_labelled(self, to.0, (to.1, || labels), object.body, quota, now)
            .await
            .map_err(uncut)?;
        Ok(true)
    }

    pub(super) async fn rename_object(
        &self,
        from: (&ContainerRef, &str),
        to: (&ContainerRef, &str),
        quota: Quota,
        now: Timestamp,
    ) -> Result<bool, Error> {
        check_name(from.1)?;
        check_name(to.1)?;
        if from.0 == to.0 {
            let turn = self.turn(from.0).await?;
            return kept(turn.rename(from.1.to_owned(), to.1.to_owned(), quota, now)).await;
        }
        if !self.copy_object(from, to, quota, now).await? {
            return Ok(false);
        }
        self.delete(from.0, &[from.1.to_owned()]).await.map(|()| true)
    }
}

/// An object that cannot be read to its end is damaged.
fn uncut(error: Error) -> Error {
    match error {
        Error::Cut(why) => Error::Damaged(why),
        other => other,
    }
}
