//! Names and addresses: what is looked up, what is dialled, and what never is.

use crate::dns::Dns;
use crate::rig::{Door, PATIENCE, SOON, Server, get, head, named, ok, open};
use casemate_egress::{Config, Servers};
use ports::outbound::Failure;
use std::net::{IpAddr, Ipv4Addr};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Of loopback, only 127.0.0.2 may be reached: it stands for a public address.
fn only_two(dns: &Dns) -> Config {
    Config { servers: Servers::These(vec![dns.address]), ..named(&["127.0.0.2/32"]) }
}

/// A server at 127.0.0.2 that closes after each reply, and one at 127.0.0.1 on the same port.
async fn both() -> (Server, Server, u16) {
    loop {
        let public = TcpListener::bind((TWO, 0)).await.expect("a port");
        let port = public.local_addr().expect("an address").port();
        let Ok(private) = TcpListener::bind((ONE, port)).await else { continue };
        let say = |text: &'static str| {
            move |mut stream: TcpStream| async move {
                let _ = head(&mut stream).await;
                let reply = ok(text).replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
                stream.write_all(reply.as_bytes()).await.expect("it is sent");
            }
        };
        return (Server::on(public, say("public")), Server::on(private, say("private")), port);
    }
}

#[tokio::test]
async fn a_name_that_answers_differently_the_second_time_is_checked_again() {
    let (public, private, port) = both().await;
    let dns = Dns::start(|_, time| Some((vec![if time == 0 { TWO } else { ONE }], 0))).await;
    let door = Door::new(&only_two(&dns));
    let url = format!("http://rebind.example:{port}/");
    assert_eq!(door.text(&url).await, "public");
    let error = door.get(&url).await.expect_err("it leads to a private address now");
    assert_eq!(error.failure, Failure::Address);
    assert!(error.detail.contains("127.0.0.1 is a loopback address"), "{error}");
    assert_eq!((public.accepted(), private.accepted(), dns.asked()), (1, 0, 2));
}

