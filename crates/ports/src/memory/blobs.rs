//! Blobs in memory.
//!
//! Invariant: one counter gives all versions and all ids of uploads, so that none is used twice.

use crate::Future;
use crate::blobs::{
    Body, Collected, Container, ContainerRef, Error, Info, Object, Page, Quota, Range, UPLOADS_MAX,
    Upload, UploadId, UploadRef, body_of, check_names, check_note, check_page,
};
use bytes::{Bytes, BytesMut};
use held::{All, Held, Staged};
use http_body_util::BodyExt;
use model::{Labels, Scope, StoreName, Timestamp};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::Bound;

mod held;

/// The memory version of [`crate::Blobs`]. It holds objects in memory, as tests are small.
#[derive(Default)]
pub struct Blobs {
    all: Mutex<All>,
}

/// Lets others append, however the append ends.
struct Using<'a>(&'a Blobs, &'a UploadRef);

impl Drop for Using<'_> {
    fn drop(&mut self) {
        if let Ok(staged) = self.0.all.lock().staged(self.1) {
            staged.busy = false;
        }
    }
}

impl Blobs {
    fn ready<'a, T: Send + 'a>(
        &self,
        work: impl FnOnce(&mut All) -> Result<T, Error>,
    ) -> Future<'a, Result<T, Error>> {
        let done = work(&mut self.all.lock());
        Box::pin(std::future::ready(done))
    }

    async fn take(
        &self,
        upload: &UploadRef,
        offset: u64,
        mut body: Body,
        quota: Quota,
        now: Timestamp,
    ) -> Result<u64, Error> {
        {
            let mut all = self.all.lock();
            let staged = all.staged(upload)?;
            if staged.busy {
                return Err(Error::Busy);
            }
            if staged.upload.offset != offset {
                return Err(Error::Offset { held: staged.upload.offset });
            }
            staged.busy = true;
        }
        let _using = Using(self, upload);
        let mut at = offset;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error {
                Error::Cut(why) => Error::Cut(why),
                other => Error::Cut(other.to_string()),
            })?;
            let Ok(piece) = frame.into_data() else { continue };
            at = self.all.lock().append(upload, &piece, quota, now)?;
        }
        Ok(at)
    }
}

