//! A forward proxy: tunnels for https, absolute addresses for http.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};
use url::Url;

/// What it was asked for.
#[derive(Clone, Default)]
pub(super) struct Forward {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Forward {
    /// Serves those who send `credentials` as their `Proxy-Authorization`; all, if there are none to send.
    pub(super) fn serve<L: Listener<Addr: Debug>>(mut listener: L, credentials: Option<&'static str>) -> Self {
        let forward = Self::default();
        let serving = forward.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await;
                let serving = serving.clone();
                tokio::spawn(async move { serving.connection(stream, credentials).await });
            }
        });
        forward
    }

    /// The request lines so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    async fn connection<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S, credentials: Option<&str>) {
        let Some(head) = head(&mut stream).await else { return };
        let (line, headers) = head.split_once("\r\n").unwrap();
        self.lines.lock().unwrap().push(line.to_owned());
        let (ours, others): (Vec<&str>, Vec<&str>) =
            headers.lines().partition(|header| header.to_ascii_lowercase().starts_with("proxy-authorization:"));
        let given = ours.first().and_then(|header| header.split_once(": ")).map(|(_, value)| value);
        if credentials.is_some() && given != credentials {
            let answer =
                b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(answer).await;
            return;
        }
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        if method == "CONNECT" {
            let Ok(mut host) = TcpStream::connect(target).await else {
                let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
                return;
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut host).await;
        } else {
            let url = Url::parse(target).unwrap();
            let mut host = TcpStream::connect(&*url.socket_addrs(|| None).unwrap()).await.unwrap();
            let head = format!("{method} {} HTTP/1.1\r\n{}\r\n\r\n", url.path(), others.join("\r\n"));
            host.write_all(head.as_bytes()).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut host).await;
        }
    }
}

/// The request line and the headers, without the empty line after them.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    head.truncate(head.len() - 4);
    String::from_utf8(head).ok()
}
