// What bench/growth.cpp measures of tasks and timers, with Tokio on one thread: tokio_growth tasks|timers. Lines
// "kind count nanoseconds", the median of five rounds.
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const ROUNDS: usize = 5;
const COUNTS: [usize; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

fn report(kind: &str, count: usize, mut each: Vec<f64>) {
    each.sort_by(f64::total_cmp);
    println!("{kind} {count} {:.1}", each[each.len() / 2]);
}

fn per_unit(start: Instant, units: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / units as f64
}

#[derive(Default)]
struct Gate {
    waiting: AtomicUsize,
    open: Notify,
}

async fn wait_for(gate: Arc<Gate>) {
    let opened = gate.open.notified();
    gate.waiting.fetch_add(1, Ordering::Relaxed);
    opened.await;
}

async fn wake_all(count: usize) {
    let gate = Arc::new(Gate::default());
    let handles: Vec<JoinHandle<()>> = (0..count).map(|_| tokio::spawn(wait_for(gate.clone()))).collect();
    while gate.waiting.load(Ordering::Relaxed) < count {
        tokio::task::yield_now().await;
    }
    gate.open.notify_waiters();
    for handle in handles {
        handle.await.unwrap();
    }
}

async fn tasks() {
    for count in COUNTS {
        let times = (200_000 / count).max(1);
        let mut each = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for _ in 0..times {
                wake_all(count).await;
            }
            each.push(per_unit(start, times * count));
        }
        report("tasks", count, each);
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

async fn timers() {
    const OPERATIONS: usize = 1_000_000;
    let nobody = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&nobody);
    for count in COUNTS {
        let mut armed: Vec<_> = (0..count).map(|_| Box::pin(tokio::time::sleep(Duration::from_secs(1)))).collect();
        let mut random: u64 = 88172645463325252;
        let mut rearm = |number: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let delay = Duration::from_millis(1_000 + random % 100_000);
            armed[number].as_mut().reset(tokio::time::Instant::now() + delay);
            let _ = armed[number].as_mut().poll(&mut context); // armed where it is polled
        };
        (0..count).for_each(&mut rearm);
        let mut each = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            (0..OPERATIONS).for_each(|i| rearm(i % count));
            each.push(per_unit(start, OPERATIONS));
        }
        report("timers", count, each);
    }
}

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match kind.as_str() {
        "tasks" => runtime.block_on(tasks()),
        "timers" => runtime.block_on(timers()),
        _ => eprintln!("usage: tokio_growth tasks|timers"),
    }
}
