#include "crawl_record.hpp"

#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <eddy/http/json.hpp>
#include <eddy/scrape/crawl_store.hpp>

namespace eddy::scrape {
namespace {

namespace json = boost::json;

/// Writes one object, member by member: results are many, and their texts long.
class object_writer {
 public:
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    begin(name);
    http::append_json_string(out_, value);
  }
  void number(std::string_view name, std::uint64_t value) {
    begin(name);
    out_ += std::to_string(value);
  }
  void flag(std::string_view name, bool value) {
    if (!value) return;
    begin(name);
    out_ += "true";
  }
  void raw(std::string_view name, std::string_view value) {
    begin(name);
    out_ += value;
  }
  std::string take() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  void begin(std::string_view name) {
    out_ += out_.empty() ? "{\"" : ",\"";
    out_ += name;
    out_ += "\":";
  }
  std::string out_;
};

/// Each as [url, depth, redirects, whether it is a sitemap].
std::string entries_to_json(std::span<const crawl_entry> entries) {
  std::string out = "[";
  for (const crawl_entry& each : entries) {
    if (out.size() > 1) out += ',';
    out += '[';
    http::append_json_string(out, each.url);
    out += "," + std::to_string(each.depth) + "," + std::to_string(each.redirects) +
           (each.sitemap ? ",true]" : ",false]");
  }
  return out + "]";
}

std::string text_of(const json::value& value) {
  const json::string& text = value.as_string();
  return {text.data(), text.size()};
}

crawl_entry entry_of(const json::value& value) {
  const json::array& parts = value.as_array();
  crawl_entry entry;
  entry.url = text_of(parts.at(0));
  entry.depth = parts.at(1).to_number<std::uint32_t>();
  entry.redirects = parts.at(2).to_number<std::uint32_t>();
  entry.sitemap = parts.at(3).as_bool();
  return entry;
}

}  // namespace

std::string detail::links_to_json(const std::vector<html_link>& links) {
  std::string out = "[";
  for (const html_link& link : links) {
    if (out.size() > 1) out += ',';
    http::append_json_string(out, link.url);
  }
  return out + "]";
}

std::string detail::meta_to_json(const std::vector<std::pair<std::string, std::string>>& meta) {
  json::object all;
  for (const auto& [name, content] : meta) all.emplace(name, content);
  return http::to_json(json::value(std::move(all)));
}

std::optional<detail::crawl_record> detail::parse_record(std::string_view line) {
  try {
    const json::value read = json::parse(json::string_view(line.data(), line.size()));
    crawl_record record;
    record.url = text_of(read.at("url"));
    for (const json::value& each : read.at("found").as_array()) {
      record.found.push_back(entry_of(each));
    }
    return record;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string to_json_line(const crawl_result& result, std::span<const crawl_entry> found) {
  object_writer out;
  out.text("url", result.entry.url);
  out.number("depth", result.entry.depth);
  out.text("outcome", to_string(result.outcome));
  out.number("status", static_cast<std::uint64_t>(result.status));
  out.text("error", result.error);
  out.text("location", result.location);
  out.text("type", result.content_type);
  out.text("encoding", result.encoding);
  out.number("bytes", result.bytes);
  out.number("ms", static_cast<std::uint64_t>(result.elapsed / std::chrono::milliseconds(1)));
  out.number("attempts", result.attempts);
  const html_page& page = result.page;
  out.text("title", page.title);
  out.text("text", page.text);
  out.text("language", page.language);
  out.text("canonical", page.canonical);
  out.flag("noindex", page.noindex);
  out.flag("nofollow", page.nofollow);
  if (!page.meta.empty()) out.raw("meta", detail::meta_to_json(page.meta));
  if (!page.links.empty()) out.raw("links", detail::links_to_json(page.links));
  out.raw("found", entries_to_json(found));
  return out.take();
}

}  // namespace eddy::scrape
