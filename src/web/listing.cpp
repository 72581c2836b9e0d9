#include "listing.hpp"

#include <algorithm>

#include <eddy/wire/http1_target.hpp>

namespace eddy::web::detail {
namespace {

void append_html(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
}

}  // namespace

std::string escaped_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    wire::http1::encode_percent(path.substr(0, end), out);
    path.remove_prefix(end);
    if (path.empty()) break;
    out += '/';
    path.remove_prefix(1);
  }
  return out;
}

std::string listing_page(std::string_view path, std::vector<fs::directory_entry> entries) {
  std::erase_if(entries, [](const fs::directory_entry& one) {
    const bool shown = one.kind == fs::file_kind::directory || one.kind == fs::file_kind::regular;
    return !shown || one.name.starts_with('.');
  });
  std::ranges::sort(entries, [](const fs::directory_entry& a, const fs::directory_entry& b) {
    const bool a_folder = a.kind == fs::file_kind::directory;
    const bool b_folder = b.kind == fs::file_kind::directory;
    return a_folder != b_folder ? a_folder : a.name < b.name;
  });
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
  append_html(out, path);
  out += "</title></head>\n<body><h1>";
  append_html(out, path);
  out += "</h1>\n<ul>\n";
  if (path != "/") out += "<li><a href=\"../\">../</a></li>\n";
  for (const fs::directory_entry& one : entries) {
    const std::string_view slash = one.kind == fs::file_kind::directory ? "/" : "";
    // "./" in front keeps a name with a colon from being taken for a scheme.
    out.append("<li><a href=\"./").append(escaped_path(one.name)).append(slash).append("\">");
    append_html(out, one.name);
    out.append(slash).append("</a></li>\n");
  }
  return out + "</ul></body></html>\n";
}

}  // namespace eddy::web::detail
