//! The suite itself, one part after the other on one journal.

use super::{end, full_record, line, record, start, tenant};
use anyhow::{Result, ensure};
use model::wire::v1::{Entry, Level, LogLine, Outcome, Record};
use model::{InvocationId, Scope, Timestamp};
use ports::journal::{Error, Flight, Journal, LogQuery, Page, RecordQuery, State};

/// Runs the suite on an empty journal, and closes it.
///
/// # Errors
/// Says what the journal did that it must not.
pub async fn conforms(journal: &dyn Journal) -> Result<()> {
    begins_empty(journal).await?;
    follows_one_invocation(journal).await?;
    keeps_every_field(journal).await?;
    pages_through_records(journal).await?;
    filters_records(journal).await?;
    keeps_scopes_apart(journal).await?;
    follows_logs(journal).await?;
    filters_logs(journal).await?;
    refuses_foreign_positions(journal).await?;
    ends_when_closed(journal).await
}

async fn list(journal: &dyn Journal, query: RecordQuery) -> Result<Page<Record>> {
    Ok(journal.records(query).await?)
}

async fn lines(journal: &dyn Journal, query: LogQuery) -> Result<Page<LogLine>> {
    Ok(journal.logs(query).await?)
}

fn texts(page: &Page<LogLine>) -> Vec<&str> {
    page.items.iter().map(|line| line.text.as_str()).collect()
}

fn ids(page: &Page<Record>) -> Vec<InvocationId> {
    page.items.iter().map(|record| record.start.id).collect()
}

async fn begins_empty(journal: &dyn Journal) -> Result<()> {
    let page = list(journal, RecordQuery { limit: 10, ..RecordQuery::default() }).await?;
    ensure!(page.items.is_empty() && page.next.is_none(), "a new journal has records");
    let page = lines(journal, LogQuery { limit: 10, ..LogQuery::default() }).await?;
    ensure!(page.items.is_empty() && page.next.is_some(), "there is no end of logs to follow");
    let nobody = start(&Scope::default(), "a", 1).id;
    ensure!(journal.flight(&Scope::default(), nobody).await?.is_none(), "finds a flight");
    let health = journal.health();
    ensure!(health.state != State::Refusing && health.dropped == 0, "begins badly: {health:?}");
    Ok(())
}

async fn follows_one_invocation(journal: &dyn Journal) -> Result<()> {
    let scope = Scope::default();
    let begun = start(&scope, "one", 10);
    let id = begun.id;
    let first = journal.append(Entry::Start(begun.clone()))?;
    journal.durable(first).await?;
    let found = journal.flight(&scope, id).await?;
    ensure!(found == Some(Flight::Running(Box::new(begun))), "an open invocation is {found:?}");
    let of_one =
        || RecordQuery { function: "one".parse().ok(), limit: 10, ..RecordQuery::default() };
    ensure!(list(journal, of_one()).await?.items.is_empty(), "lists what has not ended");

    let ended = record(&scope, "one", 10);
    let last = journal.append(end(ended.clone()))?;
    ensure!(last > first, "marks of a stream do not grow");
    let found = journal.flight(&scope, id).await?;
    ensure!(found == Some(Flight::Ended(Box::new(ended.clone()))), "an ended one is {found:?}");
    ensure!(list(journal, of_one()).await?.items == [ended], "does not list what ended");
    let by = |caller: &str| RecordQuery { caller: caller.parse().ok(), ..of_one() };
    ensure!(list(journal, by("token:shop")).await?.items.len() == 1, "does not find a caller");
    ensure!(list(journal, by("jwt:shop/a")).await?.items.is_empty(), "finds another caller");
    journal.durable(last).await?;
    journal.durable(first).await?;

    let denied = Record { outcome: Outcome::Denied, ..record(&scope, "one", 11) };
    journal.append(end(denied.clone()))?;
    let found = journal.flight(&scope, denied.start.id).await?;
    ensure!(found == Some(Flight::Ended(Box::new(denied))), "an end without a start is {found:?}");
    Ok(())
}

