#include <eddy/scrape/encoding.hpp>

#include "ascii.hpp"
#include "utf8.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include <iconv.h>

#include <eddy/base/error.hpp>
#include <eddy/http/message.hpp>

namespace eddy::scrape {
namespace {

struct encoding {
  std::string_view name;  // the standard's, in lower case
  const char* iconv;      // what iconv calls the superset that browsers mean; null: no iconv needed
  std::string_view labels;  // further ones, between spaces
};

constexpr std::array encodings{
    encoding{"utf-8", nullptr, " utf8 unicode-1-1-utf-8 x-unicode20utf8 "},
    encoding{"windows-1252", "CP1252",
             " iso-8859-1 iso8859-1 iso_8859-1 iso88591 latin1 latin-1 l1 ascii us-ascii "
             "ansi_x3.4-1968 cp1252 "
             "cp819 ibm819 x-cp1252 "},
    encoding{"utf-16le", "UTF-16LE", " utf-16 unicode ucs-2 iso-10646-ucs-2 csunicode "},
    encoding{"utf-16be", "UTF-16BE", " unicodefffe "},
    encoding{"iso-8859-2", "ISO-8859-2", " iso8859-2 iso_8859-2 iso88592 latin2 l2 "},
    encoding{"iso-8859-3", "ISO-8859-3", " iso8859-3 iso88593 latin3 l3 "},
    encoding{"iso-8859-4", "ISO-8859-4", " iso8859-4 iso88594 latin4 l4 "},
    encoding{"iso-8859-5", "ISO-8859-5", " iso8859-5 iso88595 cyrillic "},
    encoding{"iso-8859-6", "ISO-8859-6", " iso8859-6 iso88596 arabic asmo-708 "},
    encoding{"iso-8859-7", "ISO-8859-7", " iso8859-7 iso88597 greek greek8 "},
    encoding{"iso-8859-8", "ISO-8859-8", " iso8859-8 iso88598 iso-8859-8-i hebrew logical visual "},
    encoding{"iso-8859-10", "ISO-8859-10", " iso8859-10 latin6 l6 "},
    encoding{"iso-8859-13", "ISO-8859-13", " iso8859-13 "},
    encoding{"iso-8859-14", "ISO-8859-14", " iso8859-14 "},
    encoding{"iso-8859-15", "ISO-8859-15", " iso8859-15 iso885915 latin-9 l9 "},
    encoding{"iso-8859-16", "ISO-8859-16", " "},
    encoding{"windows-874", "CP874", " iso-8859-11 tis-620 dos-874 "},
    encoding{"windows-1250", "CP1250", " cp1250 x-cp1250 "},
    encoding{"windows-1251", "CP1251", " cp1251 x-cp1251 "},
    encoding{"windows-1253", "CP1253", " cp1253 x-cp1253 "},
    encoding{"windows-1254", "CP1254", " cp1254 iso-8859-9 iso8859-9 iso88599 latin5 l5 "},
    encoding{"windows-1255", "CP1255", " cp1255 x-cp1255 "},
    encoding{"windows-1256", "CP1256", " cp1256 x-cp1256 "},
    encoding{"windows-1257", "CP1257", " cp1257 x-cp1257 "},
    encoding{"windows-1258", "CP1258", " cp1258 x-cp1258 "},
    encoding{"macintosh", "MACINTOSH", " mac x-mac-roman csmacintosh "},
    encoding{"ibm866", "CP866", " 866 cp866 csibm866 "},
    encoding{"koi8-r", "KOI8-R", " koi koi8 koi8_r cskoi8r "},
    encoding{"koi8-u", "KOI8-U", " koi8-ru "},
    encoding{"gbk", "GB18030", " gb2312 gb_2312 gb_2312-80 gb18030 chinese csgb2312 x-gbk "},
    encoding{"big5", "BIG5-HKSCS", " big5-hkscs cn-big5 csbig5 x-x-big5 "},
    encoding{"shift_jis", "CP932", " sjis shift-jis ms_kanji windows-31j x-sjis ms932 csshiftjis "},
    encoding{"euc-jp", "EUC-JP", " x-euc-jp cseucpkdfmtjapanese "},
    encoding{"iso-2022-jp", "ISO-2022-JP", " csiso2022jp "},
    encoding{"euc-kr", "CP949",
             " ks_c_5601-1987 ks_c_5601-1989 ksc5601 korean windows-949 cseuckr "},
};

const encoding* find_encoding(std::string_view label) {
  const std::string wanted = detail::lower(detail::trim(label));
  if (wanted.empty() || wanted.find(' ') != std::string::npos) return nullptr;
  const std::string between = " " + wanted + " ";
  for (const encoding& each : encodings) {
    if (each.name == wanted || each.labels.find(between) != std::string_view::npos) return &each;
  }
  return nullptr;
}

/// Owns a conversion to UTF-8.
class converter {
 public:
  explicit converter(const char* from) : handle_(iconv_open("UTF-8", from)) {
    if (handle_ == failed()) {
      throw_error(std::error_code(errno, std::generic_category()), "iconv_open");
    }
  }
  converter(const converter&) = delete;
  converter& operator=(const converter&) = delete;
  ~converter() { iconv_close(handle_); }

