#include "page.hpp"

namespace service {
namespace {

constexpr std::string_view document = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>eddy reference service</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5a6876; --line: #d9e0e6; --card: #fff; --ground: #f4f7f9;
  --accent: #0b6e75; --good: #1c7c3c; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa7b4; --line: #2d3742; --card: #171e26;
  --ground: #0e1318; --accent: #5cc8cf; --good: #6fd08c; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, header { max-width: 60rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em; }
h1 span { color: var(--accent); }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; }
p.lead { color: var(--soft); margin: .25rem 0 0; max-width: 44rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .75rem 1rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .55rem 1rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-size: .85rem; font-weight: 600; }
code, pre { font: .9rem/1.45 ui-monospace, monospace; }
td code { white-space: nowrap; }
a { color: var(--accent); }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
label { display: grid; gap: .2rem; font-size: .85rem; color: var(--soft); }
input { font: inherit; color: inherit; width: 8rem; padding: .4rem .6rem; border: 1px solid var(--line);
  border-radius: .4rem; background: var(--card); }
button { font: inherit; font-weight: 600; padding: .45rem 1.1rem; border: 0; border-radius: .4rem; cursor: pointer;
  background: var(--accent); color: var(--ground); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1rem;
  overflow-x: auto; min-height: 3rem; }
#link { font-size: .85rem; color: var(--soft); }
#link.good { color: var(--good); } #link.bad { color: var(--bad); }
footer { color: var(--soft); font-size: .85rem; padding: 2rem 0 3rem; }
</style>
</head>
<body>
<header>
<h1><span>eddy</span> reference service</h1>
<p class="lead">A small HTTP API on the eddy runtime: coroutines, structured concurrency, one event loop per thread.
This page needs no network but this server.</p>
</header>
<main>
<h2 id="figures">Live figures</h2>
<dl aria-labelledby="figures">
<div><dt>Up for</dt><dd data-figure="uptime">&ndash;</dd></div>
<div><dt>Requests per second</dt><dd data-figure="rate">&ndash;</dd></div>
<div><dt>Requests answered</dt><dd data-figure="requests">&ndash;</dd></div>
<div><dt>Connections</dt><dd data-figure="connections">&ndash;</dd></div>
<div><dt>Tasks alive</dt><dd data-figure="tasks">&ndash;</dd></div>
<div><dt>Loop lag</dt><dd data-figure="lag">&ndash;</dd></div>
<div><dt>Loops</dt><dd data-figure="loops">&ndash;</dd></div>
<div><dt>Driver</dt><dd data-figure="driver">&ndash;</dd></div>
</dl>
<p id="link" role="status">connecting</p>

<h2>Try the benchmark</h2>
<form id="benchmark">
<label for="tasks">Tasks (1 to 10000)<input id="tasks"
  name="tasks" type="number" min="1" max="10000" value="100"></label>
<label for="delay">Delay in ms (0 to 10000)<input id="delay" name="delay_ms" type="number" min="0" max="10000"
  value="100"></label>
<button type="submit">Run</button>
</form>
<pre id="answer" aria-live="polite" tabindex="0" aria-label="Answer of the benchmark">not run yet</pre>

<h2>Endpoints</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Endpoints">
<table>
<thead><tr><th scope="col">Request</th><th scope="col">What it does</th></tr></thead>
<tbody>
<tr><td><code>GET <a href="/api/v1/async-benchmark">/api/v1/async-benchmark</a></code></td>
<td>Starts tasks that sleep at once and measures it. <code>?tasks=</code> and <code>?delay_ms=</code>.</td></tr>
<tr><td><code>POST /api/v1/process-batch</code></td>
<td>Fetches up to 10,000 URLs: <code>[{"url": "http://..."}]</code>. Results in the order of the input.</td></tr>
<tr><td><code>GET <a href="/api/v1/status">/api/v1/status</a></code></td><td>The figures above, as JSON.</td></tr>
<tr><td><code>GET <a href="/health">/health</a></code></td><td>Whether the service is up.</td></tr>
<tr><td><code>GET <a href="/metrics">/metrics</a></code></td><td>Counters and histograms for Prometheus.</td></tr>
<tr><td><code>GET <a href="/debug/tasks">/debug/tasks</a></code></td>
<td>What every task of the loop waits for; from this machine only.</td></tr>
</tbody>
</table>
</div>
<footer>Errors are JSON: <code>{"error": {"status": 404, "message": "..."}}</code></footer>
</main>
<script>
"use strict";
const figures = {};
for (const node of document.querySelectorAll("[data-figure]")) figures[node.dataset.figure] = node;
const link = document.getElementById("link");
const count = new Intl.NumberFormat("en");
let before = null;

function duration(seconds) {
  const parts = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const first = Math.min(3, Math.max(0, parts.findIndex(([size]) => seconds >= size)));
  let rest = Math.floor(seconds);
  return parts.slice(first, first + 2).map(([size, unit]) => {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    return whole + " " + unit;
  }).join(" ");
}

function show(now) {
  figures.uptime.textContent = duration(now.uptime_s);
  figures.requests.textContent = count.format(now.requests);
  figures.connections.textContent = count.format(now.connections);
  figures.tasks.textContent = count.format(now.tasks);
  figures.lag.textContent = now.loop_lag_ms.toFixed(2) + " ms";
  figures.loops.textContent = now.loops;
  figures.driver.textContent = now.driver;
  if (before && now.uptime_s > before.uptime_s) {
    const rate = (now.requests - before.requests) / (now.uptime_s - before.uptime_s);
    figures.rate.textContent = count.format(Math.round(rate));
  }
  before = now;
}

function say(text, kind) {
  if (link.textContent === text) return;
  link.textContent = text;
  link.className = kind;
}

async function poll() {
  try {
    const answer = await fetch("/api/v1/status", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
    say("connected", "good");
  } catch (problem) {
    say("the service does not answer", "bad");
  }
  setTimeout(poll, 1000);
}
poll();

document.getElementById("benchmark").addEventListener("submit", async (event) => {
  event.preventDefault();
  const out = document.getElementById("answer");
  out.textContent = "running";
  try {
    const query = new URLSearchParams(new FormData(event.target));
    const answer = await fetch("/api/v1/async-benchmark?" + query);
    out.textContent = JSON.stringify(await answer.json(), null, 2);
  } catch (problem) {
    out.textContent = "the service does not answer";
  }
});
</script>
</body>
</html>
)html";

}  // namespace

std::string_view page() noexcept { return document; }

}  // namespace service
