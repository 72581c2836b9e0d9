// The server's side of server-sent events.
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/sse.hpp>

namespace eddy::http {
namespace {

task<void> keep_alive(event_writer& out, duration interval) {
  for (;;) {
    co_await sleep_until(after(out.last_sent(), interval));
    if (now() >= after(out.last_sent(), interval)) co_await out.send_comment();
  }
}

task<void> run_events(body_writer& body, event_handler& run, const std::string& last_id,
                      const future<void>& draining, duration interval) {
  event_writer out(body, last_id, draining);
  co_await out.send_comment();  // the head, before anything happens
  auto serve = [&](task_group& group) -> task<void> {
    if (interval > duration::zero()) group.spawn(keep_alive(out, interval));
    co_await run(out);
    group.cancel();
  };
  co_await with_group(serve);
}

}  // namespace

task<void> event_writer::send(wire::sse::outgoing_event event) {
  std::string text;
  const auto written = wire::sse::write_event(text, event);
  if (!written) throw_error(make_error_code(written.error()), "event");
  return write(std::move(text));
}

task<void> event_writer::send_comment(std::string_view comment) {
  std::string text;
  wire::sse::write_comment(text, comment);
  return write(std::move(text));
}

task<void> event_writer::write(std::string text) {
  const auto held = co_await writing_.lock();
  last_sent_ = coro::scheduler::require().turn_started();
  co_await out_.write(text);
}

response event_stream(request& r, event_handler run, event_stream_options options) {
  if (!run) throw_invalid_input("event_stream without a handler");
  std::string last_id(r.field("Last-Event-ID").value_or(std::string_view()));
  auto made = response::stream(
      "text/event-stream", [run = std::move(run), last_id = std::move(last_id),
                            draining = r.draining(), options](body_writer& body) mutable {
        return run_events(body, run, last_id, draining, options.keep_alive);
      });
  made.set("Cache-Control", "no-cache");
  return made;
}

}  // namespace eddy::http
