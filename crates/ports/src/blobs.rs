//! Blobs: objects of any size, by name, in containers.
//!
//! An object is written in stages: an upload is begun, bytes are appended to it, from one
//! connection or from several, before and after a restart of the node, and it is finished under a
//! name. Until then nobody sees it; from then on everybody sees the whole of it. An object never
//! changes: writing its name again puts another one in its place.
//!
//! Invariant: an object that can be seen is whole, and no version holds one in memory as a whole.

use crate::Future;
use bytes::Bytes;
use model::{Labels, Scope, StoreName, Timestamp};
use serde::{Deserialize, Serialize};

mod ask;
mod check;
mod error;
mod put;

pub use ask::{Ask, Reply};
pub use check::{NotAnUpload, check_name, check_names, check_note, check_page};
pub use error::Error;
pub use put::{body_of, put, put_labelled, read_all};

/// Longest name of an object, in bytes.
pub const NAME_BYTES_MAX: usize = 1000;
/// Most names in one ask.
pub const BATCH_MAX: usize = 500;
/// Most names in one page of a listing.
pub const PAGE_MAX: usize = 1000;
/// Longest note beside an upload, in bytes.
pub const NOTE_BYTES_MAX: usize = 8 << 10;
/// Most uploads of one container that are not finished.
pub const UPLOADS_MAX: u64 = 1000;

/// Bytes on their way. Reading it is what moves them, and no piece is large.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Error>;

/// Which container: a tenant, an environment, and a name there, which is a function's own or
/// shared by grants. Named as key-value stores are, and apart from them.
pub type ContainerRef = crate::keyvalue::StoreRef;

/// What a container may hold. Bytes of uploads that are not finished count, and so do those of
/// names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of objects, their names and uploads.
    pub bytes_max: u64,
    /// Objects.
    pub objects_max: u64,
}

/// What a container holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container {
    /// When it was made.
    pub created: Timestamp,
    /// Objects in it.
    pub objects: u64,
    /// Bytes of objects and of their names.
    pub bytes: u64,
    /// Uploads that are not finished.
    pub uploads: u64,
    /// Bytes of uploads that are not finished.
    pub upload_bytes: u64,
}

/// What is known of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Its length.
    pub bytes: u64,
    /// When it was put under its name.
    pub created: Timestamp,
    /// Differs from that of every other object that ever had this name.
    pub version: u64,
}

/// Which bytes of an object: from `from` to before `until`. What lies beyond its end is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first.
    pub from: u64,
    /// The first that is not wanted; `None` for all to the end.
    pub until: Option<u64>,
}

impl Range {
    /// All of it.
    pub const ALL: Self = Self { from: 0, until: None };

    /// The range within an object of `bytes`: where it begins, and where it ends.
    #[must_use]
    pub fn within(self, bytes: u64) -> (u64, u64) {
        let until = self.until.map_or(bytes, |until| until.min(bytes));
        (self.from.min(until), until)
    }
}

/// An object that is being read. It stays whole until the last byte was read, whatever happens to
/// its name meanwhile.
pub struct Object {
    /// The whole of it.
    pub info: Info,
    /// Where the bytes begin that follow, and where they end.
    pub range: (u64, u64),
    /// What it is known to contain.
    pub labels: Labels,
    /// The bytes of the range. An error in it means that what came before is not all.
    pub body: Body,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Names, in the order of their bytes.
    pub names: Vec<String>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// Tells an upload from all others, for ever. It cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub [u8; 16]);

/// An upload and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadRef {
    /// The container that it was begun in. It can be finished there only.
    pub container: ContainerRef,
    /// Which.
    pub id: UploadId,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Bytes that are on disk: where the next append goes on.
    pub offset: u64,
    /// When it was begun.
    pub begun: Timestamp,
    /// When something was last appended, or it was begun.
    pub touched: Timestamp,
    /// What was given with [`Blobs::begin`].
    pub note: Bytes,
}

/// What [`Blobs::collect`] took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Uploads.
    pub uploads: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Objects in containers. A container comes into being with [`Blobs::create`] or with the first
/// upload that is begun in it; one that there is not is empty.
///
/// Who changes something says the time, `now`. A change is on disk when its method returns.
pub trait Blobs: Send + Sync {
    /// Makes a container. Says whether there was none.
    ///
    /// # Errors
    /// [`Error`].
    fn create<'a>(
        &'a self,
        at: &'a ContainerRef,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>>;

