// The HTTP client benchmark: `count` GETs of /plaintext over so many tasks, keep-alive. Prints "rps <number>".
//
//   http_client <port> <count> <concurrency>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <eddy/coro/group.hpp>
#include <eddy/http/client.hpp>
#include <eddy/runtime/run.hpp>

namespace {

struct work {
  std::string url;
  long left = 0;
};

eddy::task<void> ask(eddy::http::client& client, work& shared) {
  while (shared.left-- > 0) {
    auto response = co_await client.get(shared.url);
    co_await response.discard();
    response.raise_for_status();
  }
}

eddy::task<double> measure(std::string url, long count, int concurrency) {
  eddy::http::client_options options;
  options.max_connections = options.max_connections_per_host =
      static_cast<std::size_t>(concurrency);
  eddy::http::client client(options);
  work shared{std::move(url), count};
  const eddy::time_point began = eddy::now();
  auto all = [&](eddy::task_group& group) -> eddy::task<void> {
    for (int i = 0; i < concurrency; ++i) group.spawn(ask(client, shared));
    co_return;
  };
  co_await eddy::with_group(all);
  const std::chrono::duration<double> elapsed = eddy::now() - began;
  co_return static_cast<double>(count) / elapsed.count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s <port> <count> <concurrency>\n", argv[0]);
    return 2;
  }
  const long count = std::strtol(argv[2], nullptr, 10);
  const int concurrency = static_cast<int>(std::strtol(argv[3], nullptr, 10));
  try {
    const std::string url = std::string("http://127.0.0.1:") + argv[1] + "/plaintext";
    std::printf("rps %.0f\n", eddy::run(measure(url, count, concurrency)));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
