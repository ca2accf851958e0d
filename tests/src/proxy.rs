//! A TCP proxy that keeps every byte that crosses it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A running proxy.
pub struct Proxy {
    address: SocketAddr,
    crossed: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Proxy {
    /// Starts a proxy before the server at `target` (`http://HOST:PORT`).
    pub async fn start(target: &str) -> Self {
        let target = target.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let crossed = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&crossed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&target).await else { continue };
                let (client_read, client_write) = client.into_split();
                let (server_read, server_write) = server.into_split();
                tokio::spawn(copy(client_read, server_write, Arc::clone(&kept)));
                tokio::spawn(copy(server_read, client_write, Arc::clone(&kept)));
            }
        });
        Self { address, crossed }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every byte so far, one vector a direction of a connection, in order within it.
    pub fn crossed(&self) -> Vec<Vec<u8>> {
        self.crossed.lock().expect("no test panicked here").clone()
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
) {
    let slot = {
        let mut kept = kept.lock().expect("no test panicked here");
        kept.push(Vec::new());
        kept.len() - 1
    };
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.lock().expect("no test panicked here")[slot].extend_from_slice(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // The other side may be gone already.
    let _ = to.shutdown().await;
}
