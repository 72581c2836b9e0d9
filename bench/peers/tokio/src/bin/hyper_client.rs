// The HTTP client benchmark with hyper on one thread: hyper_client <port> <count> <concurrency>. Prints "rps <number>".
use hyper::{body::HttpBody, Body, Client};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

async fn ask(client: Client<hyper::client::HttpConnector, Body>, url: hyper::Uri, left: Rc<Cell<i64>>) {
    while left.get() > 0 {
        left.set(left.get() - 1);
        let mut response = client.get(url.clone()).await.unwrap();
        assert!(response.status().is_success());
        while let Some(part) = response.body_mut().data().await {
            part.unwrap();
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let count: i64 = words[2].parse().unwrap();
    let concurrency: usize = words[3].parse().unwrap();
    let url: hyper::Uri = format!("http://127.0.0.1:{}/plaintext", words[1]).parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let client = Client::builder().pool_max_idle_per_host(concurrency).build_http();
        let left = Rc::new(Cell::new(count));
        let start = Instant::now();
        let tasks: Vec<_> = (0..concurrency)
            .map(|_| tokio::task::spawn_local(ask(client.clone(), url.clone(), left.clone())))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        println!("rps {:.0}", count as f64 / start.elapsed().as_secs_f64());
    });
}
