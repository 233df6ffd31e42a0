//! `wasi:keyvalue@0.2.0-draft`, which Wasmtime's tools build for.

use super::{Bucket, Has, Refused, View};
use crate::state::State;
use generated::wasi::keyvalue::{atomics, batch, store};
use wasmtime::component::{Linker, Resource};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/keyvalue-draft.wit",
        world: "imports",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": crate::keyvalue::Bucket },
        trappable_error_type: { "wasi:keyvalue/store.error" => crate::keyvalue::Refused },
    });
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
        cursor: Option<u64>,
    ) -> Result<store::KeyResponse, Refused> {
        let store = self.store(&bucket)?;
        let place = |cursor| {
            let unknown = "the cursor is of another listing, or too old: list from the beginning";
            self.listings.find(&store, cursor).ok_or_else(|| Refused::Other(unknown.to_owned()))
        };
        let after = cursor.map(place).transpose()?;
        let (keys, last) = self.list(&store, after).await?;
        let cursor = last.map(|last| self.listings.keep(store, last));
        Ok(store::KeyResponse { keys, cursor })
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for View<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: u64,
    ) -> Result<u64, Refused> {
        let large = || Refused::Other(format!("{delta} is more than can be added at once"));
        let delta = i64::try_from(delta).map_err(|_| large())?;
        let sum = self.add(&bucket, key, delta).await?;
        // Somebody else wrote a number below zero, which this draft has no form for.
        u64::try_from(sum).map_err(|_| Refused::Other(format!("it was added, and is now {sum}")))
    }
}

impl batch::Host for View<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<Option<(String, Vec<u8>)>>, Refused> {
        let store = self.store(&bucket)?;
        let cells = self.cells(&store, keys.clone()).await?;
        let pair = |(key, cell): (String, Option<_>)| Some((key, super::value(cell?)));
        Ok(keys.into_iter().zip(cells).map(pair).collect())
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
