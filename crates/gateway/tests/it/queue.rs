//! Connections that nobody has accepted yet.

use casemate_gateway::Config;
use std::time::Duration;

#[test]
fn connections_in_the_kernels_queue_are_served() {
    for _ in 0..20 {
        let mut theatre = super::open(Config { workers: 1, ..Config::default() });
        let mut clients: Vec<_> = (0..40)
            .map(|_| {
                let mut client = theatre.connect();
                client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
                client
            })
            .collect();
        let handle = theatre.handle.take().unwrap();
        let drained = std::thread::spawn(move || block_on(handle));
        for client in &mut clients {
            assert_eq!(client.reply().unwrap().text(), "hello");
        }
        drop(clients);
        assert_eq!(drained.join().unwrap().aborted, 0);
        assert_eq!(theatre.targets().len(), 40);
    }
}

fn block_on(handle: casemate_gateway::Handle) -> casemate_gateway::Drained {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(handle.drain(Duration::from_secs(20)))
}
