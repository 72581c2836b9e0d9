// A TCP echo server with Tokio on one thread: tokio_echo <port>.
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).expect("usage: tokio_echo <port>");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    loop {
        let (peer, _) = listener.accept().await?;
        tokio::spawn(echo(peer));
    }
}
