//! Blobs in their files.

mod damage;
mod restart;
mod rig;

use anyhow::Result;
use rig::Home;

#[tokio::test]
async fn conforms() -> Result<()> {
    let mut homes = Vec::new();
    testkit::blobs::conforms(|| {
        let home = Home::new();
        let blobs = home.open();
        homes.push(home);
        blobs
    })
    .await
}
