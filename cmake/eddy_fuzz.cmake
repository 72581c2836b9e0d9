# fuzz_<name> for every fuzz/<name>.cpp, with libFuzzer (Clang only), and write_corpus for their seeds:
#   cmake --preset clang-asan -D EDDY_FUZZ=ON && ninja -C build/clang-asan eddy_fuzz
#   build/clang-asan/write_corpus corpus && build/clang-asan/fuzz_http1_request -max_total_time=60 corpus/http1_request

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "EDDY_FUZZ needs Clang")
endif()

add_executable(write_corpus ${PROJECT_SOURCE_DIR}/fuzz/write_corpus.cpp ${PROJECT_SOURCE_DIR}/tests/wire/http1_cases.cpp)
target_include_directories(write_corpus PRIVATE ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(write_corpus PRIVATE eddy::wire eddy_warnings)
add_custom_target(eddy_fuzz DEPENDS write_corpus)

# Coverage of the library's own code is what guides the search; linking brings in libFuzzer's main.
target_compile_options(eddy_wire PRIVATE -fsanitize=fuzzer-no-link)
target_compile_options(eddy_http PRIVATE -fsanitize=fuzzer-no-link)

file(GLOB entries CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.cpp)
list(FILTER entries EXCLUDE REGEX "/write_corpus.cpp$")
if(EDDY_SCRAPE)
  target_compile_options(eddy_scrape PRIVATE -fsanitize=fuzzer-no-link)
else()
  list(FILTER entries EXCLUDE REGEX "/scrape_[a-z]+.cpp$")
endif()
foreach(source IN LISTS entries)
  cmake_path(GET source STEM name)
  add_executable(fuzz_${name} ${source})
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/fuzz)
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer-no-link)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE eddy::http eddy::wire $<TARGET_NAME_IF_EXISTS:eddy::scrape> eddy_warnings)
  if(name STREQUAL "http2_server")
    target_link_libraries(fuzz_${name} PRIVATE eddy::testing)
  endif()
  add_dependencies(eddy_fuzz fuzz_${name})
endforeach()
