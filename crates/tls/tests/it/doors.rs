//! The doors of a node, as small as they can be: the plain one answers challenges, the other one
//! shakes hands.

use crate::pebble::Pebble;
use casemate_tls::Certificates;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Opens both where the directory looks for them.
pub(crate) async fn doors(
    all: &Arc<Certificates>,
    pebble: &Pebble,
) -> Vec<tokio::task::JoinHandle<()>> {
    vec![plain_door(all, pebble.http_port).await, tls_door(all, pebble.tls_port).await]
}

async fn plain_door(all: &Arc<Certificates>, port: u16) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    let challenges = all.challenges();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let host = head.lines().find_map(|line| line.strip_prefix("Host: "));
            let token = path.strip_prefix("/.well-known/acme-challenge/").unwrap_or_default();
            let answer = match challenges.answer(host, token) {
                Some(body) => format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"),
                None => "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n".to_owned(),
            };
            let _the_other_side_may_be_gone = stream.write_all(answer.as_bytes()).await;
        }
    })
}

async fn tls_door(all: &Arc<Certificates>, port: u16) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    let acceptor = tokio_rustls::TlsAcceptor::from(all.server_config());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The gateway too ends such a connection after its handshake.
            let _done = acceptor.accept(stream).await;
        }
    })
}