async fn keeps_every_field(journal: &dyn Journal) -> Result<()> {
    let scope = Scope::default();
    let full = full_record(&scope, "full", 20);
    journal.append(end(full.clone()))?;
    journal.append(Entry::Act(b"{}".to_vec()))?;
    let query = RecordQuery { function: "full".parse().ok(), limit: 1, ..RecordQuery::default() };
    ensure!(list(journal, query).await?.items == [full], "a record came back changed");
    let odd = LogLine { cut: true, level: Level::Platform, ..line(&scope, "full", 20, "ä\0\n") };
    journal.append(Entry::Log(odd.clone()))?;
    let query = LogQuery { function: "full".parse().ok(), limit: 1, ..LogQuery::default() };
    ensure!(lines(journal, query).await?.items == [odd], "a line came back changed");
    Ok(())
}

async fn pages_through_records(journal: &dyn Journal) -> Result<()> {
    let scope = tenant("pages");
    let mut expected = Vec::new();
    for number in 100..125 {
        let record = record(&scope, "pages", number);
        expected.insert(0, record.start.id);
        let mark = journal.append(end(record))?;
        if number % 3 == 0 {
            // So that groups of several sizes are on disk.
            journal.durable(mark).await?;
        }
    }
    for limit in [1, 5, 7, 25, 100] {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let query =
                RecordQuery { scope: scope.clone(), before, limit, ..RecordQuery::default() };
            let page = list(journal, query).await?;
            ensure!(page.items.len() <= limit, "a page is too long");
            ensure!(!page.items.is_empty(), "a page of {limit} is empty");
            all.extend(ids(&page));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        ensure!(all == expected, "pages of {limit} are not all records, newest first");
    }
    Ok(())
}

async fn filters_records(journal: &dyn Journal) -> Result<()> {
    let scope = tenant("filters");
    for number in 200..220 {
        let name = if number % 2 == 0 { "even" } else { "odd" };
        let outcome = if number % 5 == 0 { Outcome::Trapped } else { Outcome::Ok };
        journal.append(end(Record { outcome, ..record(&scope, name, number) }))?;
    }
    let all = RecordQuery { scope: scope.clone(), limit: 100, ..RecordQuery::default() };
    let since = Some(start(&scope, "even", 210).start_us);
    let even = "even".parse().ok();
    let cases = [
        (RecordQuery { function: even.clone(), ..all.clone() }, 10),
        (RecordQuery { outcome: Some(Outcome::Trapped), ..all.clone() }, 4),
        (RecordQuery { since, ..all.clone() }, 10),
        (RecordQuery { since, function: even, outcome: Some(Outcome::Trapped), ..all.clone() }, 1),
        (RecordQuery { outcome: Some(Outcome::Cpu), ..all.clone() }, 0),
        (RecordQuery { function: "none".parse().ok(), ..all.clone() }, 0),
        (all, 20),
    ];
    for (query, expected) in cases {
        let text = format!("{query:?}");
        let found = list(journal, query).await?.items.len();
        ensure!(found == expected, "{text} finds {found}, not {expected}");
    }
    Ok(())
}

async fn keeps_scopes_apart(journal: &dyn Journal) -> Result<()> {
    let (mine, theirs) = (tenant("mine"), tenant("theirs"));
    let mut staging = mine.clone();
    staging.environment = "staging".parse()?;
    for (scope, number) in [(&mine, 300), (&theirs, 301), (&staging, 302)] {
        journal.append(end(record(scope, "f", number)))?;
        journal.append(Entry::Log(line(scope, "f", number, "x")))?;
    }
    for (scope, number) in [(&mine, 300), (&theirs, 301), (&staging, 302)] {
        let id = start(scope, "f", number).id;
        let query = RecordQuery { scope: scope.clone(), limit: 9, ..RecordQuery::default() };
        ensure!(ids(&list(journal, query).await?) == [id], "{scope} sees other records");
        let query = LogQuery { scope: scope.clone(), limit: 9, ..LogQuery::default() };
        ensure!(lines(journal, query).await?.items.len() == 1, "{scope} sees other lines");
        for other in [&mine, &theirs, &staging] {
            let found = journal.flight(other, id).await?.is_some();
            ensure!(found == (other == scope), "{other} looks for a flight of {scope}: {found}");
        }
    }
    Ok(())
}

