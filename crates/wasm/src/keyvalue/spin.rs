//! `fermyon:spin/key-value@2.0.0`, which Spin's SDKs of WASI 0.2 build for.

use super::{Bucket, Has, Refused, View};
use crate::state::State;
use generated::fermyon::spin::key_value;
use wasmtime::component::{Linker, Resource};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/spin.wit",
        world: "key-values",
        imports: { default: async | trappable },
        with: { "fermyon:spin/key-value.store": crate::keyvalue::Bucket },
        trappable_error_type: { "fermyon:spin/key-value.error" => crate::keyvalue::Refused },
    });
}

/// Most keys that one listing gives: the interface has no pages.
const KEYS_MAX: usize = 10_000;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    key_value::add_to_linker::<State, Has>(linker, State::keyvalue)
}

impl key_value::Host for View<'_> {
    fn convert_error(&mut self, refused: Refused) -> wasmtime::Result<key_value::Error> {
        match refused {
            Refused::Denied => Ok(key_value::Error::AccessDenied),
            Refused::Other(why) => Ok(key_value::Error::Other(why)),
            Refused::Ends(error) => Err(error),
        }
    }
}

impl key_value::HostStore for View<'_> {
    async fn open(&mut self, label: String) -> Result<Resource<Bucket>, Refused> {
        Self::open(self, label).await
    }

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

    async fn get_keys(&mut self, bucket: Resource<Bucket>) -> Result<Vec<String>, Refused> {
        let store = self.store(&bucket)?;
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (keys, last) = self.list(&store, after).await?;
            all.extend(keys);
            after = match last {
                Some(last) if all.len() < KEYS_MAX => Some(last),
                Some(_) => {
                    let why = "there are more keys than can be listed without pages";
                    return Err(Refused::Other(why.to_owned()));
                }
                None => return Ok(all),
            };
        }
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}
