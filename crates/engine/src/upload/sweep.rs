//! Uploads that expired go, whether or not somebody asks for them.

use super::say;
use crate::wiring::Engine;
use model::Problem;
use model::store::StoreName;
use ports::blobs::{ContainerRef, UPLOADS_MAX, UploadRef};

impl Engine {
    /// Gives up the uploads of every route that waited for longer than the route allows. A function
    /// that has several routes with uploads keeps them for the longest of their times.
    ///
    /// # Errors
    /// What the blobs say; others were given up all the same.
    pub async fn sweep_expired_uploads(&self) -> Result<(), Problem> {
        let catalog = self.catalog.load_full();
        let functions = catalog.views().flat_map(|(_, view)| view.functions.values());
        let mut outcome = Ok(());
        for function in functions {
            let limits = function.row.spec.http.iter().filter_map(|http| http.upload?.limits());
            let Some(limits) = limits.max_by_key(|limits| limits.expires()) else { continue };
            let reference = function.reference();
            let name = StoreName::Own(reference.name.clone());
            let container = ContainerRef { scope: reference.scope.clone(), name };
            let most = usize::try_from(UPLOADS_MAX).unwrap_or(usize::MAX);
            let all = self.parts.blobs.uploads(&container, None, most).await?;
            let now = self.parts.clock.wall();
            for (id, upload) in all {
                if say::expires(upload.touched, &limits) > now {
                    continue;
                }
                let upload = UploadRef { container: container.clone(), id };
                if let Err(error) = self.parts.blobs.abort(&upload).await {
                    outcome = Err(error.into());
                }
            }
        }
        outcome
    }
}
