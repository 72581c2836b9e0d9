// The workloads of bench/core.cpp with Tokio on one thread: tokio_core w1|w2|w3|w4|w10, N operations.
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

fn operations() -> u64 {
    std::env::var("N").ok().and_then(|given| given.parse().ok()).unwrap_or(1_000_000)
}

fn per_operation(start: Instant, count: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / count as f64
}

fn report(metric: &str, value: f64) {
    println!("{metric} {value:.3}");
}

async fn leaf(i: u64) -> u64 {
    unsafe { std::ptr::read_volatile(&i) } // or the whole loop would be computed by the compiler
}

async fn calls_and_spawns() {
    let n = operations();
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..n {
        sum += leaf(i).await;
    }
    report("call_ns", per_operation(start, n));

    let start = Instant::now();
    for i in 0..n {
        sum += tokio::spawn(leaf(i)).await.unwrap();
    }
    report("spawn_join_ns", per_operation(start, n));

    let start = Instant::now();
    for _ in 0..n / 1000 {
        let handles: Vec<JoinHandle<u64>> = (0..1000).map(|i| tokio::spawn(leaf(i))).collect();
        for handle in handles {
            sum += handle.await.unwrap();
        }
    }
    report("batch_ns", per_operation(start, n));
    if sum == 1 {
        println!(); // the sums are needed
    }
}

async fn yield_often(n: u64) {
    for _ in 0..n {
        tokio::task::yield_now().await;
    }
}

async fn switches() {
    let n = operations();
    let (there, mut there_end) = mpsc::channel::<u64>(1);
    let (back, mut back_end) = mpsc::channel::<u64>(1);
    let partner = tokio::spawn(async move {
        while let Some(value) = there_end.recv().await {
            back.send(value).await.unwrap();
        }
    });
    let start = Instant::now();
    for i in 0..n {
        there.send(i).await.unwrap();
        back_end.recv().await.unwrap();
    }
    report("chan_ns", per_operation(start, n));
    drop(there);
    partner.await.unwrap();

    let other = tokio::spawn(yield_often(n));
    let start = Instant::now();
    yield_often(n).await;
    other.await.unwrap();
    report("yield_ns", per_operation(start, 2 * n));
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

async fn timers() {
    let mut state: u64 = 88172645463325252; // the same delays for every program
    let mut longest = 0;
    let start = Instant::now();
    let handles: Vec<JoinHandle<()>> = (0..100_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let ms = 1 + u64::from((state >> 11) as u32 % 100);
            longest = longest.max(ms);
            tokio::spawn(tokio::time::sleep(Duration::from_millis(ms)))
        })
        .collect();
    for handle in handles {
        handle.await.unwrap();
    }
    report("sleep_over_ms", start.elapsed().as_secs_f64() * 1e3 - longest as f64);

    let n = operations();
    let mut ring: Vec<_> = (0..10_000).map(|_| Box::pin(tokio::time::sleep(Duration::from_secs(10)))).collect();
    let nobody = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&nobody);
    let start = Instant::now();
    for i in 0..n {
        let timer = &mut ring[(i % 10_000) as usize];
        timer.as_mut().reset(tokio::time::Instant::now() + Duration::from_secs(10));
        // Armed where it is first polled.
        let _ = timer.as_mut().poll(&mut context);
    }
    report("timer_cc_ns", per_operation(start, n));
}

async fn sleeps() {
    for (count, length, metric) in [(1000, 1, "g1000x1_ms"), (100, 100, "g100x100_ms")] {
        let start = Instant::now();
        let handles: Vec<_> =
            (0..count).map(|_| tokio::spawn(tokio::time::sleep(Duration::from_millis(length)))).collect();
        for handle in handles {
            handle.await.unwrap();
        }
        report(metric, start.elapsed().as_secs_f64() * 1e3);
    }
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

async fn memory() {
    let mut handles = Vec::with_capacity(100_000);
    let before = resident_bytes();
    for _ in 0..100_000 {
        handles.push(tokio::spawn(tokio::time::sleep(Duration::from_secs(10))));
    }
    yield_often(4).await;
    report("bytes_per_task", (resident_bytes() - before) / 100_000.0);
    std::process::exit(0);
}

fn main() {
    let workload = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        match workload.as_str() {
            "w1" => calls_and_spawns().await,
            "w2" => switches().await,
            "w3" => timers().await,
            "w4" => sleeps().await,
            "w10" => memory().await,
            _ => {}
        }
    });
}
