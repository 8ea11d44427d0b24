//! What stands before a server, notes what comes, and may refuse what it does not know: a WebSocket.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

pub(super) struct Front {
    pub(super) url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// Before the server of this URL; `refuses`: upgrades are answered with 404.
    pub(super) async fn start(url: &str, refuses: bool) -> Self {
        let rest = url.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/{path}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (host, noted) = (host.to_owned(), heads.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (host, noted) = (host.clone(), noted.clone());
                tokio::spawn(async move { lead(stream, &host, refuses, &noted).await });
            }
        });
        Self { url, heads }
    }

    /// The head of each connection's first request.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// How many asked for a WebSocket.
    pub(super) fn upgrades(&self) -> u64 {
        self.heads().iter().filter(|head| is_upgrade(head)).count() as u64
    }

    /// How many connections did not.
    pub(super) fn others(&self) -> u64 {
        self.heads().len() as u64 - self.upgrades()
    }
}

async fn lead(mut client: TcpStream, host: &str, refuses: bool, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let is_refused = refuses && is_upgrade(&text);
    noted.lock().unwrap().push(text);
    if is_refused {
        return client.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    }
    let mut server = TcpStream::connect(host).await?;
    server.write_all(&head).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

fn is_upgrade(head: &str) -> bool {
    head.to_lowercase().contains("\r\nupgrade: websocket\r\n")
}
