//! The interface itself: translation, and no for everything that would change something.

use super::stream::Reading;
use super::tree::{self, Found, Wrong};
use super::{Descriptor, Entries, Has, Unreadable, View, part, piece, place};
use crate::state::State;
use generated::wasi::filesystem::{preopens, types};
use model::listing::Listing;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use types::{DescriptorFlags, DescriptorType, ErrorCode, NewTimestamp, OpenFlags, PathFlags};
use wasmtime::component::{Linker, Resource, ResourceTableError};
use wasmtime_wasi::p2::bindings::io::streams::{InputStream, OutputStream};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/filesystem",
        world: "casemate:files/imports",
        imports: { default: async | trappable },
        require_store_data_send: true,
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem/types.descriptor": crate::files::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": crate::files::Entries,
        },
        trappable_error_type: {
            "wasi:filesystem/types.error-code" => crate::files::view::Trouble,
        },
    });
}

/// Most bytes of one `read`.
const READ_BYTES_MAX: u64 = 256 << 10;

/// Why a guest does not get what it asked for.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub enum Trouble {
    /// In the interface's words.
    Said(ErrorCode),
    /// It used up a limit that no guest survives.
    Ends(wasmtime::Error),
}

impl From<ErrorCode> for Trouble {
    fn from(code: ErrorCode) -> Self {
        Self::Said(code)
    }
}

impl From<ResourceTableError> for Trouble {
    fn from(error: ResourceTableError) -> Self {
        Self::Ends(error.into())
    }
}

impl From<Unreadable> for Trouble {
    fn from(_: Unreadable) -> Self {
        Self::Said(ErrorCode::Io)
    }
}

impl From<Wrong> for Trouble {
    fn from(wrong: Wrong) -> Self {
        Self::Said(match wrong {
            Wrong::Leaves => ErrorCode::NotPermitted,
            Wrong::Nothing => ErrorCode::NoEntry,
            Wrong::NotDirectory => ErrorCode::NotDirectory,
        })
    }
}

type Outcome<T> = Result<T, Trouble>;
type Handle = Resource<Descriptor>;

/// Lets guests import it.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, Has>(linker, State::files)?;
    preopens::add_to_linker::<State, Has>(linker, State::files)
}

impl View<'_> {
    fn list(&self) -> Outcome<&Arc<Listing>> {
        self.files.ok_or(Trouble::Said(ErrorCode::BadDescriptor))
    }

    fn file(&self, handle: &Handle) -> Outcome<(Arc<str>, u64)> {
        let descriptor = self.table.get(handle)?;
        let size = descriptor.size.ok_or(Trouble::Said(ErrorCode::IsDirectory))?;
        Ok((Arc::clone(&descriptor.path), size))
    }

    /// What a path means, seen from an open directory.
    fn look(&self, handle: &Handle, path: &str) -> Outcome<Descriptor> {
        let base = self.table.get(handle)?;
        if base.size.is_some() {
            return Err(ErrorCode::NotDirectory.into());
        }
        let (path, found) = tree::look(self.list()?, &base.path, path)?;
        let size = match found {
            Found::File(size) => Some(size),
            Found::Directory => None,
        };
        Ok(Descriptor { path: path.into(), size, last: None })
    }
}

fn kind(descriptor: &Descriptor) -> DescriptorType {
    match descriptor.size {
        Some(_) => DescriptorType::RegularFile,
        None => DescriptorType::Directory,
    }
}

fn stat(descriptor: &Descriptor) -> types::DescriptorStat {
    types::DescriptorStat {
        type_: kind(descriptor),
        link_count: 1,
        size: descriptor.size.unwrap_or_default(),
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
    }
}

fn hash(descriptor: &Descriptor) -> types::MetadataHashValue {
    // Two names are two files: nothing here has two.
    let of = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &*descriptor.path).hash(&mut hasher);
        hasher.finish()
    };
    types::MetadataHashValue { lower: of(0), upper: of(1) }
}

const fn no<T>() -> Outcome<T> {
    Err(Trouble::Said(ErrorCode::ReadOnly))
}

impl types::Host for View<'_> {
    fn convert_error_code(&mut self, trouble: Trouble) -> wasmtime::Result<ErrorCode> {
        match trouble {
            Trouble::Said(code) => Ok(code),
            Trouble::Ends(error) => Err(error),
        }
    }

    async fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.table.get(&error)?;
        Ok(None)
    }
}

impl preopens::Host for View<'_> {
    async fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        if self.files.is_none() {
            return Ok(Vec::new());
        }
        let root = Descriptor { path: "".into(), size: None, last: None };
        Ok(vec![(self.table.push(root)?, "/".to_owned())])
    }
}

impl types::HostDirectoryEntryStream for View<'_> {
    async fn read_directory_entry(
        &mut self,
        entries: Resource<Entries>,
    ) -> Outcome<Option<types::DirectoryEntry>> {
        let next = self.table.get_mut(&entries)?.rest.next();
        Ok(next.map(|entry| types::DirectoryEntry {
            type_: if entry.is_directory {
                DescriptorType::Directory
            } else {
                DescriptorType::RegularFile
            },
            name: entry.name,
        }))
    }

    async fn drop(&mut self, entries: Resource<Entries>) -> wasmtime::Result<()> {
        self.table.delete(entries)?;
        Ok(())
    }
}

