//! What the servers have in common.
use tokio::runtime::{Builder, Runtime};

/// The program's arguments: <port> [threads].
pub fn port_and_threads() -> (u16, usize) {
    let mut words = std::env::args().skip(1);
    let port = words.next().and_then(|text| text.parse().ok()).expect("the first argument is no port");
    let threads = words.next().map_or(1, |text| text.parse().expect("the second argument is no number"));
    (port, threads)
}

/// One thread runs everything on itself; more steal work from one another.
pub fn runtime(threads: usize) -> Runtime {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().unwrap()
}