    /// What a container holds; `None` if there is none.
    ///
    /// # Errors
    /// [`Error`] if the store failed or is damaged.
    fn container<'a>(
        &'a self,
        at: &'a ContainerRef,
    ) -> Future<'a, Result<Option<Container>, Error>>;

    /// The containers of a tenant and environment, in order.
    ///
    /// # Errors
    /// [`Error`] if the store failed or is damaged.
    fn containers<'a>(
        &'a self,
        scope: &'a Scope,
    ) -> Future<'a, Result<Vec<(StoreName, Container)>, Error>>;

    /// Removes a container with its objects and its uploads. Says whether there was one.
    ///
    /// # Errors
    /// [`Error`] if the store failed or is damaged as a whole. One whose objects are damaged can be
    /// removed.
    fn remove<'a>(&'a self, at: &'a ContainerRef) -> Future<'a, Result<bool, Error>>;

    /// What is known of an object; `None` if there is none of this name.
    ///
    /// # Errors
    /// [`Error`].
    fn info<'a>(
        &'a self,
        at: &'a ContainerRef,
        name: &'a str,
    ) -> Future<'a, Result<Option<Info>, Error>>;

    /// Reads an object, or some bytes of it; `None` if there is none of this name.
    ///
    /// # Errors
    /// [`Error`]. Damage further behind is found when the body gets there.
    fn get<'a>(
        &'a self,
        at: &'a ContainerRef,
        name: &'a str,
        range: Range,
    ) -> Future<'a, Result<Option<Object>, Error>>;

    /// Lists at most `limit` names, 1 to [`PAGE_MAX`], that begin with `prefix` and lie after
    /// `after`.
    ///
    /// # Errors
    /// [`Error`].
    fn list<'a>(
        &'a self,
        at: &'a ContainerRef,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Future<'a, Result<Page, Error>>;

    /// Removes objects, all or none; what is not there is passed over. At most [`BATCH_MAX`] names.
    ///
    /// # Errors
    /// [`Error`].
    fn delete<'a>(
        &'a self,
        at: &'a ContainerRef,
        names: &'a [String],
    ) -> Future<'a, Result<(), Error>>;

    /// Removes all objects of a container, little by little. Uploads stay.
    ///
    /// # Errors
    /// [`Error`]. Some of them may be gone.
    fn clear<'a>(&'a self, at: &'a ContainerRef) -> Future<'a, Result<(), Error>>;

    /// Puts a copy of an object under another name, there or in another container of the same
    /// tenant. Says whether there was one to copy.
    ///
    /// # Errors
    /// [`Error`].
    fn copy<'a>(
        &'a self,
        from: (&'a ContainerRef, &'a str),
        to: (&'a ContainerRef, &'a str),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>>;

    /// Puts an object under another name, at once within a container. To another container of the
    /// same tenant it is copied first, and after a crash it may be in both. Says whether there was
    /// one.
    ///
    /// # Errors
    /// [`Error`].
    fn rename<'a>(
        &'a self,
        from: (&'a ContainerRef, &'a str),
        to: (&'a ContainerRef, &'a str),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>>;

    /// Begins an upload. `note` is kept beside it for whoever asks for its status, at most
    /// [`NOTE_BYTES_MAX`]: what it will be called, how long it will be, who may go on with it.
    ///
    /// # Errors
    /// [`Error::Quota`] with [`UPLOADS_MAX`], or another [`Error`].
    fn begin<'a>(
        &'a self,
        at: &'a ContainerRef,
        note: Bytes,
        now: Timestamp,
    ) -> Future<'a, Result<UploadId, Error>>;

    /// Appends to an upload that is at `offset`, and gives the new offset. What the body brought is
    /// on disk then and stays after a restart.
    ///
    /// If the future is dropped, what was not yet said to be on disk may be or not.
    ///
    /// # Errors
    /// [`Error::NoUpload`], [`Error::Offset`] and [`Error::Busy`] change nothing. After any other
    /// [`Error`] some of the bytes may be kept, and after [`Error::Cut`], which an error of the
    /// body becomes, all that arrived are: [`Blobs::status`] says how many.
    fn append<'a>(
        &'a self,
        upload: &'a UploadRef,
        offset: u64,
        body: Body,
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<u64, Error>>;

    /// How far an upload is; `None` if there is none.
    ///
    /// # Errors
    /// [`Error`].
    fn status<'a>(&'a self, upload: &'a UploadRef) -> Future<'a, Result<Option<Upload>, Error>>;

    /// Makes an object of an upload, in the place of what had that name. The upload is gone then.
    /// The object is known to contain what `labels` says; copies of it, and what it is renamed to,
    /// are, too.
    ///
    /// # Errors
    /// [`Error`]. The upload is as it was.
    fn finish_labelled<'a>(
        &'a self,
        upload: &'a UploadRef,
        named: (&'a str, Labels),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<Info, Error>>;

    /// The same for who knows of nothing sensitive in it.
    ///
    /// # Errors
    /// As [`Blobs::finish_labelled`].
    fn finish<'a>(
        &'a self,
        upload: &'a UploadRef,
        name: &'a str,
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<Info, Error>> {
        self.finish_labelled(upload, (name, Labels::NONE), quota, now)
    }

    /// Gives an upload up. Says whether there was one.
    ///
    /// # Errors
    /// [`Error`].
    fn abort<'a>(&'a self, upload: &'a UploadRef) -> Future<'a, Result<bool, Error>>;

    /// The uploads of a container that are not finished, at most `limit`, 1 to [`PAGE_MAX`], with
    /// ids after `after`, in their order.
    ///
    /// # Errors
    /// [`Error`].
    fn uploads<'a>(
        &'a self,
        at: &'a ContainerRef,
        after: Option<UploadId>,
        limit: usize,
    ) -> Future<'a, Result<Vec<(UploadId, Upload)>, Error>>;

    /// Gives up every upload, of every tenant, that nothing was appended to since `before`.
    ///
    /// # Errors
    /// [`Error`], after all were tried. Some of them may be gone.
    fn collect(&self, before: Timestamp) -> Future<'_, Result<Collected, Error>>;
}