impl types::HostDescriptor for View<'_> {
    async fn read_via_stream(
        &mut self,
        handle: Handle,
        offset: u64,
    ) -> Outcome<Resource<InputStream>> {
        let (path, size) = self.file(&handle)?;
        let host = Arc::clone(self.host);
        let reading = Reading { host, path, size, offset, ready: None };
        let stream: InputStream = Box::new(reading);
        Ok(self.table.push(stream)?)
    }

    async fn read(&mut self, handle: Handle, length: u64, offset: u64) -> Outcome<(Vec<u8>, bool)> {
        let (path, size) = self.file(&handle)?;
        if offset >= size {
            return Ok((Vec::new(), true));
        }
        let (at, from) = place(offset).ok_or(Trouble::Said(ErrorCode::Overflow))?;
        let kept = self.table.get(&handle)?.last.clone();
        let bytes = match kept.filter(|(last, _)| *last == at) {
            Some((_, bytes)) => bytes,
            None => {
                let bytes = piece(Arc::clone(self.host), path, at).await?;
                self.table.get_mut(&handle)?.last = Some((at, bytes.clone()));
                bytes
            }
        };
        let length = usize::try_from(length.min(READ_BYTES_MAX)).unwrap_or_default();
        let read = part(&bytes, from, length);
        let end = offset.saturating_add(read.len() as u64) >= size;
        Ok((read.to_vec(), end))
    }

    async fn read_directory(&mut self, handle: Handle) -> Outcome<Resource<Entries>> {
        let directory = self.table.get(&handle)?;
        if directory.size.is_some() {
            return Err(ErrorCode::NotDirectory.into());
        }
        let rest = tree::entries(self.list()?, &directory.path).into_iter();
        Ok(self.table.push(Entries { rest })?)
    }

    async fn open_at(
        &mut self,
        handle: Handle,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Outcome<Handle> {
        let writing = DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
        if open.contains(OpenFlags::TRUNCATE) || flags.intersects(writing) {
            return no();
        }
        let found = match self.look(&handle, &path) {
            Err(Trouble::Said(ErrorCode::NoEntry)) if open.contains(OpenFlags::CREATE) => {
                return no();
            }
            Ok(_) if open.contains(OpenFlags::EXCLUSIVE) => return Err(ErrorCode::Exist.into()),
            found => found?,
        };
        if open.contains(OpenFlags::DIRECTORY) && found.size.is_some() {
            return Err(ErrorCode::NotDirectory.into());
        }
        Ok(self.table.push(found)?)
    }

    async fn stat(&mut self, handle: Handle) -> Outcome<types::DescriptorStat> {
        Ok(stat(self.table.get(&handle)?))
    }

    async fn stat_at(
        &mut self,
        handle: Handle,
        _: PathFlags,
        path: String,
    ) -> Outcome<types::DescriptorStat> {
        Ok(stat(&self.look(&handle, &path)?))
    }

    async fn get_flags(&mut self, handle: Handle) -> Outcome<DescriptorFlags> {
        self.table.get(&handle)?;
        Ok(DescriptorFlags::READ)
    }

    async fn get_type(&mut self, handle: Handle) -> Outcome<DescriptorType> {
        Ok(kind(self.table.get(&handle)?))
    }

    async fn is_same_object(&mut self, one: Handle, other: Handle) -> wasmtime::Result<bool> {
        Ok(self.table.get(&one)?.path == self.table.get(&other)?.path)
    }

    async fn metadata_hash(&mut self, handle: Handle) -> Outcome<types::MetadataHashValue> {
        Ok(hash(self.table.get(&handle)?))
    }

    async fn metadata_hash_at(
        &mut self,
        handle: Handle,
        _: PathFlags,
        path: String,
    ) -> Outcome<types::MetadataHashValue> {
        Ok(hash(&self.look(&handle, &path)?))
    }

    async fn readlink_at(&mut self, handle: Handle, path: String) -> Outcome<String> {
        self.look(&handle, &path)?;
        // There are no links.
        Err(ErrorCode::Invalid.into())
    }

    async fn advise(&mut self, _: Handle, _: u64, _: u64, _: types::Advice) -> Outcome<()> {
        Ok(())
    }

    async fn sync_data(&mut self, _: Handle) -> Outcome<()> {
        Ok(())
    }

    async fn sync(&mut self, _: Handle) -> Outcome<()> {
        Ok(())
    }

    async fn write_via_stream(&mut self, _: Handle, _: u64) -> Outcome<Resource<OutputStream>> {
        no()
    }

    async fn append_via_stream(&mut self, _: Handle) -> Outcome<Resource<OutputStream>> {
        no()
    }

    async fn set_size(&mut self, _: Handle, _: u64) -> Outcome<()> {
        no()
    }

    async fn set_times(&mut self, _: Handle, _: NewTimestamp, _: NewTimestamp) -> Outcome<()> {
        no()
    }

    async fn write(&mut self, _: Handle, _: Vec<u8>, _: u64) -> Outcome<u64> {
        no()
    }

    async fn create_directory_at(&mut self, _: Handle, _: String) -> Outcome<()> {
        no()
    }

    async fn set_times_at(
        &mut self,
        _: Handle,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> Outcome<()> {
        no()
    }

    async fn link_at(
        &mut self,
        _: Handle,
        _: PathFlags,
        _: String,
        _: Handle,
        _: String,
    ) -> Outcome<()> {
        no()
    }

    async fn remove_directory_at(&mut self, _: Handle, _: String) -> Outcome<()> {
        no()
    }

    async fn rename_at(&mut self, _: Handle, _: String, _: Handle, _: String) -> Outcome<()> {
        no()
    }

    async fn symlink_at(&mut self, _: Handle, _: String, _: String) -> Outcome<()> {
        no()
    }

    async fn unlink_file_at(&mut self, _: Handle, _: String) -> Outcome<()> {
        no()
    }

    async fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
