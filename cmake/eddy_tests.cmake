# tests/<name>/ for every module and application: one GoogleTest binary, one ctest entry (one per I/O driver where the
# module does I/O). What runs programs of others has entries and the label `programs` of its own, so that
# `ctest -LE programs` is quick: suites named <what>_with_<program>, and the applications. Examples and the programs
# behind the guide run as tests as well. Tools and the installed package have tests of their own. Under the thread
# sanitizer only the modules with threads are tested: they are those that do I/O.

include(CTest)
find_package(GTest REQUIRED)

set(EDDY_DRIVEN_MODULES runtime net fs tls process http web service eddy) # their tests run once per kernel driver
# but these: they choose the driver themselves, or are long and about nothing that a driver does.
set(EDDY_UNDRIVEN_runtime on/*)
set(EDDY_UNDRIVEN_net drivers/*)
set(EDDY_UNDRIVEN_http drivers/*:websocket_cases.*:http1_llhttp.*)
set(EDDY_UNDRIVEN_http.programs http_server_tls_with_testssl.*)
set(EDDY_UNDRIVEN_web drivers/*)
set(EDDY_WITH_PROGRAMS tls http web)

# An upper bound for hangs, not a measure: sanitizers are up to ten times slower.
set(EDDY_TEST_TIMEOUT 300)
if(EDDY_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(EDDY_TEST_TIMEOUT 600)
endif()

set(EDDY_TEST_ENVIRONMENT
  ASAN_OPTIONS=detect_stack_use_after_return=1:check_initialization_order=1:strict_init_order=1
  UBSAN_OPTIONS=print_stacktrace=1
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)

function(eddy_add_test name label)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${EDDY_TEST_TIMEOUT} LABELS "${label}"
    ENVIRONMENT "${EDDY_TEST_ENVIRONMENT};GTEST_OUTPUT=xml:${PROJECT_BINARY_DIR}/gtest/${name}.xml")
endfunction()

# The tests of a module, or a part of them, that a GoogleTest filter has.
function(eddy_add_part name label target filter)
  set(undriven ${EDDY_UNDRIVEN_${name}})
  if(NOT label IN_LIST EDDY_DRIVEN_MODULES)
    eddy_add_test(${name} "${label};${ARGN}" ${target})
    return()
  endif()
  foreach(driver IN ITEMS epoll io_uring)
    eddy_add_test(${name}.${driver} "${label};${driver};${ARGN}" ${target})
    set_property(TEST ${name}.${driver} APPEND PROPERTY
      ENVIRONMENT EDDY_DRIVER=${driver} "GTEST_FILTER=${filter}:${undriven}")
  endforeach()
  if(undriven)
    eddy_add_test(${name}.undriven "${label};${ARGN}" ${target})
    set_property(TEST ${name}.undriven APPEND PROPERTY ENVIRONMENT "GTEST_FILTER=${undriven}")
  endif()
endfunction()

function(eddy_module_tests name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  set(target eddy_${name}_tests)
  add_executable(${target} ${sources})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src/${name})
  target_link_libraries(${target} PRIVATE eddy::eddy eddy::testing GTest::gmock eddy_warnings Threads::Threads)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Most of the build is tests; a third of their compilation goes. What they test keeps the preset's optimisation.
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  if(EXISTS ${PROJECT_SOURCE_DIR}/tests/main.cpp)
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/main.cpp)
  else()
    target_link_libraries(${target} PRIVATE GTest::gtest_main)
  endif()

  if(name STREQUAL "http")
    set_source_files_properties(${PROJECT_SOURCE_DIR}/tests/http/websocket_cases_test.cpp PROPERTIES
      COMPILE_DEFINITIONS EDDY_DOCS="${PROJECT_SOURCE_DIR}/docs")
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/wire/http1_cases.cpp) # the gate's inputs as data
  endif()

  if(name STREQUAL "scrape" OR name STREQUAL "eddy")
    target_link_libraries(${target} PRIVATE PkgConfig::gumbo PkgConfig::sqlite3)
  endif()

  if(name STREQUAL "web")
    target_link_libraries(${target} PRIVATE OpenSSL::Crypto) # checksums
    target_compile_definitions(${target} PRIVATE EDDY_PEERS="${PROJECT_SOURCE_DIR}/tests/web/peers.py")
  endif()

  get_property(app GLOBAL PROPERTY EDDY_APP_${name})
  if(app)
    eddy_add_part(${name} ${name} ${target} "*-" programs)
  elseif(name IN_LIST EDDY_WITH_PROGRAMS)
    eddy_add_part(${name} ${name} ${target} "*-*_with_*.*")
    eddy_add_part(${name}.programs ${name} ${target} "*_with_*.*-" programs)
  else()
    eddy_add_part(${name} ${name} ${target} "*-")
  endif()
  if(app)
    target_compile_definitions(${target} PRIVATE EDDY_PROGRAM="$<TARGET_FILE:${app}>")
    add_dependencies(${target} ${app})
  endif()
endfunction()

get_property(modules GLOBAL PROPERTY EDDY_MODULES)
get_property(apps GLOBAL PROPERTY EDDY_APPS)
foreach(name IN LISTS modules apps)
  if(NOT EDDY_SANITIZE STREQUAL "thread" OR name IN_LIST EDDY_DRIVEN_MODULES)
    eddy_module_tests(${name})
  endif()
endforeach()
if(EDDY_SANITIZE STREQUAL "thread")
  return()
endif()

get_property(examples GLOBAL PROPERTY EDDY_EXAMPLES)
foreach(example IN LISTS examples)
  eddy_add_test(${example} examples ${example})
endforeach()

# A few seconds of the load that tools/soak lets run for an hour.
if(EDDY_BUILD_BENCH)
  foreach(driver IN ITEMS epoll io_uring)
    eddy_add_test(bench_soak.${driver} "bench;${driver}" bench_soak 3 1 16)
    set_property(TEST bench_soak.${driver} APPEND PROPERTY ENVIRONMENT EDDY_DRIVER=${driver})
  endforeach()
endif()

# Every docs/guide/snippets/<chapter>.cpp is a program whose regions the guide shows. One without a main of its own has
# GoogleTest's.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/guide/snippets/*.cpp)
if(NOT EDDY_SCRAPE)
  list(FILTER sources EXCLUDE REGEX "_crawling.cpp$")
endif()
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(guide_${name} ${source})
  target_link_libraries(guide_${name} PRIVATE eddy::eddy eddy::testing GTest::gmock_main eddy_warnings)
  eddy_add_test(guide_${name} guide guide_${name})
endforeach()

string(JOIN " " consumer_flags ${EDDY_SANITIZE_FLAGS})
eddy_add_test(install.consumer tools ${CMAKE_COMMAND} -D BUILD=${PROJECT_BINARY_DIR} -D COMPILER=${CMAKE_CXX_COMPILER}
  -D FLAGS=${consumer_flags} -P ${PROJECT_SOURCE_DIR}/tests/consumer/check_install.cmake)
eddy_add_test(tools.check tools python3 -B -m unittest discover -s ${PROJECT_SOURCE_DIR}/tests/tools -p "*_test.py")

# What must not compile, with the diagnostic it must fail with.
file(GLOB misuses CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/compile_fail/*.cpp)
foreach(source IN LISTS misuses)
  cmake_path(GET source STEM name)
  eddy_add_test(compile_fail.${name} compile_fail ${CMAKE_COMMAND} -D SOURCE=${source} -D COMPILER=${CMAKE_CXX_COMPILER}
    -D INCLUDE=${PROJECT_SOURCE_DIR}/include -P ${PROJECT_SOURCE_DIR}/tests/compile_fail/check.cmake)
endforeach()