  /// What is no character is passed over in steps of `unit` bytes.
  std::string convert(std::string_view bytes, std::size_t unit) {
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 2);
    char* in = const_cast<char*>(bytes.data());  // iconv's interface; it does not write there
    std::size_t left = bytes.size();
    while (left > 0) {
      const int problem = step(in, left, out);
      if (problem == 0 || problem == E2BIG) continue;
      out += detail::replacement;
      if (problem == EINVAL) break;  // the text ends inside a character
      const std::size_t skipped = std::min(unit, left);
      in += skipped;
      left -= skipped;
    }
    std::size_t none = 0;
    step(in, none, out);  // what a stateful encoding holds back
    return out;
  }

 private:
  static iconv_t failed() noexcept { return reinterpret_cast<iconv_t>(-1); }

  /// Converts as much as fits one piece; 0, or what stopped it.
  int step(char*& in, std::size_t& left, std::string& out) {
    std::array<char, 4096> piece;
    char* to = piece.data();
    std::size_t room = piece.size();
    const bool flush = left == 0;
    const std::size_t done = iconv(handle_, flush ? nullptr : &in, &left, &to, &room);
    const int problem = done == static_cast<std::size_t>(-1) ? errno : 0;
    out.append(piece.data(), piece.size() - room);
    return problem;
  }

  iconv_t handle_;
};

struct byte_order_mark {
  std::string_view encoding;
  std::string_view bytes;
};
constexpr std::array byte_order_marks{byte_order_mark{"utf-8", "\xEF\xBB\xBF"},
                                      byte_order_mark{"utf-16be", "\xFE\xFF"},
                                      byte_order_mark{"utf-16le", "\xFF\xFE"}};

/// The value of attribute `name` in the inside of a tag, where it stands as a word; empty when there is none.
std::string_view attribute(std::string_view tag, std::string_view name) {
  std::size_t at = 0;
  while ((at = tag.find(name, at)) != std::string_view::npos) {
    const bool word = at == 0 || detail::space.find(tag[at - 1]) != std::string_view::npos ||
                      std::string_view("\"';").find(tag[at - 1]) != std::string_view::npos;
    at += name.size();
    std::string_view rest = detail::trim(tag.substr(at));
    if (!word || !rest.starts_with('=')) continue;
    rest = detail::trim(rest.substr(1));
    if (rest.empty()) return {};
    if (rest.front() == '"' || rest.front() == '\'') {
      const char quote = rest.front();
      rest.remove_prefix(1);
      return rest.substr(0, std::min(rest.find(quote), rest.size()));
    }
    return rest.substr(0, std::min(rest.find_first_of(" \t\r\n\f;\"'>"), rest.size()));
  }
  return {};
}

/// What a declaration inside the text says; such text cannot be UTF-16, whatever it says.
std::string_view declared(std::string_view label) {
  const std::string_view name = encoding_of_label(label);
  return name.starts_with("utf-16") ? std::string_view("utf-8") : name;
}

/// Looks for `<?xml encoding=...?>`, `<meta charset=...>` and `<meta http-equiv=... content="...; charset=...">`.
std::string_view declared_encoding(std::string_view bytes) {
  constexpr std::size_t searched = 1024;
  const std::string head = detail::lower(bytes.substr(0, searched));
  std::string_view rest = head;
  if (rest.starts_with("<?xml")) {
    const std::string_view name = declared(attribute(rest.substr(0, rest.find('>')), "encoding"));
    if (!name.empty()) return name;
  }
  while (!rest.empty()) {
    const std::size_t open = rest.find('<');
    if (open == std::string_view::npos) break;
    rest.remove_prefix(open);
    if (rest.starts_with("<!--")) {
      const std::size_t end = rest.find("-->", 4);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 3);
      continue;
    }
    const std::string_view tag = detail::take_until(rest, '>');
    if (!tag.starts_with("<meta")) continue;
    // Also finds the one inside content="text/html; charset=...".
    const std::string_view name = declared(attribute(tag.substr(5), "charset"));
    if (!name.empty()) return name;
  }
  return {};
}

}  // namespace

std::string_view encoding_of_label(std::string_view label) {
  const encoding* const found = find_encoding(label);
  return found == nullptr ? std::string_view() : found->name;
}

std::string detect_encoding(std::string_view bytes, std::string_view content_type) {
  for (const byte_order_mark& mark : byte_order_marks) {
    if (bytes.starts_with(mark.bytes)) return std::string(mark.encoding);
  }
  if (const auto type = http::media_type::parse(content_type)) {
    const auto charset = type->parameter("charset");
    if (charset) {
      if (const auto name = encoding_of_label(*charset); !name.empty()) return std::string(name);
    }
  }
  if (const auto name = declared_encoding(bytes); !name.empty()) return std::string(name);
  return detail::is_utf8(bytes) ? "utf-8" : "windows-1252";
}

std::string to_utf8(std::string_view bytes, std::string_view label) {
  const encoding* const from = find_encoding(label);
  if (from == nullptr) throw error(errc::unsupported, "the encoding " + std::string(label));
  for (const byte_order_mark& mark : byte_order_marks) {
    if (mark.encoding == from->name && bytes.starts_with(mark.bytes)) {
      bytes.remove_prefix(mark.bytes.size());
    }
  }
  if (from->iconv == nullptr) return detail::repaired_utf8(bytes);
  return converter(from->iconv).convert(bytes, from->name.starts_with("utf-16") ? 2 : 1);
}

}  // namespace eddy::scrape