impl crate::Blobs for Blobs {
    fn create<'a>(
        &'a self,
        at: &'a ContainerRef,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>> {
        self.ready(|all| {
            let made = !all.containers.contains_key(at);
            all.held(at, now);
            Ok(made)
        })
    }

    fn container<'a>(
        &'a self,
        at: &'a ContainerRef,
    ) -> Future<'a, Result<Option<Container>, Error>> {
        self.ready(|all| Ok(all.containers.get(at).map(Held::size)))
    }

    fn containers<'a>(
        &'a self,
        scope: &'a Scope,
    ) -> Future<'a, Result<Vec<(StoreName, Container)>, Error>> {
        self.ready(|all| {
            let own = all.containers.iter().filter(|(at, _)| at.scope == *scope);
            let mut found: Vec<_> = own.map(|(at, held)| (at.name.clone(), held.size())).collect();
            found.sort_by(|one, two| one.0.cmp(&two.0));
            Ok(found)
        })
    }

    fn remove<'a>(&'a self, at: &'a ContainerRef) -> Future<'a, Result<bool, Error>> {
        self.ready(|all| Ok(all.containers.remove(at).is_some()))
    }

    fn info<'a>(
        &'a self,
        at: &'a ContainerRef,
        name: &'a str,
    ) -> Future<'a, Result<Option<Info>, Error>> {
        self.ready(|all| Ok(all.found(at, name)?.map(|(info, ..)| info)))
    }

    fn get<'a>(
        &'a self,
        at: &'a ContainerRef,
        name: &'a str,
        range: Range,
    ) -> Future<'a, Result<Option<Object>, Error>> {
        self.ready(|all| {
            let Some((info, bytes, labels)) = all.found(at, name)? else { return Ok(None) };
            let (from, until) = range.within(info.bytes);
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let body = body_of(bytes.slice(index(from)..index(until)));
            Ok(Some(Object { info, range: (from, until), labels, body }))
        })
    }

    fn list<'a>(
        &'a self,
        at: &'a ContainerRef,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Future<'a, Result<Page, Error>> {
        self.ready(|all| {
            check_page(prefix, after, limit)?;
            let from = match after {
                Some(after) if after >= prefix => Bound::Excluded(after),
                _ => Bound::Included(prefix),
            };
            let none = BTreeMap::new();
            let objects = all.containers.get(at).map_or(&none, |held| &held.objects);
            let rest = objects.range::<str, _>((from, Bound::Unbounded)).map(|(name, _)| name);
            let rest = rest.take_while(|name| name.starts_with(prefix)).take(limit + 1);
            let mut names: Vec<String> = rest.cloned().collect();
            let more = names.len() > limit;
            names.truncate(limit);
            Ok(Page { names, more })
        })
    }

    fn delete<'a>(
        &'a self,
        at: &'a ContainerRef,
        names: &'a [String],
    ) -> Future<'a, Result<(), Error>> {
        self.ready(|all| {
            check_names(names)?;
            if let Some(held) = all.containers.get_mut(at) {
                names.iter().for_each(|name| drop(held.objects.remove(name)));
            }
            Ok(())
        })
    }

    fn clear<'a>(&'a self, at: &'a ContainerRef) -> Future<'a, Result<(), Error>> {
        self.ready(|all| {
            if let Some(held) = all.containers.get_mut(at) {
                held.objects.clear();
            }
            Ok(())
        })
    }

    fn copy<'a>(
        &'a self,
        from: (&'a ContainerRef, &'a str),
        to: (&'a ContainerRef, &'a str),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>> {
        self.ready(|all| all.copy(from, to, quota, now))
    }

    fn rename<'a>(
        &'a self,
        from: (&'a ContainerRef, &'a str),
        to: (&'a ContainerRef, &'a str),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>> {
        self.ready(|all| all.rename(from, to, quota, now))
    }

    fn begin<'a>(
        &'a self,
        at: &'a ContainerRef,
        note: Bytes,
        now: Timestamp,
    ) -> Future<'a, Result<UploadId, Error>> {
        self.ready(|all| {
            check_note(&note)?;
            let id = UploadId(u128::from(all.next()).to_be_bytes());
            let held = all.held(at, now);
            if held.uploads.len() as u64 >= UPLOADS_MAX {
                return Err(Error::Quota { what: "uploads", most: UPLOADS_MAX });
            }
            let upload = Upload { offset: 0, begun: now, touched: now, note };
            held.uploads.insert(id, Staged { bytes: BytesMut::new(), upload, busy: false });
            Ok(id)
        })
    }

    fn append<'a>(
        &'a self,
        upload: &'a UploadRef,
        offset: u64,
        body: Body,
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<u64, Error>> {
        Box::pin(self.take(upload, offset, body, quota, now))
    }

    fn status<'a>(&'a self, upload: &'a UploadRef) -> Future<'a, Result<Option<Upload>, Error>> {
        self.ready(|all| Ok(all.staged(upload).ok().map(|staged| staged.upload.clone())))
    }

    fn finish_labelled<'a>(
        &'a self,
        upload: &'a UploadRef,
        named: (&'a str, Labels),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<Info, Error>> {
        self.ready(|all| all.finish(upload, named, quota, now))
    }

    fn abort<'a>(&'a self, upload: &'a UploadRef) -> Future<'a, Result<bool, Error>> {
        self.ready(|all| match all.staged(upload) {
            Ok(staged) if staged.busy => Err(Error::Busy),
            Ok(_) => {
                let held = all.containers.get_mut(&upload.container);
                Ok(held.and_then(|held| held.uploads.remove(&upload.id)).is_some())
            }
            Err(_) => Ok(false),
        })
    }

    fn uploads<'a>(
        &'a self,
        at: &'a ContainerRef,
        after: Option<UploadId>,
        limit: usize,
    ) -> Future<'a, Result<Vec<(UploadId, Upload)>, Error>> {
        self.ready(|all| {
            check_page("", None, limit)?;
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let Some(held) = all.containers.get(at) else { return Ok(Vec::new()) };
            let rest = held.uploads.range((from, Bound::Unbounded)).take(limit);
            Ok(rest.map(|(id, staged)| (*id, staged.upload.clone())).collect())
        })
    }

    fn collect(&self, before: Timestamp) -> Future<'_, Result<Collected, Error>> {
        self.ready(|all| {
            let mut collected = Collected::default();
            for held in all.containers.values_mut() {
                held.uploads.retain(|_, staged| {
                    let stale = staged.upload.touched < before && !staged.busy;
                    if stale {
                        collected.uploads += 1;
                        collected.bytes += staged.upload.offset;
                    }
                    !stale
                });
            }
            Ok(collected)
        })
    }
}
