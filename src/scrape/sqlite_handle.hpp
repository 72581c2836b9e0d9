// As much of SQLite as the crawler's store needs. All of it blocks: used on pool threads, one at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace eddy::scrape::detail {

/// An open database. Failures throw eddy::error with SQLite's message and the path as peer.
class database {
 public:
  /// Makes the file if there is none.
  explicit database(const std::string& path);
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database();

  void execute(const char* sql);
  [[noreturn]] void fail() const;
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
  std::string path_;
};

/// Rolled back unless committed.
class transaction {
 public:
  explicit transaction(database& on) : on_(on) { on_.execute("BEGIN IMMEDIATE"); }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction();
  void commit();

 private:
  database& on_;
  bool open_ = true;
};

/// A prepared statement. Texts that are bound must live until run() or the last step().
class statement {
 public:
  statement(database& on, const char* sql);
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;
  ~statement();

  void bind(int place, std::string_view text);
  template <std::integral T>
  void bind(int place, T number) {
    bind_number(place, static_cast<std::int64_t>(number));
  }
  /// Runs it to its end; it can then be bound and run again.
  void run();
  /// The next row; false at the end.
  bool step();
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;

 private:
  void bind_number(int place, std::int64_t number);

  database& on_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace eddy::scrape::detail
