//! Faults that only the store's own parts can set up: migrations, full disks, failing notaries.

use super::*;
use model::act::Act;
use model::{Code, Problem};
use ports::ledger::{Appended, Edge, Ledger};
use ports::registry::Registry;
use testkit::registry::{PlainNotary, deploy, operator, spec};

fn notary() -> Arc<dyn Notary> {
    Arc::new(PlainNotary)
}

fn alpha(component: &str) -> Act {
    deploy("shop", &[spec("alpha", component, &["GET /alpha"])])
}

/// Every table and its rows, in one text.
fn dump(file: &Path) -> String {
    let connection = Connection::open(file).expect("open");
    let version: i32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("version");
    let mut text = format!("schema {version}\n");
    let mut tables = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .expect("tables");
    let tables: Vec<(String, String)> =
        tables.query_map([], |row| row.try_into()).expect("tables").map(Result::unwrap).collect();
    for (name, sql) in tables {
        let mut rows = connection.prepare(&format!("SELECT * FROM {name}")).expect("rows");
        let width = rows.column_count();
        let rows = rows.query_map([], |row| {
            let values = (0..width).map(|at| row.get::<_, rusqlite::types::Value>(at));
            Ok(format!("{:?}", values.collect::<Result<Vec<_>, _>>()?))
        });
        let rows: Vec<String> = rows.expect("rows").map(Result::unwrap).collect();
        text.push_str(&format!("{name}: {sql}\n{}\n", rows.join("\n")));
    }
    text
}

