# The fuzz targets, fuzz/<name>.cpp, and their corpora, fuzz/corpus/<name>/. Without EDDY_FUZZ one program runs all corpora
# through them, as a test. With it there is fuzz_<name> for each, with libFuzzer (Clang only), and write_corpus for seeds:
#   cmake --preset clang-asan -D EDDY_FUZZ=ON && ninja -C build/clang-asan eddy_fuzz
#   build/clang-asan/fuzz_http1_request -max_total_time=600 -max_len=4096 found fuzz/corpus/http1_request
# What has been found is added to a corpus, in its smallest form, with -merge=1 fuzz/corpus/<name> found.

file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.cpp)
list(FILTER fuzz_sources EXCLUDE REGEX "/(write_corpus|replay).cpp$")
if(NOT EDDY_SCRAPE)
  list(FILTER fuzz_sources EXCLUDE REGEX "/scrape_[a-z]+.cpp$")
endif()

# http_url looks at what the client makes of a URL, inside the library.
function(eddy_fuzz_link target)
  target_include_directories(${target} PRIVATE
    ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/fuzz ${PROJECT_SOURCE_DIR}/src/http)
  target_link_libraries(${target} PRIVATE ${ARGN} eddy_warnings)
endfunction()
set(fuzz_libraries eddy::http eddy::wire eddy::testing $<TARGET_NAME_IF_EXISTS:eddy::scrape>)

if(NOT EDDY_FUZZ)
  set(targets "")
  foreach(source IN LISTS fuzz_sources)
    cmake_path(GET source STEM name)
    set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS LLVMFuzzerTestOneInput=eddy_fuzz_${name})
    string(APPEND targets " EDDY_FUZZ_TARGET(${name})")
  endforeach()
  add_executable(fuzz_replay ${PROJECT_SOURCE_DIR}/fuzz/replay.cpp ${fuzz_sources})
  target_compile_definitions(fuzz_replay PRIVATE "EDDY_FUZZ_TARGETS=${targets}")
  eddy_fuzz_link(fuzz_replay ${fuzz_libraries})
  eddy_add_test(fuzz.corpora fuzz fuzz_replay ${PROJECT_SOURCE_DIR}/fuzz/corpus)
  return()
endif()

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "EDDY_FUZZ needs Clang")
endif()

add_executable(write_corpus ${PROJECT_SOURCE_DIR}/fuzz/write_corpus.cpp ${PROJECT_SOURCE_DIR}/tests/wire/http1_cases.cpp)
eddy_fuzz_link(write_corpus ${fuzz_libraries})
add_custom_target(eddy_fuzz DEPENDS write_corpus)

# Coverage of the library's own code is what guides the search; linking brings in libFuzzer's main.
foreach(library IN ITEMS eddy_wire eddy_http eddy_scrape)
  if(TARGET ${library})
    target_compile_options(${library} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endforeach()
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM name)
  add_executable(fuzz_${name} ${source})
  if(name MATCHES "^(http1_.*|multipart|proxy_protocol|sse|websocket)$")
    eddy_fuzz_link(fuzz_${name} eddy::wire)
  else()
    eddy_fuzz_link(fuzz_${name} ${fuzz_libraries})
  endif()
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer-no-link)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(eddy_fuzz fuzz_${name})
endforeach()
