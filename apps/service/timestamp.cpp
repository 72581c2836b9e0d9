#include "timestamp.hpp"

#include <chrono>
#include <cstdio>

#include <eddy/coro/scheduler.hpp>

namespace service {

std::string timestamp() {
  using namespace std::chrono;
  const auto at = floor<milliseconds>(eddy::coro::scheduler::require().time_source().calendar());
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(at - day);
  char text[40];
  const int size = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace service
