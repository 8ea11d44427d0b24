//! A host that is slow in every way, and the end of waiting for it.

use std::time::Instant;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// How a host is slow, once it was connected to.
enum Slow {
    /// It never says a word.
    Silent,
    /// It sends headers and no body.
    AfterHeaders,
    /// It sends a byte each 50 ms.
    Drips,
}

impl Slow {
    async fn start(self, scheme: &str) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("{scheme}://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            self.answer(stream).await
        });
        url
    }

    /// Until the other side has gone.
    async fn answer(self, mut stream: TcpStream) -> std::io::Result<()> {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n";
        if !matches!(self, Self::Silent) {
            stream.write_all(head).await?;
        }
        let mut rest = [0; 1024];
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tokio::select! {
                read = stream.read(&mut rest) => if read? == 0 { return Ok(()) },
                _ = tick.tick(), if matches!(self, Self::Drips) => stream.write_all(b" ").await?,
            }
        }
    }
}

#[tokio::test]
async fn each_wait_has_an_end() {
    const LIMIT: Duration = Duration::from_millis(400);
    const LONG: Duration = Duration::from_secs(60);
    let check = async |slow: Slow, scheme: &str, wire: Wire, sent: bool| {
        let url = slow.start(scheme).await;
        let begun = Instant::now();
        let error = log_in(&url, wire).await.unwrap_err();
        let Error::Transport { sent: was_sent, source } = &error else { panic!("{error:?}") };
        assert_eq!((*was_sent, source.is_timeout()), (sent, true), "{error:?}");
        // The upper bound is for a machine that is busy.
        assert!((LIMIT..LIMIT * 20).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    };
    let long = Wire { connect_timeout: LONG, read_timeout: LONG, total_timeout: LONG, ..Wire::default() };
    let connect = Wire { connect_timeout: LIMIT, ..long.clone() };
    let read = Wire { read_timeout: LIMIT, ..long.clone() };
    let total = Wire { total_timeout: LIMIT, ..long };
    check(Slow::Silent, "https", connect, false).await;
    check(Slow::Silent, "http", read.clone(), true).await;
    check(Slow::AfterHeaders, "http", read, true).await;
    check(Slow::Silent, "http", total.clone(), true).await;
    check(Slow::Drips, "http", total, true).await;
}

#[test]
fn by_default_each_wait_has_an_end() {
    let Wire { connect_timeout, read_timeout, total_timeout, .. } = Wire::default();
    assert_eq!([connect_timeout, read_timeout, total_timeout].map(|limit| limit.as_secs()), [10, 60, 120]);
}
