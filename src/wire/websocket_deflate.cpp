#include <eddy/wire/websocket_deflate.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include <zlib.h>

namespace eddy::wire::websocket {
namespace {

// The end of a flush, which a sender leaves out and a receiver puts back (RFC 7692 section 7.2).
constexpr std::array<std::byte, 4> tail{std::byte{0x00}, std::byte{0x00}, std::byte{0xff},
                                        std::byte{0xff}};

// zlib compresses raw data with windows from 9 bits on. Its distances are at most the window less 262 bytes, so what it
// makes with 9 bits reaches back 250 bytes and suits a window of 8 bits, too.
constexpr int smallest_zlib_window = 9;

// zlib counts in unsigned int.
constexpr std::size_t largest_step = std::numeric_limits<uInt>::max();

void give_input(z_stream& stream, std::span<const std::byte> input) noexcept {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
}

}  // namespace

namespace detail {

void deflate_end::operator()(z_stream_s* stream) const noexcept {
  deflateEnd(stream);
  delete stream;
}

void inflate_end::operator()(z_stream_s* stream) const noexcept {
  inflateEnd(stream);
  delete stream;
}

}  // namespace detail

// --- compressing ---

void deflater::compress(std::span<const std::byte> message, std::string& out) {
  if (message.empty()) {
    out.push_back('\0');  // an empty stored block, less the tail (section 7.2.3.6)
    return;
  }
  if (stream_ == nullptr) {
    auto made = std::make_unique<z_stream>();
    const int bits = std::max<int>(options_.window_bits, smallest_zlib_window);
    if (deflateInit2(made.get(), options_.level, Z_DEFLATED, -bits, options_.memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
    stream_.reset(made.release());
  }
  std::size_t size = out.size();
  std::size_t done = 0;
  do {
    const std::size_t step = std::min(message.size() - done, largest_step);
    give_input(*stream_, message.subspan(done, step));
    done += step;
    const int flush = done == message.size() ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    do {  // until there is room left: then nothing is held back
      const std::size_t room = std::min(deflateBound(stream_.get(), stream_->avail_in) + 16,
                                        static_cast<uLong>(largest_step));
      out.resize(size + room);
      stream_->next_out = reinterpret_cast<Bytef*>(out.data() + size);
      stream_->avail_out = static_cast<uInt>(room);
      deflate(stream_.get(), flush);
      size += room - stream_->avail_out;
    } while (stream_->avail_out == 0);
  } while (done < message.size());
  out.resize(size - tail.size());
  if (!options_.keep_context) stream_.reset();
}

// --- decompressing ---

void inflater::prepare() {
  if (stream_ == nullptr) {
    auto made = std::make_unique<z_stream>();
    if (inflateInit2(made.get(), -static_cast<int>(options_.window_bits)) != Z_OK) {
      throw std::bad_alloc();
    }
    stream_.reset(made.release());
  }
  if (output_ == nullptr) output_ = std::make_unique_for_overwrite<std::byte[]>(piece_size);
}

std::expected<inflater::piece, errc> inflater::decompress(std::span<const std::byte> input) {
  prepare();
  input = input.first(std::min(input.size(), largest_step));
  give_input(*stream_, input);
  stream_->next_out = reinterpret_cast<Bytef*>(output_.get());
  stream_->avail_out = piece_size;
  int outcome = inflate(stream_.get(), Z_SYNC_FLUSH);
  // A final block may be followed by others (section 7.2.3.4), which refer to the same window.
  while (outcome == Z_STREAM_END && inflateResetKeep(stream_.get()) == Z_OK &&
         stream_->avail_in > 0 && stream_->avail_out > 0) {
    outcome = inflate(stream_.get(), Z_SYNC_FLUSH);
  }
  if (outcome == Z_MEM_ERROR) throw std::bad_alloc();
  piece got{std::span(output_.get(), piece_size - stream_->avail_out),
            input.size() - stream_->avail_in};
  if (outcome == Z_OK || outcome == Z_STREAM_END || outcome == Z_BUF_ERROR) return got;
  if (got.output.empty()) return std::unexpected(errc::bad_compressed_data);
  // What came before the wrong byte counts first, however the bytes were cut; zlib says the same again at the next.
  if (got.consumed > 0) --got.consumed;
  return got;
}

std::expected<inflater::piece, errc> inflater::finish() {
  auto last = decompress(std::span(tail).subspan(tail_given_));
  if (!last) return last;
  tail_given_ = static_cast<std::uint8_t>(tail_given_ + last->consumed);
  if (!last->output.empty()) return last;
  if (tail_given_ < tail.size()) return std::unexpected(errc::bad_compressed_data);
  tail_given_ = 0;
  output_.reset();
  if (!options_.keep_context) stream_.reset();
  return piece{};
}

}  // namespace eddy::wire::websocket
