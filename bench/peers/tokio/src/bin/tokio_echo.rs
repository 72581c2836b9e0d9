// A TCP echo server with Tokio: tokio_echo <port> [threads].
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut peer: TcpStream) -> std::io::Result<()> {
    peer.set_nodelay(true)?;
    let mut buffer = [0u8; 4096];
    loop {
        let received = peer.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        peer.write_all(&buffer[..received]).await?;
    }
}

async fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (peer, _) = listener.accept().await?;
        tokio::spawn(echo(peer));
    }
}

fn main() -> std::io::Result<()> {
    let (port, threads) = peers::port_and_threads();
    peers::runtime(threads).block_on(async move { tokio::spawn(serve(port)).await.unwrap() })
}
