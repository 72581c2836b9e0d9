// An HTTP server with hyper: hyper_server <port> [threads]. The routes are those of bench/http_server.cpp.
use hyper::body::{Bytes, HttpBody};
use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server, StatusCode};

const CHUNKS: usize = 1_600;
static CHUNK: [u8; 62_500] = [b'x'; 62_500];

// On one thread hyper's connections need not be able to cross threads.
#[derive(Clone, Copy)]
struct OnThisThread;

impl<F: std::future::Future + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

async fn count(mut upload: Body) -> Result<Response<Body>, hyper::Error> {
    let mut total = 0;
    while let Some(part) = upload.data().await {
        total += part?.len();
    }
    Ok(Response::new(Body::from(total.to_string())))
}

fn chunked() -> Response<Body> {
    let (mut out, body) = Body::channel();
    tokio::spawn(async move {
        for _ in 0..CHUNKS {
            if out.send_data(Bytes::from_static(&CHUNK)).await.is_err() {
                return; // the client has hung up
            }
        }
    });
    Response::new(body)
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, hyper::Error> {
    let (kind, text) = match request.uri().path() {
        "/plaintext" => ("text/plain", "Hello, World!"),
        "/json" => ("application/json", "{\"message\":\"Hello, World!\"}"),
        "/upload" => return count(request.into_body()).await,
        "/chunked" => return Ok(chunked()),
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

async fn serve(port: u16, threads: usize) -> Result<(), hyper::Error> {
    let service = make_service_fn(|_| async { Ok::<_, hyper::Error>(service_fn(answer)) });
    let server = Server::bind(&([127, 0, 0, 1], port).into()).http1_pipeline_flush(true).tcp_nodelay(true);
    if threads == 1 {
        server.executor(OnThisThread).serve(service).await
    } else {
        server.serve(service).await
    }
}

fn main() {
    let (port, threads) = peers::port_and_threads();
    let runtime = peers::runtime(threads);
    tokio::task::LocalSet::new().block_on(&runtime, serve(port, threads)).unwrap();
}