async fn follows_logs(journal: &dyn Journal) -> Result<()> {
    let scope = tenant("follows");
    let query = LogQuery { scope: scope.clone(), limit: 3, ..LogQuery::default() };
    let empty = lines(journal, query.clone()).await?;
    ensure!(empty.items.is_empty(), "sees lines of others");
    for (number, text) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let mark = journal.append(Entry::Log(line(&scope, "f", 400 + number as u64, text)))?;
        if number == 1 {
            journal.durable(mark).await?;
        }
    }
    let newest = lines(journal, query.clone()).await?;
    ensure!(texts(&newest) == ["c", "d", "e"], "the newest lines are {:?}", texts(&newest));

    let first = lines(journal, LogQuery { after: empty.next, ..query.clone() }).await?;
    ensure!(texts(&first) == ["a", "b", "c"], "a follower sees {:?}", texts(&first));
    let rest = lines(journal, LogQuery { after: first.next, ..query.clone() }).await?;
    ensure!(texts(&rest) == ["d", "e"], "a follower goes on with {:?}", texts(&rest));
    let none = lines(journal, LogQuery { after: rest.next, ..query.clone() }).await?;
    ensure!(none.items.is_empty() && none.next.is_some(), "a follower sees a line twice");
    journal.append(Entry::Log(line(&scope, "f", 405, "f")))?;
    let more = lines(journal, LogQuery { after: none.next, ..query.clone() }).await?;
    ensure!(texts(&more) == ["f"], "a follower misses a line");
    let late = lines(journal, LogQuery { after: newest.next, ..query }).await?;
    ensure!(texts(&late) == ["f"], "a follower from the newest lines sees {:?}", texts(&late));
    Ok(())
}

async fn filters_logs(journal: &dyn Journal) -> Result<()> {
    let scope = tenant("loud");
    let levels = [Level::Info, Level::Error, Level::Platform];
    for number in 500..509 {
        let (name, level) = (["f", "g"][number as usize % 2], levels[number as usize % 3]);
        let line = LogLine { level, ..line(&scope, name, number, &number.to_string()) };
        journal.append(Entry::Log(line))?;
    }
    let all = LogQuery { scope: scope.clone(), limit: 100, ..LogQuery::default() };
    let one = start(&scope, "f", 504);
    let cases = [
        (LogQuery { level: Some(Level::Error), ..all.clone() }, 6),
        (LogQuery { level: Some(Level::Platform), ..all.clone() }, 3),
        (LogQuery { function: "g".parse().ok(), ..all.clone() }, 4),
        (LogQuery { invocation: Some(one.id), ..all.clone() }, 1),
        (LogQuery { since: Some(one.start_us), ..all.clone() }, 5),
        (all, 9),
    ];
    for (query, expected) in cases {
        let text = format!("{query:?}");
        let found = lines(journal, query).await?.items.len();
        ensure!(found == expected, "{text} finds {found}, not {expected}");
    }
    Ok(())
}

async fn refuses_foreign_positions(journal: &dyn Journal) -> Result<()> {
    let scope = tenant("pages");
    let records = RecordQuery { scope: scope.clone(), limit: 1, ..RecordQuery::default() };
    let logs = LogQuery { scope, limit: 1, ..LogQuery::default() };
    let of_records = list(journal, records.clone()).await?.next;
    let of_logs = lines(journal, logs.clone()).await?.next;
    let garbage = ["", "0", "-", "../x", "ffffffffffffffffffffff", "\u{7f}é", "1-", "r", "l-1"];
    for text in garbage.map(|text| Some(text.to_owned())).into_iter().chain([of_logs]) {
        let found = journal.records(RecordQuery { before: text.clone(), ..records.clone() }).await;
        ensure!(matches!(found, Err(Error::Position(_))), "records takes {text:?}: {found:?}");
    }
    for text in garbage.map(|text| Some(text.to_owned())).into_iter().chain([of_records]) {
        let found = journal.logs(LogQuery { after: text.clone(), ..logs.clone() }).await;
        ensure!(matches!(found, Err(Error::Position(_))), "logs takes {text:?}: {found:?}");
    }
    Ok(())
}

async fn ends_when_closed(journal: &dyn Journal) -> Result<()> {
    let scope = tenant("last");
    let last = record(&scope, "f", 600);
    journal.append(end(last.clone()))?;
    journal.append(Entry::Start(start(&scope, "f", 601)))?;
    journal.close().await?;
    journal.close().await?;
    for entry in [Entry::Start(start(&scope, "f", 602)), end(last.clone()), Entry::Act(vec![])] {
        ensure!(journal.append(entry).is_err(), "takes an entry after it was closed");
    }
    let query =
        RecordQuery { scope, limit: 10, since: Some(Timestamp(0)), ..RecordQuery::default() };
    ensure!(list(journal, query).await?.items == [last], "closing lost a record");
    Ok(())
}
