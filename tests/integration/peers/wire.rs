//! A WebSocket without a library (RFC 6455): what is sent is what the test says, whole frames only.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::scene::LIMIT;

pub(super) struct Socket(TcpStream);

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Text(String),
    Close(u16),
    /// The connection ended without a close frame.
    End,
    Other(u8),
}

impl Socket {
    /// Opens one at `http://HOST/PATH`; the status line where the server refuses.
    pub(super) async fn open(url: &str) -> Result<Self, String> {
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let request = format!(
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tokio::time::timeout(LIMIT, stream.read_u8()).await.unwrap().unwrap());
        }
        let status = String::from_utf8(head).unwrap().lines().next().unwrap().to_owned();
        if status.contains(" 101 ") { Ok(Self(stream)) } else { Err(status) }
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes()).await;
    }

    /// Says goodbye, with code 1000.
    pub(super) async fn say_goodbye(&mut self) {
        self.send(CLOSE, &1000_u16.to_be_bytes()).await;
    }

    async fn send(&mut self, kind: u8, payload: &[u8]) {
        const MASK: [u8; 4] = [7, 1, 9, 3];
        let mut frame = vec![0x80 | kind];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length @ ..65_536 => frame.extend([&[0x80 | 126][..], &(length as u16).to_be_bytes()].concat()),
            length => frame.extend([&[0x80 | 127][..], &(length as u64).to_be_bytes()].concat()),
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.0.write_all(&frame).await.unwrap();
    }

    pub(super) async fn hear(&mut self) -> Frame {
        tokio::time::timeout(LIMIT, self.read()).await.expect("a frame comes").unwrap_or(Frame::End)
    }

    async fn read(&mut self) -> std::io::Result<Frame> {
        let kind = self.0.read_u8().await? & 0x0f;
        let length = match self.0.read_u8().await? {
            126 => usize::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await? as usize,
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await?;
        Ok(match kind {
            TEXT => Frame::Text(String::from_utf8(payload).unwrap()),
            CLOSE => Frame::Close(payload.get(..2).map_or(1005, |code| u16::from_be_bytes([code[0], code[1]]))),
            other => Frame::Other(other),
        })
    }
}

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
