// A generator gives values one after another and may wait in between.
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <eddy/eddy.hpp>

using namespace std::chrono_literals;

// Pages of a listing, fetched only as they are asked for.
eddy::async_generator<std::vector<std::string>> pages(int count) {
  for (int page = 1; page <= count; ++page) {
    co_await eddy::sleep(2ms);  // the round trip
    std::vector<std::string> items;
    for (int i = 0; i < 3; ++i)
      items.push_back("item " + std::to_string(page) + "." + std::to_string(i));
    co_yield items;
  }
}

eddy::async_generator<std::string> items(int page_count) {
  auto source = pages(page_count);
  while (auto page = co_await source.next()) {
    for (auto& item : *page) co_yield std::move(item);
  }
}

eddy::task<int> async_main() {
  int seen = 0;
  auto all = items(100);
  while (auto item = co_await all.next()) {
    std::cout << *item << '\n';
    if (++seen == 7) break;  // the remaining pages are never fetched
  }
  co_return seen == 7 ? 0 : 1;
}

int main() { return eddy::run(async_main()); }
