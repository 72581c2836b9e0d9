// An HTTP server with hyper on one thread: hyper_server <port>.
use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server, StatusCode};
use std::convert::Infallible;

// hyper spawns its connections where it is told to; they need not cross threads here.
#[derive(Clone, Copy)]
struct OnThisThread;

impl<F: std::future::Future + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (kind, text) = match request.uri().path() {
        "/plaintext" => ("text/plain", "Hello, World!"),
        "/json" => ("application/json", "{\"message\":\"Hello, World!\"}"),
        _ => {
            let mut missing = Response::new(Body::empty());
            *missing.status_mut() = StatusCode::NOT_FOUND;
            return Ok(missing);
        }
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(kind));
    Ok(response)
}

fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: hyper_server <port>");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let service = make_service_fn(|_| async { Ok::<_, Infallible>(service_fn(answer)) });
        Server::bind(&([127, 0, 0, 1], port).into())
            .http1_pipeline_flush(true)
            .tcp_nodelay(true)
            .executor(OnThisThread)
            .serve(service)
            .await
            .unwrap();
    });
}
