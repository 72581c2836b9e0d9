#include "page_reader.hpp"

#include "ascii.hpp"
#include "utf8.hpp"

#include <utility>

#include <eddy/scrape/encoding.hpp>
#include <eddy/scrape/sitemap.hpp>

namespace eddy::scrape::detail {
namespace {

enum class format : std::uint8_t { html, text, xml, other };

format format_of(std::string_view content_type, std::string_view body) {
  const auto type = http::media_type::parse(content_type);
  if (!type) return trim(body.substr(0, 1024)).starts_with('<') ? format::html : format::other;
  if (type->is("text", "html") || type->is("application", "xhtml+xml")) return format::html;
  if (type->is("text", "plain")) return format::text;
  const bool xml = type->is(type->type(), "xml") || type->subtype().ends_with("+xml");
  return xml ? format::xml : format::other;
}

class reader {
 public:
  reader(crawl_result result, const web_url& url, const crawl_options& options)
      : url_(url), options_(options) {
    reading_.result = std::move(result);
  }

  page_reading read(const fetched& got) {
    if (http::is_redirection(got.status)) {
      read_redirect(got);
    } else if (http::is_success(got.status)) {
      reading_.result.outcome = crawl_outcome::page;
      read_body(got);
    } else {
      reading_.result.outcome = crawl_outcome::http_error;
    }
    return std::move(reading_);
  }

 private:
  void add_lead(web_url url, std::uint32_t depth, std::uint32_t redirects, bool sitemap) {
    crawl_entry entry;
    entry.url = url.text();
    entry.depth = depth;
    entry.redirects = redirects;
    entry.sitemap = sitemap;
    reading_.leads.push_back({std::move(url), std::move(entry)});
  }

  void read_redirect(const fetched& got) {
    crawl_result& result = reading_.result;
    result.outcome = crawl_outcome::redirect;
    auto target = url_.resolve(got.field("Location"));
    if (!got.fields.contains("Location") || !target) return;
    result.location = target->text();
    if (result.entry.redirects < options_.max_redirects) {
      add_lead(std::move(*target), result.entry.depth, result.entry.redirects + 1,
               result.entry.sitemap);
    }
  }

  void read_body(const fetched& got) {
    crawl_result& result = reading_.result;
    const format kind = format_of(result.content_type, got.body);
    if (result.entry.sitemap || kind == format::xml) {
      if (const auto map = parse_sitemap(got.body)) return read_sitemap(*map);
    }
    if (kind != format::html && kind != format::text) return;
    result.encoding = detect_encoding(got.body, result.content_type);
    std::string text = to_utf8(got.body, result.encoding);
    if (kind == format::text) {
      shorten_utf8(text, options_.html.max_text);
      result.page.text = std::move(text);
      return;
    }
    result.page = parse_html(text, url_, options_.html);
    const robots_words words = parse_robots_words(got.field("X-Robots-Tag"));
    result.page.noindex |= words.noindex;
    result.page.nofollow |= words.nofollow;
    follow_links();
  }

  void follow_links() {
    const crawl_result& result = reading_.result;
    if (result.entry.depth >= options_.max_depth) return;
    if (options_.respect_nofollow && result.page.nofollow) return;
    for (const html_link& link : result.page.links) {
      if (options_.respect_nofollow && link.nofollow) continue;
      if (auto url = web_url::parse(link.url))
        add_lead(std::move(*url), result.entry.depth + 1, 0, false);
    }
  }

  void read_sitemap(const sitemap& map) {
    for (const sitemap_entry& each : map.entries) {
      if (auto url = url_.resolve(each.url)) add_lead(std::move(*url), 0, 0, map.is_index);
    }
  }

  const web_url& url_;
  const crawl_options& options_;
  page_reading reading_;
};

}  // namespace

page_reading read_page(crawl_entry entry, const web_url& url, fetched got, std::uint32_t attempts,
                       const crawl_options& options) {
  crawl_result result;
  result.entry = std::move(entry);
  result.status = got.status;
  result.content_type = got.field("Content-Type");
  result.bytes = got.bytes;
  result.attempts = attempts;
  result.elapsed = got.elapsed;
  page_reading reading = reader(std::move(result), url, options).read(got);
  if (options.keep_body) reading.result.body = std::move(got.body);
  return reading;
}

}  // namespace eddy::scrape::detail