fn backups(home: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(home.join(BACKUPS)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    files
}

/// The schema that this version makes.
fn newest() -> u32 {
    u32::try_from(migrate::STEPS.len()).expect("few")
}

const NEXT: migrate::Step = "CREATE TABLE later (tenant TEXT, environment TEXT, x TEXT) STRICT;
    INSERT INTO later SELECT tenant, environment, name FROM function;";

#[tokio::test]
async fn an_upgrade_keeps_what_was_there_and_copies_it_first() {
    let home = tempfile::tempdir().expect("home");
    let store = Store::open(home.path(), notary()).expect("open");
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
    let before = store.load().await.expect("load");
    drop(store);
    assert_eq!(backups(home.path()), Vec::<PathBuf>::new(), "a new home needs no copy");
    let old = dump(&home.path().join(FILE));

    let steps = [migrate::STEPS, &[NEXT]].concat();
    let store = Store::open_with(home.path(), notary(), &steps).expect("upgrade");
    assert_eq!(store.load().await.expect("load"), before);
    drop(store);
    let copies = backups(home.path());
    assert_eq!(copies.len(), 1);
    let name = copies[0].file_name().and_then(|name| name.to_str()).expect("name");
    let begins = format!("registry-v{}-", newest());
    assert!(name.starts_with(&begins) && name.ends_with(".db"), "{name}");
    assert_eq!(dump(&copies[0]), old);

    let again = Store::open_with(home.path(), notary(), &steps).expect("nothing is due");
    drop(again);
    assert_eq!(backups(home.path()).len(), 1);
}

#[tokio::test]
async fn a_failing_step_leaves_the_home_as_it_was() {
    let home = tempfile::tempdir().expect("home");
    let file = home.path().join(FILE);
    let store = Store::open(home.path(), notary()).expect("open");
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
    drop(store);
    let before = dump(&file);

    // The second of two steps fails, after the first one and a statement of its own.
    let steps =
        [migrate::STEPS, &[NEXT, "DELETE FROM granted; UPDATE nowhere SET x = 1;"]].concat();
    let error = Store::open_with(home.path(), notary(), &steps).err().expect("must fail");
    let fits = |from, to| from == newest() && to == newest() + 2;
    assert!(matches!(error, Error::Migration { from, to, .. } if fits(from, to)), "{error:?}");
    assert_eq!(Problem::from(error).code, Code::MigrationFailed);
    assert_eq!(dump(&file), before);
    let store = Store::open(home.path(), notary()).expect("the old version still opens it");
    assert_eq!(store.load().await.expect("load").len(), 1);
}

#[test]
fn a_first_migration_that_fails_can_be_tried_again() {
    let home = tempfile::tempdir().expect("home");
    let error = Store::open_with(home.path(), notary(), &["nonsense"]).err().expect("must fail");
    assert!(matches!(error, Error::Migration { from: 0, to: 1, .. }), "{error:?}");
    Store::open(home.path(), notary()).expect("the file is still empty");
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let home = tempfile::tempdir().expect("home");
    let file = home.path().join(FILE);
    let steps = [migrate::STEPS, &[NEXT, NEXT.replace("later", "latest").leak()]].concat();
    drop(Store::open_with(home.path(), notary(), &steps).expect("the newer version"));
    let before = std::fs::read(&file).expect("bytes");

    let error = Store::open(home.path(), notary()).err().expect("must be refused");
    let fits = |found, known| known == newest() && found == newest() + 2;
    assert!(
        matches!(error, Error::SchemaNewer { found, known, .. } if fits(found, known)),
        "{error:?}"
    );
    assert_eq!(Problem::from(error).code, Code::SchemaNewer);
    assert_eq!(std::fs::read(&file).expect("bytes"), before);
    assert_eq!(backups(home.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_full_disk_changes_nothing_and_passes() {
    let home = tempfile::tempdir().expect("home");
    let store = Store::open(home.path(), notary()).expect("open");
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
    let before = store.load().await.expect("load");

    // As many pages as there are, so that every act that needs another one finds no room.
    let limit = |pages: &'static str| {
        store.write(move |connection| {
            Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                row.get::<_, i64>(0)
            })?)
        })
    };
    limit("1").await.expect("limit");
    let names: Vec<String> = (0..300).map(|n| format!("f{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| spec(name, "two", &[])).collect();
    let error = store.commit(deploy("blog", &many), operator(2)).await.expect_err("no room");
    assert!(matches!(error, ports::registry::Error::Full), "{error:?}");
    assert_eq!(store.load().await.expect("load"), before);
    assert_eq!(store.size().await.expect("size"), 1);

    limit("1000000").await.expect("limit");
    let done = store.commit(deploy("blog", &many), operator(3)).await.expect("room again");
    assert_eq!((done.leaf, done.deployment), (1, Some(1)));
    assert_eq!(store.check().await.expect("check"), Vec::<String>::new());
}

/// Fails, panics or forgets a tile, depending on the leaf.
struct Broken;

impl Notary for Broken {
    fn append(&self, edge: &Edge, leaf: &[u8]) -> Result<Appended, String> {
        let says = |word: &str| String::from_utf8_lossy(leaf).contains(word);
        if says("fails") {
            return Err("no key".to_owned());
        }
        assert!(!says("panics"), "on purpose");
        let mut appended = PlainNotary.append(edge, leaf)?;
        if says("forgets") {
            appended.tiles.clear();
        }
        Ok(appended)
    }
}

#[tokio::test]
async fn an_act_without_its_leaf_is_no_act() {
    let home = tempfile::tempdir().expect("home");
    let store = Store::open(home.path(), Arc::new(Broken)).expect("open");
    let by = |actor: &str| ports::registry::By { actor: actor.to_owned(), ..operator(1) };
    for actor in ["fails", "panics"] {
        store.commit(alpha("one"), by(actor)).await.expect_err(actor);
        assert_eq!(store.load().await.expect("load"), Vec::new(), "{actor}");
        assert_eq!(store.size().await.expect("size"), 0, "{actor}");
    }
    // A tile that is missing is noticed by the next act, which changes nothing either.
    store.commit(alpha("one"), by("forgets")).await.expect("stored as it was told");
    let error = store.commit(alpha("two"), by("ops")).await.expect_err("the tile is missing");
    assert_eq!(Problem::from(error).code, Code::StoreCorrupt);
    assert_eq!(store.size().await.expect("size"), 1);
}

#[tokio::test]
async fn a_tile_that_was_cut_stops_the_next_act() {
    let home = tempfile::tempdir().expect("home");
    let store = Store::open(home.path(), notary()).expect("open");
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
    store.commit(alpha("two"), operator(2)).await.expect("deploy");
    let cut = "UPDATE ledger_tile SET hashes = substr(hashes, 1, 32)";
    store.write(move |connection| Ok(connection.execute(cut, [])?)).await.expect("cut");
    let error = store.commit(alpha("three"), operator(3)).await.expect_err("a tile was cut");
    assert_eq!(Problem::from(error).code, Code::StoreCorrupt);
    assert_eq!(store.size().await.expect("size"), 2);
}

#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("home");
    let _store = Store::open(home.path(), notary()).expect("open");
    for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let mode = std::fs::metadata(home.path().join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn every_table_carries_tenant_and_environment_and_is_strict() {
    let home = tempfile::tempdir().expect("home");
    drop(Store::open(home.path(), notary()).expect("open"));
    let connection = Connection::open(home.path().join(FILE)).expect("open");
    let mut tables = connection
        .prepare(
            "SELECT t.name, t.strict, count(c.name) FROM pragma_table_list t
             LEFT JOIN pragma_table_info(t.name) c ON c.name IN ('tenant', 'environment')
             WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' GROUP BY t.name",
        )
        .expect("tables");
    let tables: Vec<(String, bool, u32)> =
        tables.query_map([], |row| row.try_into()).expect("tables").map(Result::unwrap).collect();
    assert!(tables.len() >= 13, "{tables:?}");
    for (name, strict, columns) in tables {
        assert!(strict && columns == 2, "{name}: strict {strict}, {columns} of the two columns");
    }
}
