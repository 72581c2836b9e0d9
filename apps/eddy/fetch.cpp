#include "fetch.hpp"

#include "progress.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/fs/paths.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/download.hpp>
#include <eddy/http/json.hpp>
#include <eddy/resilience/retry.hpp>
#include <eddy/runtime/loop.hpp>

namespace command {
namespace {

namespace http = eddy::http;

/// What became of one URL.
struct outcome {
  std::string url;
  std::string final_url;  // after redirects
  int status = 0;         // 0: no response
  std::string type;
  std::string path;  // where it is to go; empty: nowhere
  std::string file;  // where it is
  std::string error;
  std::uint64_t bytes = 0;
  std::uint32_t attempts = 0;
  eddy::duration elapsed{};

  /// A file that was whole already, but for its name, ends with 416.
  [[nodiscard]] bool ok() const {
    return error.empty() && (http::is_success(status) || !file.empty());
  }
};

std::string to_json(const outcome& of) {
  std::string out = "{\"url\":";
  http::append_json_string(out, of.url);
  const auto text = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += ",\"" + std::string(name) + "\":";
    http::append_json_string(out, value);
  };
  if (of.final_url != of.url) text("final_url", of.final_url);
  out += ",\"status\":" + std::to_string(of.status) + ",\"bytes\":" + std::to_string(of.bytes) +
         ",\"ms\":" + std::to_string(of.elapsed / std::chrono::milliseconds(1)) +
         ",\"attempts\":" + std::to_string(of.attempts);
  text("type", of.type);
  text("file", of.file);
  text("error", of.error);
  return out + "}";
}

std::string to_text(const outcome& of) {
  const std::string what = of.error.empty() ? std::to_string(of.status) : "failed";
  return what + "  " + std::to_string(of.bytes) + " B  " +
         std::to_string(of.elapsed / std::chrono::milliseconds(1)) + " ms  " + of.url +
         (of.error.empty() ? "" : "  " + of.error);
}

http::client_options client_options_of(const fetch_options& options) {
  http::client_options how;
  how.max_connections = options.concurrency;
  how.max_connections_per_host = options.concurrency;
  how.timeouts.total = options.timeout;
  how.user_agent = "eddy-fetch/0.1";
  return how;
}

class fetch_command {
 public:
  explicit fetch_command(const fetch_options& options)
      : options_(options), client_(client_options_of(options)), all_(options.urls.size()) {}

  eddy::task<int> run() {
    auto body = [&](eddy::task_group& group) -> eddy::task<void> {
      if (progress_.shown()) group.spawn(show_progress());
      auto each = [&](const std::string& url) { return one(url); };
      eddy::gather_each_options at_once;
      at_once.limit = options_.concurrency;
      co_await eddy::gather_each(options_.urls, each, at_once);
      group.cancel();
    };
    co_await eddy::with_group(body);
    co_return failed_ == 0 ? 0 : 1;
  }

 private:
  eddy::task<void> show_progress() {
    for (;;) {
      progress_.show(bar(done_, all_) + " " + std::to_string(done_) + "/" + std::to_string(all_) +
                     "  " + std::to_string(bytes_ / 1024) + " KiB");
      co_await eddy::sleep(std::chrono::milliseconds(100));
    }
  }

  eddy::task<void> one(std::string url) {
    outcome got;
    got.url = url;
    if (!options_.output.empty()) got.path = options_.output + "/" + file_name(url);
    auto attempt = [&] { return try_once(got); };
    auto accepted = [](int status) { return status != 429 && status < 500; };
    const eddy::retry_policy policy = eddy::retry_policy().attempts(options_.retries + 1);
    const auto ended = co_await eddy::as_result(eddy::retry(policy, attempt, accepted));
    if (ended.is_cancelled()) throw eddy::cancelled(ended.cancellation());
    if (ended.has_error()) describe(ended.error(), got);
    report(got);
  }

  static void describe(const std::exception_ptr& failure, outcome& into) {
    try {
      std::rethrow_exception(failure);
    } catch (const eddy::not_accepted<int>&) {
      // The last answer is the outcome, whatever its status.
    } catch (const std::exception& problem) {
      into.error = problem.what();
    }
  }

  void report(const outcome& got) {
    ++done_;
    if (!got.ok()) ++failed_;
    progress_.clear();
    write_line(output_is_terminal() ? to_text(got) : to_json(got));
  }

  /// Gives the status.
  eddy::task<int> try_once(outcome& got) {
    ++got.attempts;
    const eddy::time_point began = eddy::now();
    if (got.path.empty()) {
      co_await look(got);
    } else {
      co_await save(got);
    }
    got.elapsed = eddy::now() - began;
    co_return got.status;
  }

  eddy::task<void> look(outcome& got) {
    http::client_response response = co_await client_.get(got.url);
    got.status = response.status();
    got.final_url = response.url();
    got.type = std::string(response.fields().find("Content-Type").value_or(""));
    got.bytes = 0;
    co_await read(response, got);
  }

  /// As the library does it: under its name once it is whole, and going on where an earlier attempt or run broke off.
  eddy::task<void> save(outcome& got) {
    http::request_spec spec("GET", got.url);
    spec.timeouts.total = options_.timeout;
    http::download_options how;
    how.resumptions = 0;  // these attempts are counted here
    how.progress = [&](std::uint64_t received, std::optional<std::uint64_t>) {
      bytes_ += received - std::min(got.bytes, received);
      got.bytes = received;
    };
    try {
      auto done = co_await http::download_file(client_, std::move(spec), got.path, std::move(how));
      got.status = done.status;
      got.final_url = done.url;
      got.type = std::string(done.fields.find("Content-Type").value_or(""));
      got.bytes = done.size;
      got.file = got.path;
    } catch (const http::status_error& e) {
      got.status = e.status();
    }
  }

  eddy::task<void> read(http::client_response& response, outcome& got) {
    std::array<std::byte, 65536> piece;
    for (;;) {
      const std::size_t count = co_await response.read_some(piece);
      if (count == 0) co_return;
      got.bytes += count;
      bytes_ += count;
    }
  }

  /// The URL with what a file name cannot have replaced; another one of the same name gets a number.
  std::string file_name(std::string_view url) {
    constexpr std::size_t longest = 200;
    if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
      url.remove_prefix(scheme + 3);
    }
    std::string name;
    for (const char c : url.substr(0, longest)) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || (c == '.' && !name.empty());
      name += plain ? c : '_';
    }
    std::string chosen = name;
    for (int number = 2; !names_.insert(chosen).second; ++number)
      chosen = name + "-" + std::to_string(number);
    return chosen;
  }

  const fetch_options& options_;
  http::client client_;
  progress_line progress_;
  std::set<std::string> names_;
  std::size_t all_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

eddy::task<int> fetch(fetch_options options) {
  if (!options.output.empty()) {
    const bool there = co_await eddy::fs::exists(options.output);
    if (!there) co_await eddy::fs::create_directory(options.output);
  }
  fetch_command command(options);
  co_return co_await command.run();
}

}  // namespace command
