#include "sqlite_handle.hpp"

#include <utility>

#include <sqlite3.h>

#include <eddy/base/error.hpp>

namespace eddy::scrape::detail {
namespace {

std::error_code code_of(int sqlite_code) {
  switch (sqlite_code & 0xFF) {
    case SQLITE_NOTADB: return errc::invalid_input;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return errc::busy;
    case SQLITE_FULL: return std::make_error_code(std::errc::no_space_on_device);
    case SQLITE_CANTOPEN: return std::make_error_code(std::errc::no_such_file_or_directory);
    default: return std::make_error_code(std::errc::io_error);
  }
}

}  // namespace

database::database(const std::string& path) : path_(path) {
  if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) {
    const error failure(code_of(sqlite3_errcode(handle_)), "sqlite: open", path_);
    sqlite3_close(handle_);
    throw failure;
  }
}

database::~database() { sqlite3_close(handle_); }

void database::fail() const {
  throw error(code_of(sqlite3_errcode(handle_)), "sqlite: " + std::string(sqlite3_errmsg(handle_)),
              path_);
}

void database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

transaction::~transaction() {
  if (open_) sqlite3_exec(on_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void transaction::commit() {
  on_.execute("COMMIT");
  open_ = false;
}

statement::statement(database& on, const char* sql) : on_(on) {
  if (sqlite3_prepare_v2(on.handle(), sql, -1, &handle_, nullptr) != SQLITE_OK) on.fail();
}

statement::~statement() { sqlite3_finalize(handle_); }

void statement::bind(int place, std::string_view text) {
  const char* const data = text.data() == nullptr ? "" : text.data();  // null would be SQL's NULL
  if (sqlite3_bind_text64(handle_, place, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) !=
      SQLITE_OK) {
    on_.fail();
  }
}

void statement::bind_number(int place, std::int64_t number) {
  if (sqlite3_bind_int64(handle_, place, number) != SQLITE_OK) on_.fail();
}

bool statement::step() {
  const int result = sqlite3_step(handle_);
  if (result != SQLITE_ROW && result != SQLITE_DONE) on_.fail();
  return result == SQLITE_ROW;
}

void statement::run() {
  while (step()) {
  }
  sqlite3_reset(handle_);
}

std::string statement::text(int column) const {
  const auto* const data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::int64_t statement::number(int column) const { return sqlite3_column_int64(handle_, column); }

}  // namespace eddy::scrape::detail