#[tokio::test]
async fn of_several_addresses_only_those_that_are_permitted_are_dialled() {
    let (public, private, port) = both().await;
    let dns = Dns::fixed(&[ONE.into(), TWO.into(), Ipv4Addr::new(10, 0, 0, 1).into()]).await;
    let door = Door::new(&only_two(&dns));
    for _ in 0..3 {
        assert_eq!(door.text(&format!("http://several.example:{port}/")).await, "public");
    }
    assert_eq!((public.accepted(), private.accepted()), (3, 0));
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_dialled() {
    let (public, private, port) = both().await;
    // Whoever asks a second time for one connection is sent elsewhere.
    let dns = Dns::start(|_, time| Some((vec![if time % 2 == 0 { TWO } else { ONE }], 0))).await;
    let door = Door::new(&only_two(&dns));
    for time in 0..6 {
        let got = door.get(&format!("http://flip.example:{port}/")).await;
        assert_eq!(got.is_ok(), time % 2 == 0, "{got:?}");
    }
    assert_eq!((public.accepted(), private.accepted()), (3, 0));
}

#[tokio::test]
async fn an_address_that_does_not_answer_gives_way_to_the_next() {
    let (public, _private, port) = both().await;
    let three = Ipv4Addr::new(127, 0, 0, 3);
    let dns = Dns::fixed(&[three.into(), TWO.into()]).await;
    let config = Config { servers: Servers::These(vec![dns.address]), ..named(&["127.0.0.2/31"]) };
    let door = Door::new(&config);
    assert_eq!(door.text(&format!("http://next.example:{port}/")).await, "public");
    assert_eq!(public.accepted(), 1);
}

#[tokio::test]
async fn addresses_are_remembered_for_as_long_as_their_server_says() {
    let (_public, _private, port) = both().await;
    let answers =
        |name: &str, _: usize| Some((vec![TWO], if name == "long.example" { 300 } else { 0 }));
    let dns = Dns::start(answers).await;
    let door = Door::new(&only_two(&dns));
    for _ in 0..3 {
        door.text(&format!("http://long.example:{port}/")).await;
    }
    assert_eq!(dns.asked(), 1);
    for _ in 0..3 {
        door.text(&format!("http://short.example:{port}/")).await;
    }
    assert_eq!(dns.asked(), 4);
}

#[tokio::test]
async fn names_without_addresses_and_silent_servers_have_their_failures() {
    let dns = Dns::start(|name, _| (name == "empty.example").then(|| (Vec::new(), 0))).await;
    let door = Door::new(&only_two(&dns));
    assert_eq!(door.failure("http://absent.example/").await, Failure::Name);
    assert_eq!(door.failure("http://empty.example/").await, Failure::Name);
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let servers = vec![silent.local_addr().expect("an address")];
    let config = Config { servers: Servers::These(servers), ..open() };
    let door = Door::limited(&config, |limits| limits.connect = SOON);
    assert_eq!(door.failure("http://late.example/").await, Failure::NameTimeout);
}

#[tokio::test]
async fn names_of_the_systems_own_files_are_checked_too() {
    let door = Door::new(&Config { servers: Servers::System, ..named(&[]) });
    let error = door.get("http://localhost:1/").await.expect_err("it is loopback");
    assert_eq!(error.failure, Failure::Address, "{error}");
}

#[tokio::test]
async fn known_names_are_checked_like_all_others() {
    let (_public, private, port) = both().await;
    let host = |name: &str, address: Ipv4Addr| (name.to_owned(), vec![IpAddr::V4(address)]);
    let hosts = [host("good.example", TWO), host("bad.example", ONE)].into();
    let door = Door::new(&Config { hosts, ..named(&["127.0.0.2/32"]) });
    assert_eq!(door.text(&format!("http://GOOD.example.:{port}/")).await, "public");
    assert_eq!(door.failure(&format!("http://bad.example:{port}/")).await, Failure::Address);
    assert_eq!(private.accepted(), 0);
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_dialled_or_looked_up() {
    let (_public, private, port) = both().await;
    let dns = Dns::fixed(&[ONE.into()]).await;
    let door = Door::new(&Config { servers: Servers::These(vec![dns.address]), ..named(&[]) });
    let all = "127.0.0.1 127.1 127.0.1 0177.0.0.1 0x7f.1 0x7f000001 2130706433 017700000001 \
        127.0.0.1. 0x7f.0x0.0x0.0x1 127.0.0.0x1 0 0.0.0.0 [::] [::1] [::ffff:127.0.0.1] \
        [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::] \
        [fe80::1] [::ffff:0:127.0.0.1] [0:0:0:0:0:ffff:7f00:0001]";
    for host in all.split(' ') {
        let failure = door.failure(&format!("http://{host}:{port}/")).await;
        assert!(matches!(failure, Failure::Address | Failure::Request), "{host}: {failure}");
    }
    assert_eq!((private.accepted(), dns.asked()), (0, 0));
    let cloud = door.get("http://169.254.169.254/latest/meta-data/").await.expect_err("metadata");
    assert!(cloud.detail.contains("169.254.169.254 is a link-local address"), "{cloud}");
}

#[tokio::test]
async fn what_is_named_is_reached_in_its_usual_spelling() {
    let server = Server::says(ok("hello")).await;
    let door = Door::new(&open());
    assert_eq!(door.text(&server.url()).await, "hello");
    let port = server.address.port();
    assert_eq!(door.text(&format!("http://[::ffff:127.0.0.1]:{port}/")).await, "hello");
    assert_eq!(door.failure(&format!("http://0x7f.1:{port}/")).await, Failure::Request);
}

/// Runs the test above in a process whose environment names a proxy for everything.
#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    let proxy = Server::says(ok("from a proxy")).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("a path"));
    child.args(["--exact", "names::what_is_named_is_reached_in_its_usual_spelling"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        child.env(name, proxy.url());
    }
    let output = child.output().await.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.accepted(), 0);
}

#[tokio::test]
async fn a_redirect_is_handed_back_and_asking_again_is_checked() {
    let (public, private, port) = both().await;
    let to = format!("http://127.0.0.1:{port}/admin");
    let reply = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let listener = TcpListener::bind((TWO, 0)).await.expect("a port");
    let redirecting = Server::on(listener, move |mut stream| {
        let reply = reply.clone();
        async move {
            let _ = head(&mut stream).await;
            stream.write_all(reply.as_bytes()).await.expect("it is sent");
        }
    });
    let door = Door::new(&named(&["127.0.0.2/32"]));
    let response = door.get(&redirecting.url()).await.expect("a reply");
    assert_eq!(
        (response.status().as_u16(), &*to),
        (302, response.headers()["location"].to_str().expect("text"))
    );
    assert_eq!(door.failure(&to).await, Failure::Address);
    assert_eq!((public.accepted(), private.accepted()), (0, 0));
}

#[tokio::test]
async fn nobody_listening_is_told_apart_from_nobody_answering() {
    let unused = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", unused.local_addr().expect("an address"));
    drop(unused);
    assert_eq!(Door::new(&open()).failure(&url).await, Failure::Refused);
    // A server that takes the connection and says nothing of TLS.
    let silent = Server::start("127.0.0.1", |stream| async {
        tokio::time::sleep(PATIENCE).await;
        drop(stream);
    });
    let silent = silent.await;
    let ca = crate::tls::Authority::new();
    let door = Door::limited(&ca.trusted(), |limits| limits.connect = SOON);
    let url = format!("https://{}/", silent.address);
    let error = door.send("one", get(&url)).await.expect_err("nobody answers");
    assert_eq!(error.failure, Failure::ConnectTimeout);
}
