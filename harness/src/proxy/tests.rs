#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
//! Against servers that send each piece back behind their name.

use super::*;
use crate::until;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

const LIMIT: Duration = Duration::from_secs(10);
/// What has not come by then is taken for not coming.
const QUIET: Duration = Duration::from_millis(150);

async fn server(name: u8) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut piece = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut piece).await {
                    stream.write_all(&[&[name], &piece[..read]].concat()).await.unwrap();
                }
            });
        }
    });
    address
}

async fn client(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// What a server answers to `x`.
async fn asked(stream: &mut TcpStream) -> std::io::Result<u8> {
    stream.write_all(b"x").await?;
    let mut answer = [0; 2];
    timeout(LIMIT, stream.read_exact(&mut answer)).await.unwrap()?;
    assert_eq!(answer[1], b'x');
    Ok(answer[0])
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    stream.write_all(b"x").await.unwrap();
    timeout(QUIET, stream.read_u8()).await.is_err()
}

async fn is_reset(stream: &mut TcpStream) -> bool {
    timeout(LIMIT, stream.read_u8()).await.unwrap().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn it_forwards_and_closes_with_either_end() {
    let proxy = Proxy::start(&server(b'a').await).await.unwrap();
    let mut stream = client(&proxy).await;
    assert_eq!(asked(&mut stream).await.unwrap(), b'a');
    assert_eq!((proxy.accepted(), proxy.open()), (1, 1));
    drop(stream);
    until("it is closed", LIMIT, async || Ok((proxy.open() == 0).then_some(()))).await.unwrap();
}

#[tokio::test]
async fn a_cut_resets_what_is_open_and_nothing_else() {
    let proxy = Proxy::start(&server(b'a').await).await.unwrap();
    let mut streams = [client(&proxy).await, client(&proxy).await];
    for stream in &mut streams {
        asked(stream).await.unwrap();
    }
    assert_eq!(proxy.cut(), 2);
    for stream in &mut streams {
        assert!(is_reset(stream).await);
    }
    assert_eq!(asked(&mut client(&proxy).await).await.unwrap(), b'a');
}

#[tokio::test]
async fn a_black_hole_closes_nothing_and_what_it_took_stays_dead() {
    let proxy = Proxy::start(&server(b'a').await).await.unwrap();
    let mut before = client(&proxy).await;
    asked(&mut before).await.unwrap();
    proxy.blackhole();
    let mut within = client(&proxy).await;
    assert!(is_silent(&mut before).await && is_silent(&mut within).await);
    proxy.heal();
    assert_eq!(asked(&mut client(&proxy).await).await.unwrap(), b'a');
    assert!(is_silent(&mut before).await && is_silent(&mut within).await);
    proxy.cut();
    assert!(is_reset(&mut before).await && is_reset(&mut within).await);
}

#[tokio::test]
async fn pieces_wait_as_long_as_they_are_told_to_each_way() {
    let proxy = Proxy::start(&server(b'a').await).await.unwrap();
    let mut stream = client(&proxy).await;
    asked(&mut stream).await.unwrap();
    proxy.delay(Duration::from_millis(60));
    let begin = Instant::now();
    asked(&mut stream).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn idle_connections_are_cut_and_busy_ones_are_not() {
    let proxy = Proxy::start(&server(b'a').await).await.unwrap();
    let (mut idle, mut busy) = (client(&proxy).await, client(&proxy).await);
    asked(&mut idle).await.unwrap();
    proxy.cut_idle(Some(Duration::from_millis(400)));
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(800) {
        asked(&mut busy).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(is_reset(&mut idle).await);
    assert_eq!(proxy.idle_cuts(), 1);
}

#[tokio::test]
async fn it_refuses_and_vanishes_and_comes_back_at_the_same_address() {
    let proxy = Proxy::start(&server(b'a').await).await.unwrap();
    let mut stream = client(&proxy).await;
    asked(&mut stream).await.unwrap();
    proxy.refuse().await;
    let refused = TcpStream::connect(proxy.address()).await;
    assert!(refused.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused));
    proxy.vanish().await.unwrap();
    assert!(timeout(QUIET, TcpStream::connect(proxy.address())).await.is_err());
    assert_eq!(asked(&mut stream).await.unwrap(), b'a', "what was open stays");
    proxy.listen().await.unwrap();
    assert_eq!(asked(&mut client(&proxy).await).await.unwrap(), b'a');
}

#[tokio::test]
async fn a_changed_address_holds_for_connections_to_come() {
    let proxy = Proxy::start(&server(b'a').await).await.unwrap();
    let mut before = client(&proxy).await;
    asked(&mut before).await.unwrap();
    proxy.lead_to(&server(b'b').await);
    assert_eq!(asked(&mut client(&proxy).await).await.unwrap(), b'b');
    assert_eq!(asked(&mut before).await.unwrap(), b'a');
}
