//! `wasi:keyvalue@0.2.0-draft2`, which Spin's tools build for.
//!
//! Compare-and-swap goes by versions, so a value that was changed and changed back counts as changed.

use super::{Bucket, Has, Refused, View};
use crate::state::State;
use bytes::Bytes;
use generated::wasi::keyvalue::{atomics, batch, store};
use ports::keyvalue::{Ask, Reply};
use std::sync::Arc;
use wasmtime::component::{Linker, Resource};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/keyvalue-draft2.wit",
        world: "imports",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::keyvalue::Bucket,
            "wasi:keyvalue/atomics.cas": crate::keyvalue::draft2::Cas,
        },
        trappable_error_type: { "wasi:keyvalue/store.error" => crate::keyvalue::Refused },
    });
}

/// What a key held at one time.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub struct Cas {
    store: Arc<str>,
    key: String,
    /// `None` if the key was not there.
    version: Option<u64>,
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    store::add_to_linker::<State, Has>(linker, State::keyvalue)?;
    atomics::add_to_linker::<State, Has>(linker, State::keyvalue)?;
    batch::add_to_linker::<State, Has>(linker, State::keyvalue)
}

impl store::Host for View<'_> {
    async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Refused> {
        Self::open(self, identifier).await
    }

    fn convert_error(&mut self, refused: Refused) -> wasmtime::Result<store::Error> {
        match refused {
            Refused::Denied => Ok(store::Error::AccessDenied),
            Refused::Other(why) => Ok(store::Error::Other(why)),
            Refused::Ends(error) => Err(error),
        }
    }
}

impl store::HostBucket for View<'_> {
    async fn get(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let store = self.store(&bucket)?;
        Ok(Self::get(self, &store, key).await?.map(super::value))
    }

    async fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Refused> {
        self.write(&bucket, [super::set((key, value))]).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Result<(), Refused> {
        self.write(&bucket, [super::delete(key)]).await
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool, Refused> {
        Self::exists(self, &bucket, key).await
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Result<store::KeyResponse, Refused> {
        let store = self.store(&bucket)?;
        let (keys, cursor) = self.list(&store, cursor).await?;
        Ok(store::KeyResponse { keys, cursor })
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::HostCas for View<'_> {
    async fn new(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Resource<Cas>, Refused> {
        let store = self.store(&bucket)?;
        let cell = Self::get(self, &store, key.clone()).await?;
        let version = cell.map(|cell| cell.version);
        Ok(self.table.push(Cas { store, key, version })?)
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Result<Option<Vec<u8>>, Refused> {
        let Cas { store, key, .. } = self.table.get(&cas)?;
        let (store, key) = (Arc::clone(store), key.clone());
        let cell = Self::get(self, &store, key).await?;
        // What the guest computes from is what it sees here.
        self.table.get_mut(&cas)?.version = cell.as_ref().map(|cell| cell.version);
        Ok(cell.map(super::value))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl atomics::Host for View<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> Result<i64, Refused> {
        self.add(&bucket, key, delta).await
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let Cas { store, key, version } = self.table.delete(cas)?;
        let ask = Ask::Swap { key: key.clone(), version, value: Bytes::from(value) };
        let refused = match self.ask(&store, ask).await {
            Ok(Reply::Swapped(Ok(_))) => return Ok(Ok(())),
            Ok(Reply::Swapped(Err(there))) => {
                let version = there.map(|cell| cell.version);
                let again = self.table.push(Cas { store, key, version })?;
                return Ok(Err(atomics::CasError::CasFailed(again)));
            }
            Ok(_) => super::unexpected(),
            Err(refused) => refused,
        };
        let error = store::Host::convert_error(self, refused)?;
        Ok(Err(atomics::CasError::StoreError(error)))
    }
}

impl batch::Host for View<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, Refused> {
        let store = self.store(&bucket)?;
        let cells = self.cells(&store, keys.clone()).await?;
        Ok(keys.into_iter().zip(cells.into_iter().map(|cell| cell.map(super::value))).collect())
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        key_values: Vec<(String, Vec<u8>)>,
    ) -> Result<(), Refused> {
        self.write(&bucket, key_values.into_iter().map(super::set)).await
    }

    async fn delete_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<(), Refused> {
        self.write(&bucket, keys.into_iter().map(super::delete)).await
    }
}
